"""What has changed on a customer's clusters: health, and operations that began or ended, in one list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from clusters.models import Cluster, HealthEvent
from tasks.models import Event, Operation

# Operations that are looked at, the newest ones.
MOST_OPERATIONS = 200
HEALTH_FIELDS = ("at", "subject", "name", "old_state", "new_state", "reason")
EVENT_FIELDS = ("at", "seq", "data", "operation__kind", "operation__cluster__name")


@dataclass(frozen=True)
class Change:
    """One change. `subject` is component, node, cluster, ceph or operation; `name` is what of them, or the kind."""

    id: str
    at: datetime
    cluster: dict[str, Any]
    subject: str
    name: str
    old_state: str
    new_state: str
    reason: str
    operation: Any = None


def changes(clusters: QuerySet[Cluster], since: datetime, limit: int, *, last: bool) -> list[Change]:
    """The first `limit` changes from `since` on, or the `last` so many; the oldest comes first in both.

    Three statements, however many clusters there are.
    """
    found = [*_health(clusters, since, limit, last), *_operations(clusters, since)]
    found.sort(key=lambda one: (one.at, one.id))
    return found[-limit:] if last else found[:limit]


def _health(clusters: QuerySet[Cluster], since: datetime, limit: int, last: bool) -> Iterator[Change]:
    rows = HealthEvent.objects.filter(cluster__in=clusters, at__gte=since)
    rows = rows.select_related("cluster").only(*HEALTH_FIELDS, "cluster__name")
    for row in rows.order_by(*(("-at", "-id") if last else ("at", "id")))[:limit]:
        yield health_change(row)


def _operations(clusters: QuerySet[Cluster], since: datetime) -> Iterator[Change]:
    """Moves from state to state. An operation's events tell its progress, too: those that move nothing are left out."""
    moving = Operation.objects.filter(Q(finished_at=None) | Q(finished_at__gte=since), cluster__in=clusters)
    newest = list(moving.order_by("-created_at").values_list("pk", flat=True)[:MOST_OPERATIONS])
    rows = (
        Event.objects.filter(operation__in=newest, kind="operation")
        .select_related("operation__cluster")
        .only(*EVENT_FIELDS)
        .order_by("operation", "seq")
    )
    of, before = None, ("", 0)
    for row in rows:
        of, before = row.operation_id, before if row.operation_id == of else ("", 0)
        now = state_in(row)
        if now != before and row.at >= since:
            yield moved(row, before[0])
        before = now


def health_change(row: HealthEvent) -> Change:
    """A change of health as the feed tells it."""
    return Change(
        f"health-{row.pk}",
        row.at,
        {"id": row.cluster_id, "name": row.cluster.name},
        row.subject,
        row.name,
        row.old_state,
        row.new_state,
        row.reason,
    )


def state_in(row: Event) -> tuple[str, int]:
    """State and attempt of the operation after its event."""
    return str(row.data.get("state")), int(row.data.get("attempt") or 1)


def moved(row: Event, old_state: str) -> Change:
    """An operation's move to another state as the feed tells it."""
    operation, error = row.operation, row.data.get("error") or {}
    where = " ".join(filter(None, [error.get("step"), error.get("host")]))
    return Change(
        f"operation-{row.operation_id}-{row.seq}",
        row.at,
        {"id": operation.cluster_id, "name": operation.cluster.name},
        "operation",
        operation.kind,
        old_state,
        str(row.data.get("state")),
        ": ".join(filter(None, [where, error.get("message")])),
        row.operation_id,
    )
