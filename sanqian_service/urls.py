"""The service's addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from clusters.api.problems import page_not_found
from sanqian_service.probes import livez, metrics, readyz
from tasks.fleet_page import fleet_page
from tasks.web.staff import live as staff_live

admin.site.index_template = "admin/index_with_fleet.html"
urlpatterns = [
    path("admin/fleet/", admin.site.admin_view(fleet_page), name="fleet"),
    path("admin/live/", include(staff_live.urls)),
    path("admin/", admin.site.urls),
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/v1/", include("tasks.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path("^api/", page_not_found),
]
handler500 = "clusters.api.problems.server_error"
