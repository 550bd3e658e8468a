"""The service's addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from clusters.api.problems import page_not_found
from sanqian_service.probes import livez, metrics, readyz
from tasks.dashboard_page import dashboard_part
from tasks.fleet_page import fleet_page, fleet_part
from tasks.web.staff import live as staff_live

admin.site.index_template = "admin/dashboard/index.html"
admin.site.index_title = _("Dashboard")
urlpatterns = [
    path("admin/dashboard/part/", admin.site.admin_view(dashboard_part), name="dashboard-part"),
    path("admin/fleet/", admin.site.admin_view(fleet_page), name="fleet"),
    path("admin/fleet/part/", admin.site.admin_view(fleet_part), name="fleet-part"),
    path("admin/live/", include(staff_live.urls)),
    path("admin/", admin.site.urls),
    path("console/", include("tasks.web.console.urls")),
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/v1/", include("tasks.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path("^api/", page_not_found),
]
handler500 = "clusters.api.problems.server_error"
