"""The addresses below ``/console/``."""

from __future__ import annotations

from django.urls import include, path

from tasks.web.console import views

urlpatterns = [
    path("", views.clusters, name="console"),
    path("part", views.clusters, {"template": "clusters_part"}, name="console-part"),
    path("login", views.log_in, name="console-login"),
    path("logout", views.log_out, name="console-logout"),
    path("clusters/<str:cluster_id>", views.cluster, name="console-cluster"),
    path("clusters/<str:cluster_id>/part", views.cluster, {"template": "cluster_part"}, name="console-cluster-part"),
    path("operations/<str:operation_id>", views.operation, name="console-operation"),
    path("live/", include(views.live.urls)),
]
