"""The fleet in the admin site."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tasks.fleet import fleet


@require_safe
def fleet_page(request: HttpRequest) -> HttpResponse:
    """Queues, workers and what is under way, read anew every few seconds. To be wrapped in ``admin_view``."""
    if not request.user.has_perm("tasks.view_operation"):
        raise PermissionDenied
    context = {**admin.site.each_context(request), "title": "Fleet", "fleet": fleet()}
    return render(request, "admin/fleet.html", context)
