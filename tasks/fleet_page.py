"""The service itself in the admin site: queues, workers and what is under way."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tasks.fleet import fleet


@require_safe
def fleet_page(request: HttpRequest) -> HttpResponse:
    """Queues, workers and what is under way. To be wrapped in ``admin_view``."""
    _refuse_who_may_not(request)
    context = {**admin.site.each_context(request), "title": _("Queues and workers"), "fleet": fleet()}
    return render(request, "admin/dashboard/fleet_page.html", context)


@never_cache
@require_safe
def fleet_part(request: HttpRequest) -> HttpResponse:
    """The same without the page around it, to be put there anew."""
    _refuse_who_may_not(request)
    return render(request, "admin/dashboard/fleet.html", {"fleet": fleet()})


def _refuse_who_may_not(request: HttpRequest) -> None:
    if not request.user.has_perm("tasks.view_operation"):
        raise PermissionDenied
