"""The life of an operation: queued -> running -> succeeded | failed, with cancelling -> cancelled beside it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from clusters.models import Cluster
from tasks.database import patient
from tasks.engine import rows
from tasks.engine.alone import one_at_a_time
from tasks.engine.change import Change, changing
from tasks.engine.states import move
from tasks.models import (
    ACTIVE,
    STEP_DONE,
    AuditEvent,
    Operation,
    OperationState,
    Step,
    StepState,
)
from tasks.plan import Plan, Script, StepSpec
from tasks.webhooks import outbox

# A message that has not led to a claim after so long is taken for lost (seconds).
RESEND_SECONDS = 15
# A driver that lives hears of a cancel within so long, and holds its lease on.
CANCEL_SECONDS = 2
# A driver that died is not waited for any longer: its message was sent before its lease.
ORPHANED = Q(lease_until__lt=Now(), sent_at__lt=F("lease_until"))
TO_DRIVE = (StepState.READY, StepState.RUNNING)
RESET = [  # what a retry gives a step anew
    *("state", "attempt", "tries", "outcome", "progress", "note", "error", "memory"),
    *("not_before", "sent_at", "lease_until", "started_at", "finished_at"),
]


class NotRetryable(Exception):
    """The operation has not failed and was not cancelled."""


def create(
    cluster: Cluster, plan: Plan, params: dict[str, Any], *, dry_run: bool = False, requested_by: str = ""
) -> Operation:
    """Store the operation and its steps. Raises `Busy` while another one is under way that excludes it."""
    dry_run = dry_run or plan.probes_only
    operation = Operation(
        cluster=cluster,
        kind=plan.kind,
        params=params,
        dry_run=dry_run,
        mutating=plan.mutating and not dry_run,
        holds_etcd=plan.holds_etcd and not dry_run,
        requested_by=requested_by,
        notes=list(plan.notes),
    )
    if operation.mutating:
        operation.cluster_states = {"during": plan.during, "success": plan.success, "failure": plan.failure}
    with one_at_a_time(cluster), transaction.atomic():
        operation.save(force_insert=True)
        Step.objects.bulk_create(
            Step(
                operation=operation,
                key=spec.key,
                position=position,
                title=spec.title,
                spec=spec.to_json(),
                after=list(spec.after),
                weight=spec.expected,
            )
            for position, spec in enumerate(plan.steps)
        )
        with changing(operation.pk) as change:
            if change is not None:
                change.created()
    return operation


@patient
def advance(operation_id: UUID) -> list[int]:
    """Move the operation on as far as its steps allow: the ids of the steps that are to be driven now."""
    with changing(operation_id, ACTIVE) as change:
        if change is None:
            return []
        operation = change.operation
        if operation.state == OperationState.QUEUED:
            change.set(state=OperationState.RUNNING, started_at=change.now)
            weigh(change)
            change.operation_event()
            _set_cluster_state(change, "during")
        steps = rows.standing(operation.pk)
        active = [step for step in steps if step.state in TO_DRIVE]
        if operation.state == OperationState.CANCELLING:
            if not active:
                _end(change, OperationState.CANCELLED)
            return []
        failed = [step for step in steps if step.state == StepState.FAILED]
        ready = [] if failed else _make_ready(change, steps)
        if not active and not ready:
            done = all(step.state in STEP_DONE for step in steps)
            _end(change, OperationState.SUCCEEDED if done else OperationState.FAILED)
            return []
        change.set(sent_at=change.now)
        return sorted(ready + _to_send(change, active))


@patient
def request_cancel(operation_id: UUID, error: dict[str, Any] | None = None) -> bool:
    """Stop the operation: whether it was under way. What runs is ended by the steps' drivers.

    `error` says why, where nobody asked for it.
    """
    with changing(operation_id, (OperationState.QUEUED, OperationState.RUNNING)) as change:
        if change is None:
            return False
        change.set(state=OperationState.CANCELLING, sent_at=None, error=error or {})
        change.operation_event()
        waiting = change.operation.steps.select_for_update(no_key=True).filter(
            state__in=[StepState.PENDING, StepState.READY]
        )
        for step in waiting:
            move(step, StepState.CANCELLED)
            step.note, step.finished_at = "", change.now
            change.step_event(step)
        Step.objects.filter(pk__in=[step.pk for step in waiting]).update(
            state=StepState.CANCELLED, note="", not_before=None, finished_at=change.now
        )
        # What waits for a host or a retry is to be ended now; a driver that has died is not waited for long.
        running = change.operation.steps.filter(state=StepState.RUNNING)
        running.update(not_before=None, sent_at=None)
        soon = Now() + timedelta(seconds=CANCEL_SECONDS)
        running.filter(lease_until__gt=soon).update(lease_until=soon)
        return True


@patient
def cancelling_steps(operation_id: UUID) -> list[int]:
    """The steps of a cancelled operation that a driver has to end."""
    found = Step.objects.filter(
        operation=operation_id, operation__state=OperationState.CANCELLING, state=StepState.RUNNING
    )
    return list(found.values_list("pk", flat=True))


def retry(operation_id: UUID, from_step: str = "") -> Operation:
    """Run a failed or cancelled operation again; what is true already is found by the steps' probes.

    With `from_step`, that step and all behind it run again, and the rest only where it had not succeeded.
    Raises `NotRetryable`, `Busy`, and KeyError for an unknown step.
    """
    operation = Operation.objects.select_related("cluster").get(pk=operation_id)
    with (
        one_at_a_time(operation.cluster),
        changing(operation_id, (OperationState.FAILED, OperationState.CANCELLED)) as change,
    ):
        if change is None:
            raise NotRetryable(f"The operation is {operation.state}; only a failed or cancelled one is retried.")
        steps = list(change.operation.steps.select_for_update(no_key=True))
        again = _behind(steps, from_step) if from_step else {step.key for step in steps if _has_probe(step)}
        for step in steps:
            if step.state == StepState.SKIPPED or (step.state in STEP_DONE and step.key not in again):
                continue
            if step.state != StepState.PENDING:
                move(step, StepState.PENDING)
            step.attempt, step.tries = step.attempt + 1, 0
            step.outcome, step.progress, step.note, step.error, step.memory = "", 0, "", {}, {}
            step.not_before = step.sent_at = step.lease_until = step.started_at = step.finished_at = None
            change.step_event(step)
        Step.objects.bulk_update(steps, RESET)
        change.set(
            state=OperationState.QUEUED,
            attempt=change.operation.attempt + 1,
            progress=0,
            error={},
            started_at=None,
            finished_at=None,
            sent_at=None,
        )
        change.operation_event()
    operation.refresh_from_db()
    return operation


@patient
def changed_cluster(operation_id: UUID) -> UUID | None:
    """The cluster of an operation that has ended and may have changed it: its health is to be read anew."""
    ended = Operation.objects.filter(pk=operation_id, mutating=True).exclude(state__in=ACTIVE)
    return ended.values_list("cluster", flat=True).first()


def skip(operation_id: UUID, key: str, note: str) -> Operation:
    """Take a failed step for done and go on behind it; `note` says who wanted that, and why.

    Raises `NotRetryable` where the operation or the step has not failed, `Busy`, and KeyError for an unknown step.
    """
    with transaction.atomic():
        with changing(operation_id, (OperationState.FAILED,)) as change:
            if change is None:
                raise NotRetryable("Only a step of a failed operation is skipped.")
            step = change.operation.steps.filter(key=key).first()
            if step is None:
                raise KeyError(key)
            if step.state != StepState.FAILED:
                raise NotRetryable(f"The step {key} is {step.state}; only a failed one is skipped.")
            move(step, StepState.SKIPPED)
            step.note, step.finished_at = note[:300], change.now
            step.save(update_fields=["state", "note", "finished_at"])
            change.step_event(step)
        return retry(operation_id)


@patient
def end_overdue() -> list[UUID]:
    """Have operations ended that take longer than any should: their ids, to be cancelled like others."""
    limit = settings.OPERATION_SECONDS
    overdue = Operation.objects.filter(state=OperationState.RUNNING, started_at__lt=Now() - timedelta(seconds=limit))
    error = {
        "kind": "timeout",
        "message": f"The operation took longer than {limit / 3600:g} hours and was ended.",
        "fix": "See which step took the time, then retry; SANQIAN_OPERATION_SECONDS sets the limit.",
    }
    return [pk for pk in overdue.values_list("pk", flat=True) if request_cancel(pk, error)]


def due_steps() -> QuerySet[Step]:
    """The steps that a driver may take now."""
    return Step.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=Now()),
        Q(not_before=None) | Q(not_before__lte=Now()),
        state__in=TO_DRIVE,
        operation__state__in=[OperationState.RUNNING, OperationState.CANCELLING],
    )


def overdue_steps(waiting: float = 0) -> QuerySet[Step]:
    """Those of them that no message is under way for, as far as is known; see `reconcile` for `waiting`."""
    return due_steps().filter(_stale(waiting) | ORPHANED)


@patient
def reconcile(waiting: float = 0) -> tuple[list[UUID], list[int]]:
    """What nothing moves: operations to advance and steps to drive. Whoever gets one has it alone for a while.

    `waiting` is for how long the oldest message has been waiting for a worker (seconds): a message that was sent
    since is not lost but behind it, and a second one would only make the queue longer.
    Expired leases, lost messages and due retries all look the same here, and need nothing but a message.
    """
    with transaction.atomic():
        due = overdue_steps(waiting).select_for_update(skip_locked=True, no_key=True, of=("self",))
        steps = list(due.values_list("pk", flat=True))
        Step.objects.filter(pk__in=steps).update(sent_at=Now())
    with transaction.atomic():
        # Without `sent_at` a step has ended since the last advance; it is not to wait for the other branches.
        moving = Step.objects.filter(operation=OuterRef("pk"), state__in=TO_DRIVE)
        still = (
            Operation.objects.filter(_stale(waiting), state__in=ACTIVE)
            .filter(Q(sent_at=None) | Q(state=OperationState.QUEUED) | ~Exists(moving))
            .select_for_update(skip_locked=True, no_key=True)
        )
        operations = list(still.values_list("pk", flat=True))
        Operation.objects.filter(pk__in=operations).update(sent_at=Now())
    return operations, steps


def _stale(waiting: float) -> Q:
    return Q(sent_at=None) | Q(sent_at__lt=Now() - timedelta(seconds=RESEND_SECONDS + waiting))


def weigh(change: Change) -> None:
    """The operation's progress: its steps', each weighed with its expected duration. It never falls."""
    total, done = rows.weights(change.operation.pk)
    progress = max(change.operation.progress, done / total if total else 100.0)
    if progress != change.operation.progress:
        change.set(progress=progress)


def _make_ready(change: Change, steps: list[rows.Standing]) -> list[int]:
    """The steps whose message is to be sent, because all that they wait for is done."""
    # In a retry, what was before a step that is not repeated may be asked again: what is behind it waits for that too.
    settled: set[str] = set()
    ready = []
    for step in steps:
        if settled.issuperset(step.after):
            if step.state in STEP_DONE:
                settled.add(step.key)
            elif step.state == StepState.PENDING:
                ready.append(step.pk)
    for row in Step.objects.filter(pk__in=ready).defer("spec", "memory", "result") if ready else ():
        move(row, StepState.READY)
        row.sent_at = change.now
        rows.update(row, ["state", "sent_at"])
        change.step_event(row)
    return ready


def _to_send(change: Change, steps: list[rows.Standing]) -> list[int]:
    """Those whose message is missing: a message that is under way is not doubled."""
    fresh = [s.pk for s in steps if s.sent_at is None and (s.not_before is None or s.not_before <= change.now)]
    if fresh:
        Step.objects.filter(pk__in=fresh).update(sent_at=change.now)
    return fresh


def _end(change: Change, state: OperationState) -> None:
    operation = change.operation
    error: dict[str, Any] = operation.error
    if state != OperationState.SUCCEEDED:
        told = operation.steps.filter(state__in=(StepState.FAILED, StepState.CANCELLED)).exclude(error={})
        if found := told.order_by("position").values_list("key", "error").first():
            error = {"step": found[0], **found[1]}
    if state == OperationState.FAILED and not error:
        stuck = ", ".join(operation.steps.exclude(state__in=STEP_DONE).values_list("key", flat=True))
        error = {"kind": "internal", "message": f"Nothing can start these steps: {stuck}.", "fix": "Report it."}
    if state == OperationState.SUCCEEDED:
        change.set(progress=100.0)
    change.set(state=state, finished_at=change.now, error=error)
    change.operation_event()
    _set_cluster_state(change, "success" if state == OperationState.SUCCEEDED else "failure")
    _audit_end(operation)


def _audit_end(operation: Operation) -> None:
    """What became of the request, kept also when operation and cluster are deleted."""
    told = {name: operation.error[name] for name in ("step", "host", "kind", "message") if name in operation.error}
    AuditEvent.objects.create(
        actor="service",
        action=f"operation.{operation.state}",
        cluster=str(operation.cluster_id),
        operation=str(operation.pk),
        detail={"kind": operation.kind, "attempt": operation.attempt, **({"error": told} if told else {})},
    )


def _set_cluster_state(change: Change, moment: str) -> None:
    operation = change.operation
    if operation.started_at is None:
        return  # cancelled before its start: the cluster is as it was
    if state := operation.cluster_states.get(moment):
        reason = operation.error.get("message", "") if moment == "failure" else ""
        if moment == "failure" and operation.state == OperationState.CANCELLED:
            reason = f"The {operation.kind} was cancelled."
        cluster = Cluster.objects.filter(pk=operation.cluster_id)
        name, before = cluster.values_list("name", "state").get()
        cluster.update(state=state, state_reason=reason[:500])
        if before != state:
            outbox.health_changed(operation.cluster_id, "cluster", change.now, name, before, state, reason)


def _has_probe(step: Step) -> bool:
    """Whether the step can be asked again without being repeated."""
    do = StepSpec.from_json(step.spec).do
    return not isinstance(do, Script) or bool(do.probe)


def _behind(steps: list[Step], key: str) -> set[str]:
    """`key` and all steps that wait for it, directly or not. Raises KeyError."""
    if key not in {step.key for step in steps}:
        raise KeyError(key)
    found = {key}
    for step in steps:
        if found.intersection(step.after):
            found.add(step.key)
    return found
