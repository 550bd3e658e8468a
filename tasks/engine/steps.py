"""The life of a step: pending -> ready -> running -> succeeded | failed | cancelled, under a lease while driven.

A lease is the right to drive a step until a time of the database's clock. Each claim raises the step's epoch; a
holder whose epoch is no longer the step's changes nothing and is told so by `LeaseLost`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from clusters.models import Node
from tasks.database import patient
from tasks.engine.change import Change, changing
from tasks.engine.logs import trim
from tasks.engine.operations import weigh
from tasks.engine.remains import KEEP_SECONDS
from tasks.engine.states import move
from tasks.models import (
    JOB_LIVE,
    HostJob,
    JobState,
    Operation,
    OperationState,
    Outcome,
    Step,
    StepState,
)
from tasks.plan import Retry, StepSpec

SERVICE = "service"
# What the holder of a job learns back from its row.
TOLD = ("state", "offset", "seen", "started_at", "last_output_at", "unreachable_since", "boot_id", "exit_code", "error")
DRIVEN = (OperationState.RUNNING, OperationState.CANCELLING)


class LeaseLost(Exception):
    """Another driver holds the step now, or it has ended: this one must change nothing more."""


@dataclass
class Lease:
    """The right to drive `step`. `cancelling` says that it is to be ended, not carried on."""

    step: Step
    operation: Operation
    epoch: int
    now: datetime
    cancelling: bool

    @property
    def spec(self) -> StepSpec:
        return StepSpec.from_json(self.step.spec)


@dataclass
class JobUpdate:
    """What a driver learnt of a job. Fields that are None stay as they are.

    `chunks` are (offset, raw size, redacted text); one of no size is a remark on the log. `seen` bytes of output were
    there, whether or not they can be stored yet. `away` is set while the host does not answer, with the time
    of the next try; hearing from the host again clears it.
    """

    job: HostJob
    chunks: list[tuple[int, int, str]] = field(default_factory=list)
    seen: int = 0
    boot_id: str | None = None
    phase: str | None = None
    progress: float | None = None
    note: str | None = None
    state: JobState | None = None
    outcome: Outcome | None = None
    exit_code: int | None = None
    error: dict[str, Any] | None = None
    away: datetime | None = None


@patient
def claim(step_id: int, owner: str) -> Lease | None:
    """Take the step's lease; None where it is held, ended, not yet due, or its operation is."""
    operation_id = Step.objects.filter(pk=step_id).values_list("operation", flat=True).first()
    if operation_id is None:
        return None
    with changing(operation_id, DRIVEN) as change:
        if change is None:
            return None
        before = Step.objects.filter(pk=step_id).values_list("state", flat=True).first()
        # Whether it is free is asked and answered in one statement, by the database's clock.
        taken = Step.objects.filter(
            Q(lease_until=None) | Q(lease_until__lt=Now()),
            Q(not_before=None) | Q(not_before__lte=Now()),
            pk=step_id,
            state__in=[StepState.READY, StepState.RUNNING],
        ).update(
            state=StepState.RUNNING,
            lease_owner=owner[:120],
            lease_epoch=F("lease_epoch") + 1,
            lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS),
            not_before=None,
        )
        if not taken:
            return None
        step = Step.objects.get(pk=step_id)
        if step.started_at is None:
            step.started_at = change.now
            Step.objects.filter(pk=step_id).update(started_at=change.now)
        if before != StepState.RUNNING:
            change.step_event(step)
        cancelling = change.operation.state == OperationState.CANCELLING
        return Lease(step, change.operation, step.lease_epoch, change.now, cancelling)


@patient
def renew(lease: Lease) -> bool:
    """Hold the lease on; whether the operation is being cancelled. Raises `LeaseLost`."""
    held = _held_row(lease).update(lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS))
    if not held:
        raise LeaseLost
    return cancel_wanted(lease)


@patient
def cancel_wanted(lease: Lease) -> bool:
    """Whether the operation is being cancelled."""
    return Operation.objects.filter(pk=lease.operation.pk, state=OperationState.CANCELLING).exists()


