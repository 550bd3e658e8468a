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
from clusters.api.conditional import CONDITIONAL, answer
from clusters.api.fields import Answer
from clusters.models import ClusterState, Component, HealthState, Node
from tasks.api.serializers import ActiveOperation, active_operation
from tasks.models import ACTIVE, Operation

NAMES: ArrayField[Any, Any] = ArrayField(TextField())
TROUBLE = (HealthState.DEGRADED, HealthState.UNHEALTHY, HealthState.ABSENT)


class ComponentStates(Answer):
    """Components that are there or ought to be."""

    total = serializers.IntegerField(help_text="How many.")
    healthy = serializers.IntegerField(help_text="How many of them are healthy.")
    troubled = serializers.ListField(
        child=serializers.CharField(), help_text="Names of those that are degraded, unhealthy or missing."
    )


class ClusterGlance(Answer):
    """A cluster at a glance."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(ClusterState.choices)
    state_reason = serializers.CharField(
        allow_blank=True, help_text="Why it is in this state, where that needs saying."
    )
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When its health was last read.")
    reachable = serializers.BooleanField(allow_null=True, help_text="Whether the last attempt to read it did.")
    hosts = serializers.IntegerField(help_text="How many hosts it has.")
    components = ComponentStates()
    active_operation = ActiveOperation(allow_null=True)


class OverviewSerializer(Answer):
    """All clusters of an access key."""

    states = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many clusters are in each state; states without any are left out.",
    )
    hosts = serializers.IntegerField(help_text="Hosts of all clusters.")
    active_operations = serializers.IntegerField(help_text="Operations under way.")
    results = ClusterGlance(many=True, help_text="Every cluster, by name.")


class Overview(View):
    """The clusters of the caller, all at once."""

    serializer_class = OverviewSerializer
    pagination_class = None

    @extend_schema(summary="See all clusters at a glance", responses=OverviewSerializer, parameters=CONDITIONAL)
    def read(self, request: Request) -> HttpResponse:
        """Every cluster with its state, health and operation under way: what a dashboard shows, in one request."""
        columns = ("id", "name", "state", "state_reason", "checked_at", "observation__reachable")
        clusters = list(own_clusters(self.key).order_by("name", "id").values(*columns))
        mine = {"cluster__access_key": self.key}
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
    there = Component.objects.filter(**mine).exclude(state=HealthState.ABSENT, chosen=False)
    healthy, troubled = Q(state=HealthState.HEALTHY), Q(state__in=TROUBLE)
    return (
        there.order_by()
        .values("cluster")
        .annotate(
            total=Count("pk"),
            healthy=Count("pk", filter=healthy),
            troubled=Coalesce(ArrayAgg("name", filter=troubled, order_by="name"), Value([], NAMES)),
        )
    )
