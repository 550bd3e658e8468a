"""The hosts of a cluster."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import django_filters
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import registry
from clusters.access import Login
from clusters.api.base import OfCluster, one_of, only
from clusters.api.conditional import (
    IF_MATCH,
    IF_NONE_MATCH,
    TAG,
    answer,
    is_conditional,
    refuse_if_stale,
    version_of,
)
from clusters.api.documentation import tells
from clusters.api.fields import Answer, FindingSerializer
from clusters.api.filters import Filters, Search
from clusters.api.idempotency import idempotent
from clusters.api.node_changes import LOGIN, as_json, extended, judged, login_changed, own_changed
from clusters.api.pagination import Orders, Pages
from clusters.api.problems import Problem
from clusters.api.registration import (
    HostSerializer,
    RegistrationSerializer,
    own_access,
    read,
    shown,
)
from clusters.api.showing import names_of, narrowed, show, sparse
from clusters.inventory import from_mapping
from clusters.inventory.mapping import SETTINGS
from clusters.models import Node, Observation

CREDENTIAL_KINDS = ("key", "password")
# What a change may touch; another login is another credential.
EDITABLE = (
    *("name", "address", "internal_address", "port", "user", "role_groups", "arch", "labels", "extra"),
    *("host_key", "jump_id", "credential_id"),
)


class GPUs(Answer):
    """The GPUs of a node, all of one product."""

    product = serializers.CharField(allow_blank=True, help_text="What they are; empty where there are none.")
    count = serializers.IntegerField(help_text="How many there are.")
    EXAMPLES = {"product": "NVIDIA A100-SXM4-80GB", "count": 8}


class NodeStatus(Answer):
    """A node of Kubernetes as last read."""

    ready = serializers.BooleanField(help_text="Whether Kubernetes calls it ready.")
    roles = serializers.ListField(child=serializers.CharField(), help_text="Its roles in Kubernetes.")
    kubelet_version = serializers.CharField(help_text="Version of its kubelet.")
    cpu = serializers.FloatField(help_text="Number of its cores.")
    memory = serializers.IntegerField(help_text="Its memory in bytes.")
    gpus = GPUs(help_text="Its GPUs.")
    EXAMPLES = {
        "ready": True,
        "roles": ["worker"],
        "kubelet_version": "v1.24.3",
        "cpu": 64.0,
        "memory": 540000000000,
    }


class CredentialShown(Answer):
    """How the host is logged in to, without what is secret."""

    kind = serializers.ChoiceField(CREDENTIAL_KINDS, help_text="What the host is shown.")
    sudo_password = serializers.BooleanField(help_text="Whether one is stored.")
    EXAMPLES = {"kind": "key", "sudo_password": False}


class NodeSerializer(serializers.ModelSerializer[Node]):
    """A host."""

    needs: Mapping[str, tuple[str, ...]] = {
        "host_key_fingerprint": ("host_key",),
        "jump": ("jump__name",),
        "credential": (),
        "status": ("name",),
    }
    jump = serializers.SerializerMethodField(
        help_text="The host that it is reached through; null where it is reached directly."
    )
    host_key_fingerprint = serializers.SerializerMethodField()
    credential = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()

    class Meta:
        model = Node
        fields = [
            *("name", "address", "internal_address", "port", "user", "role_groups", "arch", "labels"),
            *("host_key_fingerprint", "jump", "facts", "facts_at", "credential", "status"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            "name": {"help_text": "Its name, also in Kubernetes."},
            "address": {"help_text": "Where SSH goes."},
            "internal_address": {"help_text": "The address that the cluster's hosts use."},
            "port": {"help_text": "Number of its SSH port."},
            "user": {"help_text": "The user that is logged in."},
            "role_groups": {"help_text": "etcd, control-plane, worker, registry, storage."},
            "arch": {"help_text": "Its architecture, amd64 or arm64."},
            "facts_at": {"help_text": "When it did; null before."},
        }

    labels = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Labels that its Kubernetes node is given."
    )
    facts = serializers.DictField(
        read_only=True, help_text="What the last preflight read: CPUs, memory, system, GPUs, disks; empty before."
    )
    EXAMPLES = {
        "name": "worker1",
        "address": "192.168.2.4",
        "internal_address": "192.168.2.4",
        "port": 22,
        "user": "root",
        "role_groups": ["worker", "storage"],
        "arch": "amd64",
        "labels": {"rack": "a3"},
        "host_key_fingerprint": "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "jump": None,
        "facts": {"cpus": 64, "memory_mib": 515000},
        "facts_at": "2026-11-24T03:02:44Z",
    }

    @extend_schema_field(serializers.CharField(allow_null=True, help_text="SHA256:... of the pinned key, or null."))
    def get_host_key_fingerprint(self, node: Node) -> str | None:
        try:
            blob = base64.b64decode(node.host_key.split()[1], validate=True)
        except (IndexError, binascii.Error):
            return None
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")

    def get_jump(self, node: Node) -> str | None:
        return node.jump.name if node.jump else None

    @extend_schema_field(CredentialShown(help_text="How the host is logged in to."))
    def get_credential(self, node: Any) -> dict[str, Any]:
        return {"kind": "key" if node.by_key else "password", "sudo_password": node.has_sudo_password}

    @extend_schema_field(
        NodeStatus(allow_null=True, help_text="What the last reading of Kubernetes saw; null where it did not see it.")
    )
    def get_status(self, node: Node) -> dict[str, Any] | None:
        seen = self.context.get("seen", {}).get(node.name)
        if seen is None:
            return None
        gpus = seen.get("gpus") or {}
        words = ("ready", "roles", "kubelet_version", "cpu", "memory")
        counted = {"product": gpus.get("product", ""), "count": gpus.get("count", 0)}
        return {**{word: seen.get(word) for word in words}, "gpus": counted}


class AddedNode(NodeSerializer):
    """A host that was added."""

    findings = FindingSerializer(many=True, read_only=True, help_text="What was repaired, and warnings.")

    class Meta(NodeSerializer.Meta):
        fields = [*NodeSerializer.Meta.fields, "findings"]


class ExtendedSerializer(Answer):
    """What a configuration added to a cluster."""

    added = NodeSerializer(many=True, help_text="The hosts that were added; empty where all were there.")
    findings = FindingSerializer(many=True, help_text="What was repaired in the configuration, and warnings.")


class NodeFilter(django_filters.FilterSet):
    """Which hosts to list."""

    role_group = django_filters.CharFilter(
        "role_groups", "contains", method="in_role_group", help_text="Only hosts of this role group."
    )
    arch = django_filters.CharFilter(help_text="Only hosts of this architecture.")
    search = Search("name", "address", "internal_address")

    class Meta:
        model = Node
        fields = ["arch"]

    def in_role_group(self, rows: QuerySet[Node], name: str, value: str) -> QuerySet[Node]:
        """The filter `role_group`."""
        return rows.filter(role_groups__contains=[value])


class Nodes(OfCluster):
    """Hosts: list, read, add, change, take out. A subclass says when that is allowed."""

    queryset = Node.objects.all()
    serializer_class = NodeSerializer
    pagination_class = Pages
    orders = Orders("position", ("position", "name", "address", "facts_at"))
    filter_backends = [Filters]
    filterset_class = NodeFilter
    lookup_field = "name"

    def narrow(self, rows: QuerySet[Any], names: tuple[str, ...], *more: str) -> QuerySet[Any, Any]:
        # Asked of the database, which need not decrypt to tell what is not empty.
        secrets = {"by_key": "private_key", "has_sudo_password": "sudo_password"} if "credential" in names else {}
        filled = {name: ~Q(**{f"credential__{column}": ""}) for name, column in secrets.items()}
        return narrowed(rows, NodeSerializer, names, *more, **filled)

    def shown(self, rows: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
        seen: dict[str, Any] = {}
        if "status" in names:
            observation = Observation.objects.filter(cluster=self.cluster).only("nodes").first()
            seen = {node["name"]: node for node in observation.nodes} if observation else {}
        return show(NodeSerializer, rows, names, seen=seen)

    def allow(self, action: str, node: str, changes: Mapping[str, Any]) -> None:
        """Lock the cluster and refuse what must not be done now. Raises `Problem`."""

    def changed(self, action: str, node: str, changes: Mapping[str, Any]) -> None:
        """Take note of a change, which is named by its fields and not by their values."""

    @extend_schema(summary="List hosts", parameters=[sparse(NodeSerializer)])
    def list(self, request: Request, **_: str) -> Response:
        """As registered, with what the last reading of Kubernetes saw of each."""
        return self.page()

    @extend_schema(summary="Read a host", parameters=[sparse(NodeSerializer)])
    @tells(answers=(TAG,), asks=(IF_NONE_MATCH,))
    def retrieve(self, request: Request, name: str, **_: str) -> HttpResponse:
        """With its facts, and what the last reading of Kubernetes saw of it."""
        return self.described(name, self.names)

    @extend_schema(summary="Add a host", request=HostSerializer, responses={201: AddedNode})
    @tells("invalid-configuration", "limit-reached", "busy", "conflict")
    @idempotent
    def create(self, request: Request, **_: str) -> Response:
        """The host is registered; it joins the running cluster by an operation."""
        body = _checked(HostSerializer(data=request.data), request)
        name = str(body["name"])
        self.allow("node.create", name, body)
        nodes = self.nodes()
        own = own_access(body)
        hosts = [*map(as_json, nodes), {key: value for key, value in body.items() if key not in LOGIN}]
        login = Login(**{word: body.get(word, "") for word in LOGIN})
        inventory, findings = judged(self.platform(), nodes, hosts, len(nodes), login, own)
        try:
            node = registry.add_node(self.cluster, inventory, name, login, own)
        except registry.LimitReached as error:
            raise Problem("limit-reached", str(error), hint="Ask the operator for more.", limit=error.limit) from error
        self.changed("node.create", name, body)
        data = {**self.as_shown([node.name])[0], "findings": shown(findings)}
        return Response(data, status=201, headers={"Location": f"{request.path}/{name}"})

    @extend_schema(
        operation_id="clusters_nodes_extend",
        summary="Add the hosts of a configuration",
        request=RegistrationSerializer,
        responses={200: OpenApiResponse(ExtendedSerializer, "There was nothing to add."), 201: ExtendedSerializer},
    )
    @tells("invalid-configuration", "limit-reached", "busy", "conflict")
    @idempotent
    def extend(self, request: Request, **_: str) -> Response:
        """The same body as for registering a cluster: those of its hosts that are not registered yet are.

        The configuration may be the whole cluster's or hold the new hosts alone. They join by an operation.
        """
        given = read(request.data)
        nodes = self.nodes()
        inventory, new, findings = extended(given, nodes, self.platform())
        added: list[Node] = []
        if new:
            self.allow("node.create", ", ".join(new), {})
            try:
                added = registry.add_nodes(self.cluster, inventory, new, given.access)
            except registry.LimitReached as error:
                raise Problem(
                    "limit-reached", str(error), hint="Ask the operator for more.", limit=error.limit
                ) from error
            self.changed("node.create", ", ".join(new), {})
        names = [node.name for node in added]
        data = {"added": self.as_shown(names), "findings": shown(tuple(findings))}
        if not new:
            return Response(data)
        return Response(data, status=201, headers={"Location": f"{request.path.removesuffix('new-nodes')}nodes"})

    @extend_schema(summary="Change a host", request=HostSerializer(partial=True))
    @tells("invalid-configuration", "busy", "conflict", "precondition-failed", answers=(TAG,), asks=(IF_MATCH,))
    @transaction.atomic
    def partial_update(self, request: Request, name: str, **_: str) -> HttpResponse:
        """A host keeps its name. An empty `host_key` forgets the pinned one, for a host that was set up anew."""
        body = _checked(HostSerializer(data=request.data, partial=True), request)
        if body.pop("name", name) != name:
            raise Problem("conflict", "A host keeps its name.", hint="Take it out and add it under the new name.")
        self.allow("node.update", name, body)
        node = self.as_known(name)
        nodes = self.nodes()
        place = [one.name for one in nodes].index(name)
        own = own_changed(node, body)
        hosts = list(map(as_json, nodes))
        hosts[place] |= {key: value for key, value in body.items() if key not in LOGIN}
        login = login_changed(node, body)
        inventory, _findings = judged(self.platform(), nodes, hosts, place, login or registry.login_of(node), own)
        registry.update_node(node, inventory, login, own)
        self.changed("node.update", name, body)
        return self.described(name, names_of(NodeSerializer))

    @extend_schema(summary="Take a host out of the registry")
    @tells("busy", "conflict", "precondition-failed", asks=(IF_MATCH,))
    @transaction.atomic
    def destroy(self, request: Request, name: str, **_: str) -> Response:
        """Nothing is done on the host itself."""
        self.allow("node.delete", name, {})
        node = self.as_known(name)
        rest = [as_json(one) for one in self.nodes() if one.name != name]
        left = from_mapping({"hosts": rest, "settings": self.platform()})
        if left.errors or not rest:
            message = left.errors[0].message if left.errors else "It is the last host."
            raise Problem("conflict", f"{name} cannot be taken out: {message}", hint="Add another host first.")
        try:
            registry.delete_node(node)
        except registry.InUse as error:
            raise Problem("conflict", str(error), hint="Give those hosts another jump host first.") from error
        self.changed("node.delete", name, {})
        return Response(status=204)

    def named(self, name: str) -> QuerySet[Node]:
        """The host of that name, or none."""
        rows: QuerySet[Node] = self.get_queryset()
        return rows.filter(name=name) if "\0" not in name else rows.none()

    def described(self, name: str, names: tuple[str, ...]) -> HttpResponse:
        """The cluster's host of that name, as it is shown. Raises `Problem`."""
        node = only(self.found(self.named(name), names, *EDITABLE), "host")
        return answer(self.request, self.shown([node], names)[0], node_version(node))

    def as_known(self, name: str) -> Node:
        """The host to be changed, locked where the request has `If-Match`. Raises `Problem`."""
        rows = self.named(name).select_related("credential", "jump")
        if not is_conditional(self.request):
            return one_of(rows, "host")
        node = one_of(rows.select_for_update(of=("self",)), "host")
        refuse_if_stale(self.request, node_version(node))
        return node

    def as_shown(self, hosts: Sequence[str]) -> Sequence[dict[str, Any]]:
        """These hosts with all there is to show."""
        names = names_of(NodeSerializer)
        return self.shown(self.found(self.get_queryset().filter(name__in=hosts), names), names)

    def nodes(self) -> Sequence[Node]:
        """All hosts of the cluster, in order."""
        rows: QuerySet[Node] = self.get_queryset()
        return tuple(rows.select_related("credential", "jump"))

    def platform(self) -> dict[str, Any]:
        """The cluster's settings, which are judged together with its hosts."""
        return {name: getattr(self.cluster, name) for name in SETTINGS}


def node_version(node: Node) -> str:
    """Of what can be changed in a host."""
    return version_of(getattr(node, name) for name in EDITABLE)


def _checked(serializer: serializers.Serializer[Any], request: Request) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
