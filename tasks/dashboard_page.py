"""The first page of the admin site: the fleet of clusters, read anew every few seconds."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tasks import dashboard

PERMISSIONS = ("clusters.view_cluster", "clusters.view_healthevent", "tasks.view_operation")


def may_look(request: HttpRequest) -> bool:
    """Whether all that is on the page may be seen. Who may not sees the plain list of what they may."""
    return bool(request.user.has_perms(PERMISSIONS))


def first_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the admin's first page shows besides its own: the setting DASHBOARD_CALLBACK of unfold."""
    return {**context, "dashboard": dashboard.read()} if may_look(request) else context


@never_cache
@require_safe
def dashboard_part(request: HttpRequest) -> HttpResponse:
    """The part of the first page that changes. To be wrapped in ``admin_view``."""
    if not may_look(request):
        raise PermissionDenied
    return render(request, "admin/dashboard/clusters.html", {"dashboard": dashboard.read()})
