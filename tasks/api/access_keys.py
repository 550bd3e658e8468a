"""The customer's access keys: listed, issued, changed, rotated, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import keys
from clusters.api.authentication import actor
from clusters.api.base import View, as_uuid, one_of, source_of
from clusters.api.documentation import tells
from clusters.api.fields import Answer, Strict
from clusters.api.idempotency import Sealed, idempotent
from clusters.api.pagination import Orders, Pages
from clusters.api.problems import Problem, invalid
from clusters.customers import AccessKey, Scope
from clusters.models import Cluster, ClusterState
from tasks.api.serializers import ClusterName
from tasks.services import audit

HOURS = int(keys.LONGEST_OVERLAP / timedelta(hours=1))
USUAL_HOURS = 24


class AccessKeySerializer(serializers.ModelSerializer[AccessKey]):
    """An access key, without its value."""

    clusters = serializers.IntegerField(source="held", read_only=True, help_text="How many clusters hold it.")
    successor = serializers.SlugRelatedField(  # type: ignore[var-annotated]
        slug_field="prefix",
        read_only=True,
        allow_null=True,
        help_text="Prefix of the key that it was rotated to; null before.",
    )
    current = serializers.SerializerMethodField()

    class Meta:
        model = AccessKey
        fields = [
            *("id", "prefix", "name", "scope", "active", "expires_at", "last_used_at", "created_at"),
            *("successor", "clusters", "current"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "The key's id."},
            "prefix": {"help_text": "The public part of the key."},
            "name": {"help_text": "What the key is for."},
            "scope": {"help_text": "What it may do."},
            "active": {"help_text": "False once it was revoked."},
            "expires_at": {"help_text": "When it ends; null for never."},
            "last_used_at": {"help_text": "When it was last used; noted once a minute, null before."},
            "created_at": {"help_text": "When it was issued."},
        }

    EXAMPLES = {
        "id": "65a9c0b4-3f0e-4a5d-8a0f-0d1f5b7e2c9a",
        "prefix": "8b4ac51bdc",
        "name": "laptop",
        "scope": "admin",
        "active": True,
        "expires_at": None,
        "last_used_at": "2026-11-24T03:41:14Z",
        "created_at": "2026-11-01T08:00:00Z",
        "successor": None,
        "clusters": 2,
        "current": True,
    }

    @extend_schema_field(serializers.BooleanField(help_text="Whether it is the key of this request."))
    def get_current(self, key: AccessKey) -> bool:
        return key.pk == self.context["view"].key.pk


class IssuedSerializer(AccessKeySerializer):
    """A new access key."""

    value = serializers.CharField(help_text="The whole key. It is shown this once.")

    class Meta(AccessKeySerializer.Meta):
        fields = [*AccessKeySerializer.Meta.fields, "value"]
        read_only_fields = fields

    EXAMPLES = {"current": False, "clusters": 0, "last_used_at": None, "value": "sq_8b4ac51bdc_..."}


class ReplacedKey(Answer):
    """The key that was rotated."""

    id = serializers.UUIDField(help_text="Its id.")
    prefix = serializers.CharField(help_text="The public part of the key.")
    expires_at = serializers.DateTimeField(help_text="When it ends by itself.")
    EXAMPLES = {
        "id": "0f2d4c1e-8a55-4a0b-9f0e-5a3c7be1d2f4",
        "prefix": "51fe0a77c2",
        "expires_at": "2026-11-25T03:41:14Z",
    }


class SuccessorSerializer(IssuedSerializer):
    """The successor of an access key."""

    replaces = ReplacedKey(help_text="The key that was rotated.")
    taken_over = ClusterName(many=True, help_text="Clusters that are the successor's now; rotate-access-key for each.")

    class Meta(IssuedSerializer.Meta):
        fields = [*IssuedSerializer.Meta.fields, "replaces", "taken_over"]
        read_only_fields = fields


class NewKeySerializer(Strict):
    """A key to be issued."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True, help_text="What it is for.")
    scope = serializers.ChoiceField(Scope.choices, help_text="What it may do: read, operate, or admin.")
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When it ends; as the key of the request where left out."
    )
    EXAMPLES = {"name": "monitoring", "scope": "read", "expires_at": "2027-11-24T00:00:00Z"}


