"""A cluster as the API shows and changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import Field, Func, IntegerField, Model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clusters import registry
from clusters.api.conditional import version_of
from clusters.api.fields import Answer, FindingSerializer, Strict
from clusters.api.filters import Search, any_of, since, until
from clusters.api.registration import invalid_configuration
from clusters.api.settings import EXTRA, HELP, SETTINGS_CHOICES, SETTINGS_EXAMPLES, SHOWN_SETTINGS, SettingsSerializer
from clusters.inventory import Parsed, with_settings
from clusters.inventory.mapping import SETTINGS
from clusters.models import RFC1123_LABEL, Cluster, ClusterState, Component, HealthState, Node
from clusters.statements import RawJSON

EDITABLE = ("name", "description", *SHOWN_SETTINGS, "updated_at")


class ComponentCounts(Answer):
    """How many components are healthy, of those that are there or ought to be."""

    healthy = serializers.IntegerField(help_text="How many are healthy.")
    total = serializers.IntegerField(help_text="How many there are.")
    EXAMPLES = {"healthy": 11, "total": 12}


class ClusterSerializer(serializers.ModelSerializer[Cluster]):
    """A cluster. Its settings are flat fields."""

    needs: Mapping[str, tuple[str, ...]] = {"hosts": (), "components": ()}
    state = serializers.ChoiceField(ClusterState.choices, read_only=True, help_text="Follows operations and health.")
    hosts = serializers.IntegerField(source="host_count", read_only=True, help_text="How many hosts it has.")
    components = serializers.SerializerMethodField()
    backup_store = serializers.ChoiceField(
        Cluster.BackupStore.choices, read_only=True, allow_blank=True, help_text=HELP["backup_store"]
    )
    imported = serializers.DictField(
        read_only=True, help_text="What an import found besides: releases, nodes, Ceph; empty for others."
    )
    CHOICES = SETTINGS_CHOICES
    EXAMPLES = {
        **SETTINGS_EXAMPLES,
        "id": "3a4a9d0e-6b5c-4f0e-9a52-0f2b6f6f7c11",
        "name": "first",
        "description": "GPU racks a1 to a4",
        "state": "degraded",
        "state_reason": "gpu-operator is degraded",
        "hosts": 5,
        "cpod_id": "cp7f3a9d2e",
        "kubernetes_uid": "",
        "imported": {},
        "checked_at": "2026-11-24T03:41:14Z",
        "created_at": "2026-11-23T09:12:45Z",
        "updated_at": "2026-11-23T09:12:45Z",
    }

    class Meta:
        model = Cluster
        fields = [
            "id",
            "name",
            "description",
            "state",
            "state_reason",
            *SHOWN_SETTINGS,
            "hosts",
            "components",
            "cpod_id",
            "kubernetes_uid",
            "imported",
            "checked_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields
        extra_kwargs = {
            **{name: EXTRA[name] for name in SHOWN_SETTINGS},
            "id": {"help_text": "Its id."},
            "name": {"help_text": "Its name, which no other of your clusters has."},
            "checked_at": {"help_text": "When it was last read; null before."},
            "created_at": {"help_text": "When it was registered."},
            "updated_at": {"help_text": "When it was last changed."},
            "state_reason": {"help_text": "Why it is in this state, where that needs saying."},
            "cpod_id": {"help_text": "The platform's id of this cluster, known after the installation."},
            "kubernetes_uid": {"help_text": "The uid of its namespace kube-system, of an imported cluster."},
            "description": {"help_text": "For people."},
        }

    @extend_schema_field(ComponentCounts(help_text="How many of its components are healthy."))
    def get_components(self, cluster: Any) -> Any:
        return cluster.component_counts


class RegisteredSerializer(Answer):
    """What registering adds to the cluster."""

    findings = FindingSerializer(many=True, help_text="What was repaired in the configuration, and warnings.")


class ReplacedSerializer(Answer):
    """Hosts whose credentials were replaced."""

    changed = serializers.ListField(child=serializers.CharField(), help_text="Names of hosts that had others before.")
    kept = serializers.ListField(
        child=serializers.CharField(), help_text="Names of hosts whose other credentials a rotation has put in place."
    )
    EXAMPLES = {"changed": ["master1", "worker1"], "kept": ["worker2"]}


class HandOverSerializer(Strict):
    """Another access key of the same customer."""

    access_key = serializers.CharField(
        max_length=200, write_only=True, help_text="The whole key, as proof that you have it."
    )
    EXAMPLES = {"access_key": "sq_8b4ac51bdc_***"}


class HandedOverSerializer(Answer):
    """Whose the cluster is now."""

    access_key = serializers.CharField(help_text="The key's prefix.")
    EXAMPLES = {"access_key": "8b4ac51bdc"}


class ChangeSerializer(SettingsSerializer):
    """Changes of a cluster; what is left out stays."""

    class Meta(SettingsSerializer.Meta):
        fields = ["name", "description", *SettingsSerializer.Meta.fields]
        extra_kwargs = {
            **SettingsSerializer.Meta.extra_kwargs,
            "name": {"help_text": "Its name, which no other of your clusters has."},
            "description": {"help_text": "For people."},
        }

    EXAMPLES = {"name": "first", "description": "GPU racks a1 to a4"}

    def validate_name(self, value: str) -> str:
        RFC1123_LABEL(value)
        return value


class ClusterFilter(django_filters.FilterSet):
    """Which clusters to list."""

    name = django_filters.CharFilter(field_name="name", help_text="Only the cluster of this name.")
    state = any_of(ClusterState.choices, "state", "clusters in this state")
    kubernetes_version = django_filters.CharFilter(help_text="Only with this version of Kubernetes.")
    created_after = since("created_at")
    created_before = until("created_at")
    search = Search("name", "description", "state_reason", "cpod_id")

    class Meta:
        model = Cluster
        fields = ["name", "state", "kubernetes_version"]


class OfCluster(Func):
    """A value from the rows that refer to a cluster, which are `of_it` in the SQL.

    For a page of clusters Django takes longer to write its own subqueries than PostgreSQL to answer them.
    """

    template = "(SELECT %(what)s FROM %(table)s of_it WHERE of_it.cluster_id = %(expressions)s%(such)s)"

    def __init__(self, what: str, model: type[Model], output_field: Field[Any, Any], such: str = "") -> None:
        super().__init__("pk", what=what, table=model._meta.db_table, such=such, output_field=output_field)


# By the field that shows it.
COUNTED = {
    "hosts": {"host_count": OfCluster("count(*)", Node, IntegerField())},
    "components": {
        "component_counts": OfCluster(
            "jsonb_build_object('total', count(*), 'healthy', "
            f"count(*) FILTER (WHERE state = '{HealthState.HEALTHY}'))",
            Component,
            RawJSON(),
            f" AND {Component.THERE}",
        )
    },
}


def cluster_version(cluster: Any) -> str:
    """Of what can be changed in a cluster. Of secrets it knows only when they were."""
    return version_of(getattr(cluster, name) for name in EDITABLE)


def changes_of(cluster: Cluster, body: Any) -> dict[str, Any]:
    """The changes in a request's body, judged together with what stays. Raises `Problem` or ValidationError."""
    serializer = ChangeSerializer(cluster, data=body, partial=True)
    serializer.is_valid(raise_exception=True)
    changes: dict[str, Any] = dict(serializer.validated_data)
    platform = {name: value for name, value in changes.items() if name in SETTINGS}
    if platform:
        _judge(cluster, platform)
    return changes


def _judge(cluster: Cluster, platform: Mapping[str, Any]) -> None:
    stored = registry.inventory_of(cluster)
    judged = with_settings(Parsed.of(stored, ()), platform)
    if judged.errors:
        raise invalid_configuration(judged.findings)
