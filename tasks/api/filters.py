"""What lists of operations, and clusters by their operations, may be narrowed by."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet

from clusters.api.clusters import ClusterFilter
from clusters.api.filters import Flag, Search, any_of, since, until
from tasks.models import ACTIVE, Operation, OperationState
from tasks.plans import PLANS


class OperationFilter(django_filters.FilterSet):
    """Which operations to list."""

    state = any_of(OperationState.choices, "state", "operations in this state")
    kind = any_of([(kind, kind) for kind in PLANS], "kind", "operations of this kind")
    cluster = django_filters.UUIDFilter(field_name="cluster_id", help_text="Only of this cluster.")
    active = Flag(method="under_way", help_text="Only what is under way, or only what is over.")
    dry_run = Flag(help_text="Only dry runs, or only others.")
    created_after = since("created_at")
    created_before = until("created_at")
    finished_after = since("finished_at")
    finished_before = until("finished_at")
    search = Search("kind", "cluster__name", "requested_by")

    class Meta:
        model = Operation
        fields = ["state", "kind", "dry_run"]

    def under_way(self, rows: QuerySet[Operation], name: str, value: bool) -> QuerySet[Operation]:
        """The filter `active`."""
        return rows.filter(state__in=ACTIVE) if value else rows.exclude(state__in=ACTIVE)


class ClusterByOperationFilter(ClusterFilter):
    """Which clusters to list."""

    active = Flag(method="under_way", help_text="Only clusters with an operation under way, or only those without.")

    def under_way(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """The filter `active`."""
        active = Exists(Operation.objects.filter(cluster=OuterRef("pk"), state__in=ACTIVE))
        return rows.filter(active if value else ~active)