@patient
def jobs_of(lease: Lease) -> list[HostJob]:
    """The jobs of this attempt, made where they are missing. Hosts that an earlier try has served get none.

    Raises `LeaseLost`.
    """
    with _held(lease) as (change, step):
        spec = lease.spec
        served = HostJob.objects.filter(
            step=step, state=JobState.SUCCEEDED, attempt__range=(step.attempt - step.tries, step.attempt - 1)
        ).values_list("host", flat=True)
        nodes = {node.name: node for node in Node.objects.filter(cluster=change.operation.cluster_id)}
        have = set(HostJob.objects.filter(step=step, attempt=step.attempt).values_list("host", flat=True))
        HostJob.objects.bulk_create(
            HostJob(step=step, host=host, node=nodes.get(host), attempt=step.attempt)
            for host in (spec.hosts or (SERVICE,))
            if host not in have and host not in set(served)
        )
        related = ("node__credential", "node__jump__credential")
        return list(HostJob.objects.filter(step=step, attempt=step.attempt).select_related(*related))


@patient
def record(lease: Lease, updates: Sequence[JobUpdate]) -> None:
    """Store what was learnt of jobs, their output included: each byte once. Raises `LeaseLost`.

    A stretch of output that is stored already is dropped, so that a second reader does no harm.
    """
    if not updates:
        return
    with _held(lease) as (change, step):
        for update in updates:
            _record(change, step, update)
        jobs = HostJob.objects.filter(step=step, attempt__gte=step.attempt - step.tries)
        best = {
            host: (100.0 if state == JobState.SUCCEEDED else progress)
            for host, state, progress in jobs.order_by("attempt").values_list("host", "state", "progress")
        }
        progress = max(step.progress, min(99.0, sum(best.values()) / max(len(best), 1)))
        note = next((update.note for update in reversed(updates) if update.note), step.note)
        if progress != step.progress or note != step.note:
            step.progress, step.note = progress, note[:300]
            Step.objects.filter(pk=step.pk).update(progress=progress, note=step.note)
            change.step_event(step)
            before = change.operation.progress
            weigh(change, change.operation.steps.all())
            if int(change.operation.progress) != int(before):
                change.operation_event()


@patient
def give_back(lease: Lease, *, after: float = 0, note: str | None = None, memory: dict[str, Any] | None = None) -> None:
    """Let go of the step for now; it is due again `after` seconds. Raises `LeaseLost`.

    With `after` 0 the caller sends the next message itself. A step that is to be ended is due at once.
    """
    with _held(lease) as (change, step):
        if change.operation.state == OperationState.CANCELLING:
            after = 0
        step.lease_until = None
        step.not_before = change.now + timedelta(seconds=after) if after > 0 else None
        step.sent_at = None if after > 0 else change.now
        if memory is not None:
            step.memory = memory
        if note is not None and note[:300] != step.note:
            step.note = note[:300]
            change.step_event(step)
        step.save(update_fields=["lease_until", "not_before", "sent_at", "memory", "note"])


@patient
def finish(lease: Lease, outcome: Outcome, result: dict[str, Any] | None = None, note: str = "") -> None:
    """The step's aim is true (or, in a dry run, known). Raises `LeaseLost`."""
    with _held(lease) as (change, step):
        move(step, StepState.SUCCEEDED)
        step.outcome, step.progress, step.error = outcome, 100.0, {}
        step.result = result if result is not None else step.result
        _end_jobs(change, step, JobState.SUCCEEDED, JobState.SUCCEEDED, outcome=outcome)
        _ended(change, step, note)


@patient
def fail(lease: Lease, error: dict[str, Any], *, again: bool = True, result: dict[str, Any] | None = None) -> bool:
    """A try has failed: whether the step's policy allows another one, and then it waits. Raises `LeaseLost`."""
    policy = lease.spec.retry
    with _held(lease) as (change, step):
        step.error = error
        step.result = result if result is not None else step.result
        _end_jobs(change, step, JobState.CANCELLED, JobState.LOST, error=error)
        again = again and step.tries + 1 < policy.attempts and change.operation.state == OperationState.RUNNING
        if not again:
            move(step, StepState.FAILED)
            _ended(change, step, error.get("message", ""))
            return False
        wait = delay(policy, step.tries)
        move(step, StepState.READY)
        step.tries, step.attempt = step.tries + 1, step.attempt + 1
        step.note = f"Try {step.tries + 1} of {policy.attempts} in {wait:.0f} s: {error.get('message', '')}"[:300]
        step.not_before, step.lease_until, step.sent_at = change.now + timedelta(seconds=wait), None, None
        step.memory = {}
        step.save()
        change.step_event(step)
        return True


