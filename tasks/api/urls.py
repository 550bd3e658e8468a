"""The addresses below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from clusters.api.backups import Backups
from clusters.api.catalogue import Catalogue
from clusters.api.ceph import Ceph
from clusters.api.health import Components, Health, HealthEvents
from tasks.api.access_keys import AccessKeys
from tasks.api.clusters import Clusters, Nodes
from tasks.api.events import events
from tasks.api.feed import Feed
from tasks.api.feed_stream import feed
from tasks.api.fleet import FleetView
from tasks.api.imports import Imports, ImportsOfCluster
from tasks.api.operations import OperationKinds, Operations, OperationsOfCluster, Steps
from tasks.api.overview import Overview
from tasks.api.service import ServiceView
from tasks.api.waiting import waiting
from tasks.api.webhooks import Deliveries, EventTypes, Webhooks
from tasks.api.whoami import WhoAmI

CLUSTER = "clusters/<str:cluster_id>"
OPERATION = "operations/<str:operation_id>"
ACCESS_KEY = "access-keys/<str:key_id>"
WEBHOOK = "webhooks/<str:webhook_id>"

urlpatterns = [
    path("whoami", WhoAmI.as_view({"get": "read"})),
    path("access-keys", AccessKeys.as_view({"get": "list", "post": "create"})),
    path(ACCESS_KEY, AccessKeys.as_view({"get": "retrieve", "patch": "partial_update"})),
    path(f"{ACCESS_KEY}/rotate", AccessKeys.as_view({"post": "rotate"})),
    path(f"{ACCESS_KEY}/revoke", AccessKeys.as_view({"post": "revoke"})),
    path("service", ServiceView.as_view({"get": "read"})),
    path("events", Feed.as_view({"get": "read"})),
    path("events/stream", feed),
    path("clusters", Clusters.as_view({"get": "list", "post": "create"})),
    path("clusters/validate", Clusters.as_view({"post": "judge"})),
    path("clusters/import", Imports.as_view({"post": "create"})),
    path(CLUSTER, Clusters.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})),
    path(f"{CLUSTER}/import", ImportsOfCluster.as_view({"post": "create"})),
    path(f"{CLUSTER}/credentials", Clusters.as_view({"post": "credentials"})),
    path(f"{CLUSTER}/access-key", Clusters.as_view({"post": "hand_over"})),
    path(f"{CLUSTER}/configuration", Clusters.as_view({"get": "configuration"})),
    path(f"{CLUSTER}/kubeconfig", Clusters.as_view({"get": "kubeconfig"})),
    path(f"{CLUSTER}/nodes", Nodes.as_view({"get": "list", "post": "create"})),
    path(f"{CLUSTER}/new-nodes", Nodes.as_view({"post": "extend"})),
    path(
        f"{CLUSTER}/nodes/<str:name>",
        Nodes.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{CLUSTER}/components", Components.as_view({"get": "list"})),
    path(f"{CLUSTER}/health-events", HealthEvents.as_view({"get": "list"})),
    path(f"{CLUSTER}/health", Health.as_view({"get": "health"})),
    path(f"{CLUSTER}/backups", Backups.as_view({"get": "list"})),
    path(f"{CLUSTER}/certificates", Health.as_view({"get": "certificates"})),
    path(f"{CLUSTER}/pods", Health.as_view({"get": "pods"})),
    path(f"{CLUSTER}/ceph", Ceph.as_view({"get": "read"})),
    path(f"{CLUSTER}/operations", OperationsOfCluster.as_view({"get": "list", "post": "create"})),
    path("overview", Overview.as_view({"get": "read"})),
    path("operations", Operations.as_view({"get": "list"})),
    path(OPERATION, waiting(Operations.as_view({"get": "retrieve"}))),
    path(f"{OPERATION}/steps", Steps.as_view({"get": "list"})),
    path(f"{OPERATION}/log", Operations.as_view({"get": "log"})),
    path(f"{OPERATION}/cancel", Operations.as_view({"post": "cancel"})),
    path(f"{OPERATION}/retry", Operations.as_view({"post": "retry"})),
    path(f"{OPERATION}/events", events),
    path("webhooks", Webhooks.as_view({"get": "list", "post": "create"})),
    path(WEBHOOK, Webhooks.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})),
    path(f"{WEBHOOK}/ping", Webhooks.as_view({"post": "ping"})),
    path(f"{WEBHOOK}/replay", Webhooks.as_view({"post": "replay"})),
    path(f"{WEBHOOK}/rotate-secret", Webhooks.as_view({"post": "rotate_secret"})),
    path(f"{WEBHOOK}/deliveries", Deliveries.as_view({"get": "list"})),
    path(f"{WEBHOOK}/deliveries/<str:delivery_id>", Deliveries.as_view({"get": "retrieve"})),
    path(f"{WEBHOOK}/deliveries/<str:delivery_id>/replay", Deliveries.as_view({"post": "replay"})),
    path("webhook-event-types", EventTypes.as_view({"get": "list"})),
    path("fleet", FleetView.as_view({"get": "read"})),
    path("operation-kinds", OperationKinds.as_view({"get": "list"})),
    path("components", Catalogue.as_view({"get": "list"})),
]