class KeyChangeSerializer(Strict):
    """Changes of a key; what is left out stays."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True, help_text="What it is for.")
    scope = serializers.ChoiceField(Scope.choices, required=False, help_text="What it may do.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="When it ends; null for never.")
    force = serializers.BooleanField(default=False, help_text="Also where it is the last one of scope admin.")
    EXAMPLES = {"name": "monitoring", "scope": "read", "expires_at": "2027-11-24T00:00:00Z", "force": False}


class RevokeSerializer(Strict):
    """How to revoke."""

    force = serializers.BooleanField(default=False, help_text="Also where it is the last one of scope admin.")
    EXAMPLES = {"force": False}


class RotateSerializer(Strict):
    """How to rotate."""

    overlap_hours = serializers.IntegerField(
        min_value=0, max_value=HOURS, default=USUAL_HOURS, help_text="Hours for which the old key still works."
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When the successor ends; as the old key would have where left out."
    )
    force = serializers.BooleanField(
        default=False, help_text="Let it end sooner also where it is the last one of scope admin."
    )
    EXAMPLES = {"overlap_hours": USUAL_HOURS, "expires_at": "2027-11-24T00:00:00Z", "force": False}


class AccessKeys(View):
    """The keys of the customer whose key asks. All of it needs scope admin."""

    queryset = AccessKey.objects.all()
    serializer_class = AccessKeySerializer
    pagination_class = Pages
    orders = Orders("-created_at", ("created_at",))

    def get_queryset(self) -> QuerySet[Any]:
        if self.fake:
            return AccessKey.objects.none()
        held = Count("clusters", filter=~Q(clusters__state=ClusterState.REMOVED))
        rows = AccessKey.objects.filter(customer=self.key.customer_id).select_related("successor")
        return rows.defer("value", "hash", "successor__value", "successor__hash").annotate(held=held)

    @extend_schema(summary="List access keys")
    def list(self, request: Request) -> Response:
        """All keys of the customer, revoked and expired ones too; never their values."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="Read an access key")
    def retrieve(self, request: Request, key_id: str) -> Response:
        return Response(self.as_shown(self.of_customer(key_id).pk))

    @extend_schema(summary="Issue an access key", request=NewKeySerializer, responses={201: IssuedSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Its value is in this answer and never again. It has the limits of the key that asks, and ends no later."""
        asked = _read(NewKeySerializer, request)
        end = asked.get("expires_at", self.key.expires_at)
        with refusals():
            key, value = keys.issue(self.key, name=asked.get("name", ""), scope=Scope(asked["scope"]), expires_at=end)
        self.audit("access-key.create", key, {"name": key.name, "scope": key.scope, "expires_at": _text(end)})
        where = f"{request.path}/{key.pk}"
        return Sealed({**self.as_shown(key.pk), "value": value}, status=201, headers={"Location": where})

    @extend_schema(summary="Change an access key", request=KeyChangeSerializer)
    @tells("last-admin-key")
    @transaction.atomic
    def partial_update(self, request: Request, key_id: str) -> Response:
        """Takes effect at once."""
        asked = _read(KeyChangeSerializer, request)
        force = asked.pop("force")
        key = self.of_customer(key_id)
        if asked:
            with refusals():
                key = keys.change(self.key, key, asked, force=force)
            changed = {name: _text(value) for name, value in asked.items()}
            self.audit("access-key.update", key, {**changed, **({"force": True} if force else {})})
        return Response(self.as_shown(key.pk))

    @extend_schema(
        operation_id="access_keys_revoke",
        summary="Revoke an access key",
        request=RevokeSerializer,
        responses=AccessKeySerializer,
    )
    @tells("last-admin-key")
    @idempotent
    def revoke(self, request: Request, key_id: str) -> Response:
        """At once and for good, open event streams too. Clusters whose agent has it (`clusters`) need another one."""
        force = _read(RevokeSerializer, request)["force"]
        key = self.of_customer(key_id)
        if key.active:
            with refusals():
                keys.revoke(self.key, key, force=force)
            self.audit("access-key.revoke", key, {"force": True} if force else {})
        return Response(self.as_shown(key.pk))

    @extend_schema(
        operation_id="access_keys_rotate",
        summary="Rotate an access key",
        request=RotateSerializer,
        responses={201: SuccessorSerializer},
    )
    @tells("last-admin-key", "conflict")
    @idempotent
    def rotate(self, request: Request, key_id: str) -> Response:
        """A successor of the same scope takes over its clusters; the old key works on until the overlap ends.

        The agents in those clusters have the old key until the operation `rotate-access-key` gives them the new one.
        """
        asked = _read(RotateSerializer, request)
        old = self.of_customer(key_id)
        overlap = timedelta(hours=asked.pop("overlap_hours"))
        with refusals():
            key, value, taken = keys.rotate(self.key, old, overlap, **asked)
        old = AccessKey.objects.defer("value").get(pk=old.pk)
        self.audit("access-key.rotate", old, {"successor": key.prefix, "expires_at": _text(old.expires_at)})
        for cluster in taken:
            self.audit("cluster.access-key", key, {"from": old.prefix, "to": key.prefix}, cluster)
        data = {
            **self.as_shown(key.pk),
            "value": value,
            "replaces": ReplacedKey(old).data,
            "taken_over": ClusterName(taken, many=True).data,
        }
        where = request.path.replace(key_id, str(key.pk)).removesuffix("/rotate")
        return Sealed(data, status=201, headers={"Location": where})

    def of_customer(self, ident: str) -> AccessKey:
        """One of the caller's. Raises `Problem`."""
        return one_of(self.get_queryset().filter(pk=as_uuid(ident, "access key")), "access key")

    def as_shown(self, ident: object) -> dict[str, Any]:
        """The key as it is now."""
        return dict(self.get_serializer(self.get_queryset().get(pk=ident)).data)

    def audit(self, action: str, key: AccessKey, detail: dict[str, Any], cluster: Cluster | None = None) -> None:
        """Keep who did it; keys by their public part."""
        detail = {"key": key.prefix, **detail} if cluster is None else detail
        audit(actor(self.key), action, source=source_of(self.request), cluster=cluster, detail=detail)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what `clusters.keys` refuses into `Problem`."""
    try:
        yield
    except keys.LastAdminKey as error:
        hint = "Issue another one of scope admin before, or send force: true; then only the operator can help."
        raise Problem("last-admin-key", "Nobody of the customer could manage keys any more.", hint=hint) from error
    except keys.Rotated as error:
        raise Problem("conflict", str(error), hint="Rotate the successor.") from error
    except keys.Refused as error:
        raise invalid(error.field, str(error), error.fix) from error


def _read(serializer: type[Strict], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