@patient
def cancelled(lease: Lease, error: dict[str, Any]) -> None:
    """The step's jobs were ended; `error` names the hosts where that is not certain. Raises `LeaseLost`."""
    with _held(lease) as (change, step):
        move(step, StepState.CANCELLED)
        step.error = error
        _end_jobs(change, step, JobState.CANCELLED, JobState.CANCELLED)
        _ended(change, step, error.get("message", ""))


def delay(policy: Retry, tries: int) -> float:
    """Seconds before the next try: exponential, capped, and spread so that many do not come back at once."""
    return min(policy.cap, policy.delay * policy.factor**tries) * random.uniform(0.75, 1.25)  # noqa: S311


def _held_row(lease: Lease) -> QuerySet[Step]:
    # An expired lease holds until another claim; one that was given back holds no more.
    return Step.objects.filter(
        pk=lease.step.pk, lease_epoch=lease.epoch, lease_until__isnull=False, state=StepState.RUNNING
    )


@contextmanager
def _held(lease: Lease) -> Iterator[tuple[Change, Step]]:
    """A transition of a step whose lease is still this one."""
    with changing(lease.operation.pk, DRIVEN) as change:
        if change is None:
            raise LeaseLost
        step = _held_row(lease).first()
        if step is None:
            raise LeaseLost
        yield change, step
        lease.step = step


def _end_jobs(change: Change, step: Step, pending: JobState, running: JobState, **fields: Any) -> None:
    """No job outlives the try that it belongs to: nothing would ever end it."""
    for job in step.jobs.filter(state__in=JOB_LIVE):
        move(job, pending if job.state == JobState.PENDING else running)
        _ended_job(change, job)
        for name, value in fields.items():
            setattr(job, name, value)
        job.save(update_fields=["state", "finished_at", "not_before", *fields])
        change.job_event(step, job)


def _ended_job(change: Change, job: HostJob) -> None:
    job.finished_at = change.now
    # Also one that is not known to have started: its driver may have died before it could say so.
    job.not_before = change.now + timedelta(seconds=KEEP_SECONDS) if job.node_id else None


def _ended(change: Change, step: Step, note: str) -> None:
    step.note, step.finished_at, step.lease_until, step.memory = note[:300], change.now, None, {}
    step.save()
    change.step_event(step)
    weigh(change, change.operation.steps.all())
    change.operation_event()
    # The operation moves on by a message; were it lost, the reconciler sends another at once.
    change.set(sent_at=None)


def _record(change: Change, step: Step, update: JobUpdate) -> None:
    job = HostJob.objects.filter(pk=update.job.pk, state__in=JOB_LIVE).first()
    if job is None:
        return
    told = (job.state, job.phase, int(job.progress), job.note, job.unreachable_since is None)
    if update.away is None:
        if job.unreachable_since:
            job.unreachable_since, job.not_before, job.error = None, None, {}
    else:
        job.unreachable_since, job.not_before = job.unreachable_since or change.now, update.away
    if update.boot_id is not None:
        job.boot_id = update.boot_id
        if job.state == JobState.PENDING:
            move(job, JobState.RUNNING)
        job.started_at = job.started_at or change.now
    for offset, size, text in update.chunks:
        if offset != job.offset or not (size or text):
            continue
        trim(job, size)
        change.log(job, offset, size, text)
        job.offset += size
    if (reached := max(update.seen, job.offset)) > job.seen:
        job.seen, job.last_output_at = reached, change.now
    for name in ("phase", "progress", "note", "outcome", "exit_code", "error"):
        if (value := getattr(update, name)) is not None:
            setattr(job, name, value)
    job.note = job.note[:300]
    if update.state is not None:
        move(job, update.state)
        if update.state not in JOB_LIVE:
            _ended_job(change, job)
    job.save()
    if told != (job.state, job.phase, int(job.progress), job.note, job.unreachable_since is None):
        change.job_event(step, job)
    for name in TOLD:
        setattr(update.job, name, getattr(job, name))
