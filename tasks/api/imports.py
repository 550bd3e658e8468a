"""Clusters that exist already: registered and read in one request."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import registry
from clusters.api import importing, registration
from clusters.api.authentication import actor
from clusters.api.base import OfCluster, View, source_of
from clusters.api.documentation import tells
from clusters.api.idempotency import idempotent
from clusters.api.importing import FirstImportSerializer, Import, ImportSerializer
from clusters.api.problems import Problem
from clusters.customers import in_turn
from clusters.inventory import Inventory
from clusters.models import Cluster, ClusterState
from tasks import services
from tasks.api.clusters import registry_refusals
from tasks.api.operations import accepted
from tasks.api.refusals import as_problems, refuse_while_active
from tasks.api.serializers import OperationSerializer


class Imports(View):
    """Importing what is not registered yet."""

    queryset = Cluster.objects.all()
    serializer_class = OperationSerializer

    @extend_schema(
        operation_id="clusters_import",
        summary="Import a cluster",
        request=FirstImportSerializer,
        responses={202: OperationSerializer},
    )
    @tells("invalid-configuration", "limit-reached", "name-taken", "busy", "conflict")
    @idempotent
    def create(self, request: Request) -> Response:
        """Registers a Kubernetes that was installed otherwise, and starts the operation that reads and records it.

        Nothing is changed in it or on its hosts. With a kubeconfig alone its health is read, and what needs its hosts
        is refused until they are given.
        """
        asked = importing.read(request.data, known=False)
        given = asked.given
        name = registration.named(given)
        others = {**given.others, **({"kubeconfig": asked.kubeconfig} if asked.kubeconfig else {})}
        with registry_refusals():
            cluster = registry.create(
                self.key,
                name,
                given.inventory or Inventory(),
                given.access,
                description=given.description,
                others=others,
            )
        services.audit(
            actor(self.key),
            "cluster.create",
            source=source_of(request),
            cluster=cluster,
            detail={"name": name, "hosts": len(given.inventory.hosts if given.inventory else ()), "import": True},
        )
        return _started(self, request, cluster, asked)


class ImportsOfCluster(OfCluster):
    """Importing again: after a refusal, with hosts that were not given before, or to see what has changed."""

    queryset = Cluster.objects.all()
    serializer_class = OperationSerializer

    @extend_schema(
        operation_id="clusters_import_again",
        summary="Import a cluster again",
        request=ImportSerializer,
        responses={202: OperationSerializer},
    )
    @tells("invalid-configuration", "limit-reached", "name-taken", "busy", "conflict")
    @idempotent
    def create(self, request: Request, **_: Any) -> Response:
        """Hosts and kubeconfig of the body replace those stored. Before the first import has succeeded, hosts that the
        body does not name are forgotten. A dry run of an imported cluster takes none, and says what has changed.
        """
        asked, cluster = importing.read(request.data, known=True), self.cluster
        first = cluster.state == ClusterState.REGISTERED
        if not first and asked.dry_run and (asked.hosts or asked.kubeconfig):
            hint = "Leave hosts and kubeconfig out of the dry run, or import them without dry_run."
            raise Problem(
                "conflict", f"{cluster.name} is imported already; a dry run changes nothing of it.", hint=hint
            )
        # What makes no plan must not have changed anything.
        with as_problems():
            services.preview(cluster, "import", {})
        in_turn(cluster.customer_id)
        refuse_while_active(cluster, mutating_only=True)
        with registry_refusals():
            if asked.given.inventory is not None and asked.hosts:
                registry.take_hosts(cluster, asked.given.inventory, asked.given.access, whole=first)
            changes = dict(asked.given.others)
            if asked.kubeconfig:
                changes["kubeconfig"] = asked.kubeconfig
            if changes:
                registry.update(cluster, changes)
        if asked.hosts or changes:
            detail = {"hosts": asked.hosts, "fields": sorted(changes)}
            services.audit(actor(self.key), "cluster.import", source=source_of(request), cluster=cluster, detail=detail)
        return _started(self, request, Cluster.objects.get(pk=cluster.pk), asked)


def _started(view: View, request: Request, cluster: Cluster, asked: Import) -> Response:
    with as_problems():
        operation = services.request_operation(
            cluster, "import", {}, dry_run=asked.dry_run, actor=actor(view.key), source=source_of(request)
        )
    return accepted(operation, request)
