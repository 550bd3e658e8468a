"""Clusters and their hosts: registered, shown, changed and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import registry
from clusters.api import nodes, registration
from clusters.api.authentication import actor, key_of
from clusters.api.base import View, as_uuid, only, own_cluster, source_of
from clusters.api.clusters import (
    COUNTED,
    EDITABLE,
    ChangeSerializer,
    HandedOverSerializer,
    HandOverSerializer,
    OfCluster,
    ReplacedSerializer,
    changes_of,
    cluster_version,
)
from clusters.api.conditional import IF_MATCH, IF_NONE_MATCH, TAG, answer, is_conditional, refuse_if_stale
from clusters.api.documentation import tells
from clusters.api.filters import Filters
from clusters.api.idempotency import idempotent
from clusters.api.pagination import Orders, Pages
from clusters.api.problems import Problem, invalid
from clusters.api.showing import names_of, narrowed, sparse
from clusters.customers import in_turn
from clusters.inventory import render
from clusters.models import AccessKey, Cluster
from clusters.statements import RawJSON
from tasks.api.filters import ClusterByOperationFilter
from tasks.api.refusals import refuse_while_active
from tasks.api.serializers import ClusterWithOperationSerializer, RegisteredClusterSerializer
from tasks.models import ACTIVE, Operation
from tasks.services import audit

# One that changes the cluster comes before those that only read it.
UNDER_WAY = OfCluster(
    "jsonb_build_object('id', id, 'kind', kind, 'state', state, 'progress', progress)",
    Operation,
    RawJSON(),
    f" AND state IN {tuple(map(str, ACTIVE))} ORDER BY mutating DESC, created_at DESC LIMIT 1",
)
COUNTED_TOO = {**COUNTED, "active_operation": {"under_way": UNDER_WAY}}
DESCRIBING = {"name", "description"}
YAML = "text/yaml; charset=utf-8"


class Clusters(View):
    """The caller's clusters."""

    queryset = Cluster.objects.defer(*Cluster.SECRETS)
    serializer_class = ClusterWithOperationSerializer
    pagination_class = Pages
    orders = Orders("-created_at", ("created_at", "name", "state", "checked_at", "updated_at"))
    filter_backends = [Filters]
    filterset_class = ClusterByOperationFilter

    @property
    def own(self) -> dict[str, Any]:
        return {"customer": self.key.customer_id}

    def narrow(self, rows: QuerySet[Any], names: tuple[str, ...], *more: str) -> QuerySet[Any, Any]:
        counted = {name: value for field in names for name, value in COUNTED_TOO.get(field, {}).items()}
        return narrowed(rows, ClusterWithOperationSerializer, names, *more, **counted)

    @extend_schema(summary="List clusters", parameters=[sparse(ClusterWithOperationSerializer)])
    def list(self, request: Request) -> Response:
        """Newest first, with what is under way on each."""
        return self.page()

    @extend_schema(summary="Read a cluster", parameters=[sparse(ClusterWithOperationSerializer)])
    @tells(answers=(TAG,), asks=(IF_NONE_MATCH,))
    def retrieve(self, request: Request, cluster_id: str) -> HttpResponse:
        """With its settings, and the operation that is under way."""
        return self.described(cluster_id, self.names)

    @extend_schema(
        summary="Register a cluster",
        request=registration.RegistrationSerializer,
        responses={201: RegisteredClusterSerializer},
    )
    @tells("invalid-configuration", "limit-reached", "name-taken", "conflict")
    @idempotent
    def create(self, request: Request) -> Response:
        """From the configuration file that you have, or from hosts as JSON. Nothing is done on the hosts.

        A `privateKeyPath` names a file on your machine: send the key's text in `private_keys` under that path.
        """
        given = registration.read(request.data)
        inventory, name = given.sound(), registration.named(given)
        with registry_refusals():
            cluster = registry.create(
                self.key, name, inventory, given.access, description=given.description, others=given.others
            )
        self.audit("cluster.create", cluster, {"name": name, "hosts": len(inventory.hosts)})
        names = names_of(ClusterWithOperationSerializer)
        made = self.shown(self.found(self.get_queryset().filter(pk=cluster.pk), names), names)[0]
        data = {**made, "findings": registration.shown(given.findings)}
        return Response(data, status=201, headers={"Location": f"{request.path}/{cluster.pk}"})

    @extend_schema(
        operation_id="clusters_validate",
        summary="Judge a configuration",
        request=registration.RegistrationSerializer,
        responses={200: registration.JudgementSerializer},
    )
    def judge(self, request: Request) -> Response:
        """The same body as for registering; nothing is stored."""
        return Response(registration.judgement(registration.read(request.data)))

    @extend_schema(summary="Change a cluster", request=ChangeSerializer(partial=True))
    @tells(
        "invalid-configuration",
        "busy",
        "name-taken",
        "conflict",
        "precondition-failed",
        answers=(TAG,),
        asks=(IF_MATCH,),
    )
    @transaction.atomic
    def partial_update(self, request: Request, cluster_id: str) -> HttpResponse:
        """Settings take effect with the next operation; while one changes the cluster they stay as they are."""
        cluster = self.as_known(cluster_id)
        changes = changes_of(cluster, request.data)
        if changes.keys() - DESCRIBING:
            refuse_while_active(cluster, mutating_only=True)
        if changes:
            with registry_refusals():
                registry.update(cluster, changes)
            self.audit("cluster.update", cluster, {"changed": sorted(changes)})
        return self.described(cluster_id, names_of(ClusterWithOperationSerializer))

    @extend_schema(summary="Forget a cluster", responses={204: None})
    @tells("busy", "conflict", "precondition-failed", asks=(IF_MATCH,))
    @transaction.atomic
    def destroy(self, request: Request, cluster_id: str) -> Response:
        """Takes it out of the registry, with its credentials, operations and logs. Its hosts stay as they are."""
        cluster = self.as_known(cluster_id)
        refuse_while_active(cluster, mutating_only=False)
        self.audit("cluster.delete", cluster, {"name": cluster.name})
        registry.delete(cluster)
        return Response(status=204)

    @extend_schema(
        operation_id="clusters_credentials_replace",
        summary="Replace credentials",
        request=registration.RegistrationSerializer,
        responses={200: ReplacedSerializer},
    )
    @tells("invalid-configuration", "conflict")
    @idempotent
    def credentials(self, request: Request, cluster_id: str) -> Response:
        """Keys and passwords from the same body as for registering; nothing else of it is stored.

        A key or password that it does not give stays, and so do hosts that it does not name. What a rotation has
        put in place stays, too: a file may be older than that.
        """
        cluster = self.cluster(cluster_id)
        given = registration.read(request.data)
        changed, kept = registry.replace_logins(cluster, given.sound(), given.access)
        if changed:
            self.audit("cluster.credentials", cluster, {"hosts": changed})
        return Response({"changed": changed, "kept": kept})

    @extend_schema(
        operation_id="clusters_hand_over",
        summary="Hand over to another access key",
        request=HandOverSerializer,
        responses={200: HandedOverSerializer},
    )
    @tells("busy", "limit-reached", "name-taken", "conflict")
    @idempotent
    def hand_over(self, request: Request, cluster_id: str) -> Response:
        """Another key of the same customer is the cluster's then. All keys of the customer go on seeing it.

        What the platform's agent in the cluster has is changed by the operation `rotate-access-key`.
        """
        cluster = self.cluster(cluster_id)
        serializer = HandOverSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        in_turn(self.key.customer_id)
        refuse_while_active(cluster, mutating_only=False)
        before = AccessKey.objects.values_list("prefix", flat=True).get(pk=cluster.access_key_id)
        try:
            other = key_of(f"Bearer {serializer.validated_data['access_key']}", source_of(request))
        except Problem as error:
            if error.kind.slug == "throttled":
                raise
            raise invalid("access_key", error.text, error.hint) from error
        if other.customer_id != self.key.customer_id:
            raise invalid("access_key", "This is another customer's access key.", "Give one of your own.")
        if other.successor is not None:
            hint = f"Give its successor, {other.successor.prefix}."
            raise invalid("access_key", f"The access key {other.prefix} was rotated and ends soon.", hint)
        with registry_refusals():
            registry.hand_over(cluster, other)
        self.audit("cluster.access-key", cluster, {"from": before, "to": other.prefix})
        return Response({"access_key": other.prefix})

    @extend_schema(summary="Export the configuration", responses={(200, "text/yaml"): OpenApiTypes.STR})
    def configuration(self, request: Request, cluster_id: str) -> HttpResponse:
        """A file that kk takes, without passwords and keys."""
        inventory = registry.inventory_of(self.cluster(cluster_id))
        return HttpResponse(render(registry.without_secrets(inventory)), content_type=YAML)

    @extend_schema(summary="Fetch the kubeconfig", responses={(200, "text/yaml"): OpenApiTypes.STR})
    def kubeconfig(self, request: Request, cluster_id: str) -> HttpResponse:
        """The administrator's access to the cluster. Each fetch is kept in the audit."""
        cluster = self.cluster(cluster_id)
        if not cluster.kubeconfig:
            hint = "Install the cluster first: the operation `install` fetches it."
            raise Problem("not-found", "There is no kubeconfig yet.", hint=hint)
        self.audit("cluster.kubeconfig", cluster, {})
        return HttpResponse(cluster.kubeconfig, content_type=YAML, headers={"Cache-Control": "no-store"})

    def cluster(self, ident: str) -> Cluster:
        """The caller's own cluster. Raises `Problem`."""
        return own_cluster(self.key, ident)

    def as_known(self, ident: str) -> Cluster:
        """The caller's own cluster to be changed, locked where the request has `If-Match`. Raises `Problem`."""
        cluster = own_cluster(self.key, ident, lock=is_conditional(self.request))
        refuse_if_stale(self.request, cluster_version(cluster))
        return cluster

    def described(self, ident: str, names: tuple[str, ...]) -> HttpResponse:
        """The caller's own cluster, as it is shown. Raises `Problem`."""
        rows = self.get_queryset().filter(pk=as_uuid(ident, "cluster"))
        cluster = only(self.found(rows, names, *EDITABLE), "cluster")
        return answer(self.request, self.shown([cluster], names)[0], cluster_version(cluster))

    def audit(self, action: str, cluster: Cluster, detail: dict[str, Any]) -> None:
        """Keep who did it."""
        audit(actor(self.key), action, source=source_of(self.request), cluster=cluster, detail=detail)


class Nodes(nodes.Nodes):
    """Hosts, which may come and go only while no operation changes the cluster."""

    def allow(self, action: str, node: str, changes: Mapping[str, Any]) -> None:
        # A wrong address or password may be put right while an operation waits for that host.
        if action != "node.update" or "roles" in changes:
            refuse_while_active(self.cluster, mutating_only=True)

    def changed(self, action: str, node: str, changes: Mapping[str, Any]) -> None:
        detail = {"node": node, "fields": sorted(changes)}
        audit(actor(self.key), action, source=source_of(self.request), cluster=self.cluster, detail=detail)


@contextmanager
def registry_refusals() -> Iterator[None]:
    """Turns what the registry refuses into `Problem`."""
    try:
        yield
    except registry.NameTaken as error:
        raise Problem("name-taken", str(error), hint="Choose another name, or use that cluster.") from error
    except registry.LimitReached as error:
        raise Problem("limit-reached", str(error), hint="Ask the operator for more.", limit=error.limit) from error
