"""All clusters of the caller at a glance, in one answer: what a dashboard shows first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from clusters.api.base import View, own_clusters
from clusters.api.conditional import IF_NONE_MATCH, TAG, answer
from clusters.api.documentation import tells
from clusters.api.fields import Answer
from clusters.models import ClusterState, Component, HealthState, Node
from tasks.api.serializers import ActiveOperation, active_operation
from tasks.models import ACTIVE, Operation

NAMES: ArrayField[Any, Any] = ArrayField(TextField())


class ComponentStates(Answer):
    """Components that are there or ought to be."""

    total = serializers.IntegerField(help_text="How many there are.")
    healthy = serializers.IntegerField(help_text="How many of them are healthy.")
    troubled = serializers.ListField(
        child=serializers.CharField(), help_text="Names of those that are degraded, unhealthy or missing."
    )
    EXAMPLES = {"total": 14, "healthy": 13, "troubled": ["gpu-operator"]}


class ClusterGlance(Answer):
    """A cluster at a glance."""

    id = serializers.UUIDField(help_text="Its id.")
    name = serializers.CharField(help_text="Its name.")
    state = serializers.ChoiceField(ClusterState.choices, help_text="Its state.")
    state_reason = serializers.CharField(
        allow_blank=True, help_text="Why it is in this state, where that needs saying."
    )
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When its health was last read.")
    reachable = serializers.BooleanField(allow_null=True, help_text="Whether the last attempt to read it did.")
    hosts = serializers.IntegerField(help_text="How many hosts it has.")
    components = ComponentStates(help_text="How its components are.")
    active_operation = ActiveOperation(allow_null=True, help_text="What is under way; null where nothing is.")
    EXAMPLES = {
        "id": "3a4a9d0e-6b5c-4f0e-9a52-0f2b6f6f7c11",
        "name": "first",
        "state": "degraded",
        "state_reason": "gpu-operator: 1 of 2 pods are ready",
        "checked_at": "2026-11-24T03:41:14Z",
        "reachable": True,
        "hosts": 6,
    }


class OverviewSerializer(Answer):
    """All clusters of a customer."""

    states = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many clusters are in each state; states without any are left out.",
    )
    hosts = serializers.IntegerField(help_text="How many hosts all clusters have.")
    active_operations = serializers.IntegerField(help_text="How many operations are under way.")
    results = ClusterGlance(many=True, help_text="Every cluster, by name.")
    EXAMPLES = {"states": {"ready": 3, "degraded": 1}, "hosts": 24, "active_operations": 1}


class Overview(View):
    """The clusters of the caller, all at once."""

    serializer_class = OverviewSerializer
    pagination_class = None

    @extend_schema(summary="See all clusters at a glance", responses=OverviewSerializer)
    @tells(answers=(TAG,), asks=(IF_NONE_MATCH,))
    def read(self, request: Request) -> HttpResponse:
        """Every cluster with its state, health and operation under way: what a dashboard shows, in one request."""
        columns = ("id", "name", "state", "state_reason", "checked_at", "observation__reachable")
        clusters = list(own_clusters(self.key).order_by("name", "id").values(*columns))
        mine = {"cluster__customer": self.key.customer_id}
        of_cluster = Node.objects.filter(**mine).order_by().values("cluster")
        hosts = dict(of_cluster.annotate(n=Count("pk")).values_list("cluster", "n"))
        components = {row.pop("cluster"): row for row in _components(mine)}
        under_way: dict[Any, list[Operation]] = {}
        for operation in Operation.objects.filter(**mine, state__in=ACTIVE).defer("params", "error"):
            under_way.setdefault(operation.cluster_id, []).append(operation)
        for cluster in clusters:
            ident = cluster["id"]
            cluster["reachable"] = cluster.pop("observation__reachable")
            cluster["hosts"] = hosts.get(ident, 0)
            cluster["components"] = components.get(ident) or {"total": 0, "healthy": 0, "troubled": []}
            cluster["active_operation"] = active_operation(under_way.get(ident, ()))
        data = {
            "states": Counter(cluster["state"] for cluster in clusters),
            "hosts": sum(hosts.values()),
            "active_operations": sum(map(len, under_way.values())),
            "results": clusters,
        }
        return answer(request, data, "all")


def _components(mine: Mapping[str, Any]) -> QuerySet[Any, Any]:
    there = Component.objects.filter(Component.there(), **mine)
    healthy, troubled = Q(state=HealthState.HEALTHY), Component.faulty()
    return (
        there.order_by()
        .values("cluster")
        .annotate(
            total=Count("pk"),
            healthy=Count("pk", filter=healthy),
            troubled=Coalesce(ArrayAgg("name", filter=troubled, order_by="name"), Value([], NAMES)),
        )
    )
