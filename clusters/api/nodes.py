"""The hosts of a cluster."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import registry
from clusters.access import Access, HostAccess, Login, is_host_key, jump_findings, login_fault
from clusters.api.base import OfCluster
from clusters.api.documentation import tells
from clusters.api.fields import Answer, FindingSerializer
from clusters.api.idempotency import idempotent
from clusters.api.pagination import ByPosition
from clusters.api.problems import Problem, invalid, not_found
from clusters.api.registration import (
    HostSerializer,
    Registration,
    RegistrationSerializer,
    invalid_configuration,
    own_access,
    read,
    shown,
)
from clusters.inventory import Finding, HostSpec, Inventory, Parsed, from_mapping
from clusters.inventory.mapping import SETTINGS
from clusters.models import Node, Observation

LACKING = ("empty-etcd", "empty-control-plane")
CREDENTIAL_KINDS = ("key", "password")
LOGIN = ("private_key", "passphrase", "password", "sudo_password")


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

    jump = serializers.CharField(
        source="jump.name",
        read_only=True,
        allow_null=True,
        help_text="The host that it is reached through; null where it is reached directly.",
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

    @extend_schema_field(CredentialShown(help_text="How the host is logged in to."))
    def get_credential(self, node: Node) -> dict[str, Any]:
        stored = node.credential
        return {"kind": "key" if stored.private_key else "password", "sudo_password": bool(stored.sudo_password)}

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


class Nodes(OfCluster):
    """Hosts: list, read, add, change, take out. A subclass says when that is allowed."""

    queryset = Node.objects.select_related("credential", "jump")
    serializer_class = NodeSerializer
    pagination_class = ByPosition
    lookup_field = "name"

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if not self.fake:
            observation = Observation.objects.filter(cluster=self.cluster).only("nodes").first()
            context["seen"] = {node["name"]: node for node in observation.nodes} if observation else {}
        return context

    def allow(self, action: str, node: str, changes: Mapping[str, Any]) -> None:
        """Lock the cluster and refuse what must not be done now. Raises `Problem`."""

    def changed(self, action: str, node: str, changes: Mapping[str, Any]) -> None:
        """Take note of a change, which is named by its fields and not by their values."""

    @extend_schema(summary="List hosts")
    def list(self, request: Request, **_: str) -> Response:
        """As registered, with what the last reading of Kubernetes saw of each."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="Read a host")
    def retrieve(self, request: Request, name: str, **_: str) -> Response:
        """With its facts, and what the last reading of Kubernetes saw of it."""
        return Response(self.get_serializer(self.node(name)).data)

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
        hosts = [*map(_as_json, nodes), {key: value for key, value in body.items() if key not in LOGIN}]
        login = Login(**{word: body.get(word, "") for word in LOGIN})
        inventory, findings = self.judged(nodes, hosts, len(nodes), login, own)
        try:
            node = registry.add_node(self.cluster, inventory, name, login, own)
        except registry.LimitReached as error:
            raise Problem("limit-reached", str(error), hint="Ask the operator for more.", limit=error.limit) from error
        self.changed("node.create", name, body)
        data = {**self.get_serializer(node).data, "findings": shown(findings)}
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
        inventory, new, findings = self.extended(given, nodes)
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
        data = {"added": self.get_serializer(added, many=True).data, "findings": shown(tuple(findings))}
        if not new:
            return Response(data)
        return Response(data, status=201, headers={"Location": f"{request.path.removesuffix('new-nodes')}nodes"})

    @extend_schema(summary="Change a host", request=HostSerializer(partial=True))
    @tells("invalid-configuration", "busy", "conflict")
    @transaction.atomic
    def partial_update(self, request: Request, name: str, **_: str) -> Response:
        """A host keeps its name. An empty `host_key` forgets the pinned one, for a host that was set up anew."""
        body = _checked(HostSerializer(data=request.data, partial=True), request)
        if body.pop("name", name) != name:
            raise Problem("conflict", "A host keeps its name.", hint="Take it out and add it under the new name.")
        self.allow("node.update", name, body)
        node = self.node(name)
        nodes = self.nodes()
        place = [one.name for one in nodes].index(name)
        own = _own_changed(node, body)
        hosts = list(map(_as_json, nodes))
        hosts[place] |= {key: value for key, value in body.items() if key not in LOGIN}
        login = _login_changed(node, body)
        inventory, _findings = self.judged(nodes, hosts, place, login or registry.login_of(node), own)
        node = registry.update_node(node, inventory, login, own)
        self.changed("node.update", name, body)
        return Response(self.get_serializer(node).data)

    @extend_schema(summary="Take a host out of the registry")
    @tells("busy", "conflict")
    @transaction.atomic
    def destroy(self, request: Request, name: str, **_: str) -> Response:
        """Nothing is done on the host itself."""
        self.allow("node.delete", name, {})
        node = self.node(name)
        rest = [_as_json(one) for one in self.nodes() if one.name != name]
        judged = from_mapping({"hosts": rest, "settings": self.platform()})
        if judged.errors or not rest:
            message = judged.errors[0].message if judged.errors else "It is the last host."
            raise Problem("conflict", f"{name} cannot be taken out: {message}", hint="Add another host first.")
        try:
            registry.delete_node(node)
        except registry.InUse as error:
            raise Problem("conflict", str(error), hint="Give those hosts another jump host first.") from error
        self.changed("node.delete", name, {})
        return Response(status=204)

    def node(self, name: str) -> Node:
        """The cluster's host of that name. Raises `Problem`."""
        found: Node | None = self.get_queryset().filter(name=name).first() if "\0" not in name else None
        if found is None:
            raise not_found("host")
        return found

    def nodes(self) -> Sequence[Node]:
        """All hosts of the cluster, in order."""
        rows: QuerySet[Node] = self.get_queryset()
        return tuple(rows)

    def platform(self) -> dict[str, Any]:
        """The cluster's settings, which are judged together with its hosts."""
        return {name: getattr(self.cluster, name) for name in SETTINGS}

    def extended(
        self, given: Registration, nodes: Sequence[Node]
    ) -> tuple[Inventory, Sequence[str], Sequence[Finding]]:
        """The cluster with the new hosts of `given`, their names, and what speaks about them. Raises `Problem`."""
        # What a file of new hosts alone lacks is in the cluster.
        if given.draft is None or any(one.level == "error" and one.code not in LACKING for one in given.findings):
            raise invalid_configuration(given.findings)
        known = {node.name: node for node in nodes}
        specs = {host.name: host for host in given.draft.hosts}
        for name in specs.keys() & known.keys():
            if specs[name].address != known[name].address:
                raise Problem(
                    "conflict",
                    f"{name} has the address {specs[name].address} in the file, {known[name].address} as registered.",
                    hint="Give the new host a name of its own.",
                )
        new = [name for name in specs if name not in known]
        hosts = [*map(_as_json, nodes), *(_spec_as_json(specs[name], given.draft.roles_of(name)) for name in new)]
        parsed = from_mapping({"hosts": hosts, "settings": self.platform()})
        places = tuple(f"hosts[{n}]" for n in range(len(nodes), len(hosts)))
        findings = tuple(one for one in parsed.findings if one.level == "error" or one.path.startswith(places))
        if parsed.inventory is None:
            raise invalid_configuration(findings)
        merged = tuple(specs[host.name] if host.name in new else host for host in parsed.inventory.hosts)
        return replace(parsed.inventory, hosts=merged), new, findings

    def judged(
        self, nodes: Sequence[Node], hosts: Sequence[dict[str, Any]], place: int, login: Login, own: HostAccess
    ) -> tuple[Inventory, tuple[Finding, ...]]:
        """The cluster with the host at `place` as it is to be, and what speaks about that host. Raises `Problem`."""
        if fault := login_fault(login):
            raise invalid("private_key", *fault)
        if own.host_key and not is_host_key(own.host_key):
            raise invalid("host_key", "This is no host key.", "Write type and key: ssh-ed25519 AAAA...")
        parsed = from_mapping({"hosts": hosts, "settings": self.platform()})
        at = f"hosts[{place}]"
        findings = [one for one in parsed.findings if one.level == "error" or one.path.startswith(at)]
        if parsed.draft is not None:
            ways = {**registry.access_of(nodes), parsed.draft.hosts[place].name: own}
            findings += jump_findings(parsed.draft, Access(hosts=ways))
        judged = Parsed.of(parsed.draft, (replace(one, path=one.path.removeprefix(f"{at}.")) for one in findings))
        if judged.inventory is None:
            raise invalid_configuration(judged.findings)
        return judged.inventory, judged.findings


def _checked(serializer: serializers.Serializer[Any], request: Request) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _as_json(node: Node) -> dict[str, Any]:
    words = ("name", "address", "internal_address", "port", "user", "arch", "labels", "extra")
    return {**{word: getattr(node, word) for word in words}, "roles": node.role_groups}


def _spec_as_json(host: HostSpec, roles: Sequence[str]) -> dict[str, Any]:
    words = ("name", "address", "internal_address", "port", "user", "arch", "labels", "extra")
    return {**{word: getattr(host, word) for word in words}, "roles": list(roles)}


def _own_changed(node: Node, body: Mapping[str, Any]) -> HostAccess:
    own = HostAccess(host_key=node.host_key, jump=node.jump.name if node.jump else "")
    return replace(own, **{word: body[word] for word in ("host_key", "jump") if word in body})


def _login_changed(node: Node, body: Mapping[str, Any]) -> Login | None:
    """The credential as it is to be; None where it stays. A new key comes with its own passphrase, or none."""
    given = {word: body[word] for word in LOGIN if word in body}
    if not given:
        return None
    if "private_key" in given:
        given.setdefault("passphrase", "")
    return replace(registry.login_of(node), **given)
