"""The fleet of clusters on one page: what is wrong, what is under way, what changed. From the rows alone.

As many queries for a thousand clusters as for one: each list is one query, is cut off at `SHOWN`, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Count, Model, Prefetch, QuerySet
from django.utils import timezone

from clusters.models import Cluster, ClusterState, HealthEvent
from tasks.models import ACTIVE, Operation, OperationState, Step, StepState

SHOWN = 25  # rows of a list
DAY, HOURS = timedelta(days=1), timedelta(hours=6)
TROUBLED = (ClusterState.FAILED, ClusterState.DEGRADED)
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """The first rows of a list, and whether there are more."""

    rows: Sequence[Row]
    more: bool

    @classmethod
    def of(cls, rows: QuerySet[Row]) -> Listed[Row]:
        """As many of them as a page shows."""
        found = list(rows[: SHOWN + 1])
        return cls(found[:SHOWN], len(found) > SHOWN)


@dataclass(frozen=True)
class Dashboard:
    """`clusters` and `operations`: how many are in each state. Operations under way have the steps that run `at_work`.

    `failures` are of the last day and still failed; `changes` of health of the last hours.
    """

    at: datetime
    clusters: dict[str, int]
    operations: dict[str, int]
    troubled: Listed[Cluster]
    running: Listed[Operation]
    failures: Listed[Operation]
    changes: Listed[HealthEvent]

    @property
    def under_way(self) -> int:
        """How many operations have not ended."""
        return sum(self.operations[state] for state in ACTIVE)

    @property
    def known(self) -> int:
        """How many clusters are registered and not removed."""
        return sum(count for state, count in self.clusters.items() if state != ClusterState.REMOVED)


def read() -> Dashboard:
    """Look once."""
    now = timezone.now()
    clusters = Cluster.objects.defer(*Cluster.SECRETS, "inventory_extra", "imported")
    clusters = clusters.select_related("access_key__customer")
    operations = Operation.objects.select_related("cluster__access_key__customer").defer(
        *(f"cluster__{name}" for name in Cluster.SECRETS), "cluster__access_key__value", "params", "notes"
    )
    at_work = Step.objects.filter(state=StepState.RUNNING).only("operation_id", "key", "title", "note", "position")
    failed = operations.filter(state=OperationState.FAILED, finished_at__gte=now - DAY)
    changes = HealthEvent.objects.filter(at__gte=now - HOURS).select_related("cluster")
    return Dashboard(
        at=now,
        clusters=_counted(Cluster, ClusterState.values),
        operations=_counted(Operation, OperationState.values),
        troubled=Listed.of(clusters.filter(state__in=TROUBLED).order_by("-updated_at")),
        running=Listed.of(
            operations.filter(state__in=ACTIVE)
            .order_by("-created_at")
            .prefetch_related(Prefetch("steps", at_work, to_attr="at_work"))
        ),
        failures=Listed.of(failed.order_by("-finished_at")),
        changes=Listed.of(changes.defer(*(f"cluster__{name}" for name in Cluster.SECRETS)).order_by("-at", "-id")),
    )


def _counted(model: type[Model], states: Sequence[str]) -> dict[str, int]:
    rows = model._default_manager.order_by().values_list("state").annotate(n=Count("pk"))
    return {**dict.fromkeys(states, 0), **dict(rows)}
