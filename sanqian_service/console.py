"""How the admin site looks: its name, its first page and its navigation (the setting UNFOLD)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: bool(request.user.has_perm(permission))


def _link(title: Promise, icon: str, page: str, permission: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(page), "permission": _may(permission)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Sanqian service"),
    "SITE_HEADER": _("Sanqian service"),
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("pages/icon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "LOGIN": {"form": "tasks.logins.LoginForm"},
    "DASHBOARD_CALLBACK": "tasks.dashboard_page.first_page",
    "SIDEBAR": {
        "show_all_applications": True,
        "navigation": [
            {
                "title": _("Fleet"),
                "items": [
                    _link(_("Dashboard"), "dashboard", "admin:index", "tasks.view_operation"),
                    _link(_("Clusters"), "dns", "admin:clusters_cluster_changelist", "clusters.view_cluster"),
                    _link(_("Operations"), "play_circle", "admin:tasks_operation_changelist", "tasks.view_operation"),
                    _link(
                        _("Changes of health"),
                        "monitor_heart",
                        "admin:clusters_healthevent_changelist",
                        "clusters.view_healthevent",
                    ),
                    _link(_("Queues and workers"), "conveyor_belt", "fleet", "tasks.view_operation"),
                ],
            },
            {
                "title": _("People"),
                "items": [
                    _link(_("Customers"), "groups", "admin:clusters_customer_changelist", "clusters.view_customer"),
                    _link(_("Access keys"), "key", "admin:clusters_accesskey_changelist", "clusters.view_accesskey"),
                    _link(_("Users"), "person", "admin:auth_user_changelist", "auth.view_user"),
                    _link(_("Audit"), "history_edu", "admin:tasks_auditevent_changelist", "tasks.view_auditevent"),
                ],
            },
        ],
    },
}
