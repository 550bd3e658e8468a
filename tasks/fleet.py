"""What the service itself is doing: queues, workers, what is under way and for whom. For operators.

Queues and workers are asked; the rest is read from the rows. Without a broker, what it alone knows is None.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from celery import current_app
from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Q
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from tasks import engine, queues
from tasks.models import ACTIVE, Operation, OperationState, Step, StepState

log = logging.getLogger(__name__)
# How long workers may take to answer (seconds).
PATIENCE = 1.0


@dataclass(frozen=True)
class Queue:
    """Messages that wait for a worker; `oldest_seconds` is None also where none waits."""

    name: str
    depth: int | None = None
    oldest_seconds: float | None = None


@dataclass(frozen=True)
class Worker:
    """A worker process. `alive` is None where it could not be asked.

    One that does not answer, but still holds leases, is named by the process that took them.
    """

    name: str
    alive: bool | None
    pid: int | None = None
    concurrency: int | None = None
    active: int | None = None
    steps: int = 0
    operations: int = 0


@dataclass(frozen=True)
class Load:
    """What one access key, named by its public prefix, has under way; `driven` are steps ready or running."""

    access_key: str
    customer: str
    operations: int
    driven: int


@dataclass(frozen=True)
class Fleet:
    """The fleet at one moment. `waiting` steps could be driven and are not, the oldest for `oldest_seconds`.

    Of them, `overdue` are those whose message the reconciler takes for lost and sends again.
    """

    at: datetime
    broker: bool
    queues: list[Queue]
    workers: list[Worker]
    operations: dict[str, int]
    waiting: int
    overdue: int
    oldest_seconds: float | None
    access_keys: list[Load] = field(default_factory=list)


@dataclass
class _Held:
    steps: int = 0
    operations: set[Any] = field(default_factory=set)


def fleet() -> Fleet:
    """Look once; takes about as long as workers may take to answer. Raises only what the database raises.

    How long a step has waited, the rows tell only in part: from the end of its last driver's lease, from when it
    was due, or from its last message, whichever is latest. So a message that is sent again begins anew.
    """
    try:
        found = [Queue(one.queue, one.depth, one.oldest_seconds) for one in queues.waiting()]
        answers = _ask()
        broker = True
    except queues.DOWN as error:
        log.warning("queues and workers are not known: %s", error)
        found, answers, broker = [Queue(name) for name in queues.QUEUES], {}, False
    due = engine.due_steps()
    since = Greatest("sent_at", "not_before", "lease_until")
    waited = ExpressionWrapper(Now() - since, output_field=DurationField())
    oldest = due.aggregate(oldest=Max(waited))["oldest"]
    return Fleet(
        at=timezone.now(),
        broker=broker,
        queues=found,
        workers=_workers(answers, broker),
        operations=_operations(),
        waiting=due.count(),
        overdue=engine.overdue_steps(queues.longest_wait()).count(),
        oldest_seconds=max(0.0, oldest.total_seconds()) if oldest is not None else None,
        access_keys=_loads(),
    )


def _ask() -> dict[str, dict[str, Any]]:
    """Each worker that answers: its stats, and under ``active`` the number of its running tasks."""
    names = list(current_app.control.inspect(timeout=PATIENCE).ping() or {})
    if not names:
        return {}
    # With their number known, nobody waits for more answers than there will be.
    inspect = current_app.control.inspect(names, timeout=PATIENCE, limit=len(names))
    stats, active = inspect.stats() or {}, inspect.active() or {}
    return {name: {**stats.get(name, {}), "active": len(active.get(name, ()))} for name in names}


def _workers(answers: dict[str, dict[str, Any]], asked: bool) -> list[Worker]:
    held: dict[str, _Held] = {}
    leased = Step.objects.filter(lease_until__gte=Now(), state=StepState.RUNNING)
    for owner, operation in leased.values_list("lease_owner", "operation"):
        process = held.setdefault(owner.rpartition(":")[0], _Held())
        process.steps += 1
        process.operations.add(operation)
    found = []
    for name, said in sorted(answers.items()):
        host = name.partition("@")[2]
        pool = said.get("pool") or {}
        mine = [held.pop(f"{host}:{pid}", _Held()) for pid in _processes(said)]
        found.append(
            Worker(
                name=name,
                alive=True,
                pid=said.get("pid"),
                concurrency=pool.get("max-concurrency"),
                active=said["active"],
                steps=sum(one.steps for one in mine),
                operations=len(set[Any]().union(*(one.operations for one in mine))),
            )
        )
    silent = False if asked else None
    for owner in sorted(held):
        pid, one = owner.rpartition(":")[2], held[owner]
        known = int(pid) if pid.isdigit() else None
        found.append(Worker(owner, silent, known, steps=one.steps, operations=len(one.operations)))
    return found


def _processes(said: dict[str, Any]) -> set[int]:
    """The worker's own process, and those of its pool where it has any."""
    children: Iterable[int] = (said.get("pool") or {}).get("processes") or ()
    return {pid for pid in (said.get("pid"), *children) if pid}


def _operations() -> dict[str, int]:
    counted = Operation.objects.order_by().values_list("state").annotate(n=Count("pk"))
    return {**dict.fromkeys(OperationState.values, 0), **dict(counted)}


def _loads() -> list[Load]:
    """The busiest first."""
    driven = Q(steps__state__in=[StepState.READY, StepState.RUNNING])
    rows = (
        Operation.objects.filter(state__in=ACTIVE)
        .order_by()
        .values(prefix=F("cluster__access_key__prefix"), customer=F("cluster__access_key__customer__name"))
        .annotate(operations=Count("pk", distinct=True), driven=Count("steps", filter=driven))
        .order_by("-operations", "prefix")
    )
    return [Load(row["prefix"], row["customer"], row["operations"], row["driven"]) for row in rows]
