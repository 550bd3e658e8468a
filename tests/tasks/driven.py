"""Starting an operation and waiting for its end, for tests with real workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clusters.models import Cluster
from tasks import engine, jobs, services
from tasks.models import ACTIVE, Operation, OperationState, StepState
from tasks.plan import Plan
from tests.workers import Fleet, until


def start(cluster: Cluster, what: Plan, dry_run: bool = False) -> Operation:
    """Store the operation and send its first message."""
    operation = engine.create(cluster, what.validate(cluster.nodes.values_list("name", flat=True)), {}, dry_run=dry_run)
    jobs.send(jobs.advance, str(operation.pk))
    return operation


def finish(operation: Operation, fleet: Fleet, seconds: float = 60) -> str:
    """The state in which it ended; the failure names its steps' states and the workers' logs."""

    def ended() -> bool:
        operation.refresh_from_db()
        return operation.state not in ACTIVE

    try:
        until(ended, seconds)
    except AssertionError:
        steps = list(operation.steps.values("key", "state", "note", "error", "lease_until", "sent_at"))
        raise AssertionError(f"{operation.state}: {steps}\n{fleet.log()}") from None
    return operation.state


def cancel_in(operation: Operation, step: str, fleet: Fleet, when: Callable[[], object], seconds: float = 300) -> None:
    """Cancel it in the middle of `step`, once `when` holds, and wait until what ran has ended."""

    def in_its_middle() -> bool:
        found = operation.steps.get(key=step)
        assert found.state in (StepState.PENDING, StepState.READY, StepState.RUNNING), found.error
        return bool(found.state == StepState.RUNNING and when())

    until(in_its_middle, seconds, f"{step} is in its middle")
    services.request_cancel(operation, actor="test")
    assert finish(operation, fleet, 60) == OperationState.CANCELLED
    assert operation.steps.get(key=step).state == StepState.CANCELLED


def alive(pid: int) -> bool:
    """Whether the process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
