"""The life of a step: pending -> ready -> running -> succeeded | failed | cancelled, under a lease while driven.

A lease is the right to drive a step until a time of the database's clock. Each claim raises the step's epoch; a
holder whose epoch is no longer the step's changes nothing and is told so by `LeaseLost`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from clusters.models import Node
from tasks.database import patient
from tasks.engine import rows
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
TOLD = (
    *("state", "outcome", "offset", "seen", "started_at", "last_output_at"),
    *("unreachable_since", "boot_id", "exit_code", "error"),
)
# What a transition may change of a job, and what the end of a try changes of a step.
LEARNT = [*TOLD, "phase", "progress", "note", "finished_at", "not_before"]
CLAIMED = ["state", "lease_owner", "lease_epoch", "lease_until", "not_before", "started_at"]
ENDED = ["state", "outcome", "progress", "note", "error", "result", "memory", "lease_until", "finished_at"]
SHARES = ("host", "state", "progress")
DRIVEN = (OperationState.RUNNING, OperationState.CANCELLING)


class LeaseLost(Exception):
    """Another driver holds the step now, or it has ended: this one must change nothing more."""


@dataclass
class Lease:
    """The right to drive `step`. `cancelling` says that it is to be ended, not carried on.

    While it is held nobody else changes what `step` and its `jobs` say of the work, so they are not read again for
    each transition; `forget` is for when it is not sure what was stored. `made` are the jobs of a step's first try.
    """

    step: Step
    operation: Operation
    epoch: int
    now: datetime
    cancelling: bool
    spec: StepSpec
    made: list[HostJob] | None = None
    jobs: dict[UUID, HostJob] | None = None

    known: bool = True

    def forget(self) -> None:
        self.known, self.made, self.jobs = False, None, None


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
        # Whether it is free is asked by the database's clock.
        free = Step.objects.filter(
            Q(lease_until=None) | Q(lease_until__lt=Now()),
            Q(not_before=None) | Q(not_before__lte=Now()),
            pk=step_id,
            state__in=[StepState.READY, StepState.RUNNING],
        )
        # Locked, because a late holder renews without the operation's lock.
        step = next(iter(free.select_for_update(no_key=True).order_by()), None)
        if step is None:
            return None
        before = step.state
        move(step, StepState.RUNNING)
        step.lease_owner, step.lease_epoch, step.not_before = owner[:120], step.lease_epoch + 1, None
        step.lease_until = change.now + timedelta(seconds=settings.LEASE_SECONDS)
        step.started_at = step.started_at or change.now
        rows.update(step, CLAIMED)
        if before != StepState.RUNNING:
            change.step_event(step)
        cancelling = change.operation.state == OperationState.CANCELLING
        spec = StepSpec.from_json(step.spec)
        lease = Lease(step, change.operation, step.lease_epoch, change.now, cancelling, spec)
        if before == StepState.READY and step.tries == 0:
            lease.made = _make_jobs(change, step, spec.hosts or (SERVICE,))
            lease.jobs = {job.pk: copy(job) for job in lease.made}
        return lease


@patient
def jobs_of(lease: Lease) -> list[HostJob]:
    """The jobs of this attempt, made where they are missing. Hosts that an earlier try has served get none.

    Those of a step's first try were made with the claim; for others it raises `LeaseLost`.
    """
    if lease.made is not None:
        return lease.made
    with _held(lease) as (change, step):
        tries = HostJob.objects.filter(step=step, attempt__gte=step.attempt - step.tries)
        known = list(tries.select_related("node__credential", "node__jump__credential"))
        jobs = [job for job in known if job.attempt == step.attempt]
        settled = {job.host for job in known if job.attempt == step.attempt or job.state == JobState.SUCCEEDED}
        missing = [host for host in (lease.spec.hosts or (SERVICE,)) if host not in settled]
        jobs += _make_jobs(change, step, missing)
    lease.jobs = {job.pk: copy(job) for job in jobs}
    return jobs


def _make_jobs(change: Change, step: Step, hosts: Sequence[str]) -> list[HostJob]:
    if not hosts:
        return []
    nodes = Node.objects.filter(cluster=change.operation.cluster_id, name__in=hosts)
    by_name = {node.name: node for node in nodes.select_related("credential", "jump__credential")}
    jobs = [HostJob(step=step, host=host, node=by_name.get(host), attempt=step.attempt) for host in hosts]
    rows.insert(jobs)
    return jobs


@patient
def record(lease: Lease, updates: Sequence[JobUpdate]) -> None:
    """Store what was learnt of jobs, their output included: each byte once. Raises `LeaseLost`.

    A stretch of output that is stored already is dropped, so that a second reader does no harm.
    """
    if not updates:
        return
    with _held(lease) as (change, step):
        told = {update.job.pk for update in updates}
        if lease.jobs is None:
            lease.jobs = {job.pk: job for job in HostJob.objects.filter(step=step, attempt=step.attempt)}
        jobs = {pk: copy(job) for pk, job in lease.jobs.items() if pk in told and job.state in JOB_LIVE}
        before = {pk: (job.state, job.progress) for pk, job in jobs.items()}
        for update in updates:
            if update.job.pk in jobs:
                _record(change, step, jobs[update.job.pk], update)
        for job in jobs.values():
            rows.update(job, LEARNT)
        moved = any((job.state, job.progress) != before[job.pk] for job in jobs.values())
        progress = max(step.progress, _progress(step, {**lease.jobs, **jobs})) if moved else step.progress
        note = next((update.note for update in reversed(updates) if update.note), step.note)[:300]
        if progress != step.progress or note != step.note:
            step.progress, step.note = progress, note
            rows.update(step, ["progress", "note"])
            change.step_event(step)
            shown = int(change.operation.progress)
            weigh(change)
            if int(change.operation.progress) != shown:
                change.operation_event()
    lease.jobs.update(jobs)
    for update in updates:
        for name in TOLD if update.job.pk in jobs else ():
            setattr(update.job, name, getattr(jobs[update.job.pk], name))


def _progress(step: Step, known: Mapping[UUID, HostJob]) -> float:
    """Per cent, by its hosts; 100 is for a step that has ended. `known` are the jobs of this try."""
    best = {}
    if step.tries:
        earlier = HostJob.objects.filter(step=step, attempt__gte=step.attempt - step.tries, attempt__lt=step.attempt)
        best = {host: _share(state, done) for host, state, done in earlier.order_by("attempt").values_list(*SHARES)}
    best |= {job.host: _share(job.state, job.progress) for job in known.values()}
    return min(99.0, sum(best.values()) / max(len(best), 1))


def _share(state: str, progress: float) -> float:
    return 100.0 if state == JobState.SUCCEEDED else progress


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
        rows.update(step, ["lease_until", "not_before", "sent_at", "memory", "note"])


@patient
def finish(lease: Lease, outcome: Outcome, result: dict[str, Any] | None = None, note: str = "") -> None:
    """The step's aim is true (or, in a dry run, known). Raises `LeaseLost`."""
    with _held(lease) as (change, step):
        move(step, StepState.SUCCEEDED)
        step.outcome, step.progress, step.error = outcome, 100.0, {}
        step.result = result if result is not None else step.result
        if lease.jobs is None or any(job.state in JOB_LIVE for job in lease.jobs.values()):
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
        wait = delay(policy, step.tries) * settings.RETRY_FACTOR
        move(step, StepState.READY)
        step.tries, step.attempt = step.tries + 1, step.attempt + 1
        step.note = f"Try {step.tries + 1} of {policy.attempts} in {wait:.0f} s: {error.get('message', '')}"[:300]
        step.not_before, step.lease_until, step.sent_at = change.now + timedelta(seconds=wait), None, None
        step.memory = {}
        rows.update(step, [*ENDED, "attempt", "tries", "not_before", "sent_at"])
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


@contextmanager
def _held(lease: Lease) -> Iterator[tuple[Change, Step]]:
    """A transition of a step whose lease is still this one."""
    try:
        with changing(lease.operation.pk, DRIVEN) as change:
            if change is None or not rows.is_held(lease.step.pk, lease.epoch):
                raise LeaseLost
            step = copy(lease.step) if lease.known else Step.objects.defer("spec").get(pk=lease.step.pk)
            yield change, step
    except BaseException:
        # A commit whose answer was lost may have been made.
        lease.forget()
        raise
    lease.step, lease.known = step, True


def _end_jobs(change: Change, step: Step, pending: JobState, running: JobState, **fields: Any) -> None:
    """No job outlives the try that it belongs to: nothing would ever end it."""
    for job in step.jobs.filter(state__in=JOB_LIVE):
        move(job, pending if job.state == JobState.PENDING else running)
        _ended_job(change, job)
        for name, value in fields.items():
            setattr(job, name, value)
        rows.update(job, ["state", "finished_at", "not_before", *fields])
        change.job_event(step, job)


def _ended_job(change: Change, job: HostJob) -> None:
    job.finished_at = change.now
    # Also one that is not known to have started: its driver may have died before it could say so.
    job.not_before = change.now + timedelta(seconds=KEEP_SECONDS) if job.node_id else None


def _ended(change: Change, step: Step, note: str) -> None:
    step.note, step.finished_at, step.lease_until, step.memory = note[:300], change.now, None, {}
    rows.update(step, ENDED)
    change.step_event(step)
    weigh(change)
    change.operation_event()
    # The operation moves on by a message; were it lost, the reconciler sends another at once.
    change.set(sent_at=None)


def _record(change: Change, step: Step, job: HostJob, update: JobUpdate) -> None:
    """Change `job`, unsaved, by what was learnt."""
    if job.state not in JOB_LIVE:
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
    if told != (job.state, job.phase, int(job.progress), job.note, job.unreachable_since is None):
        change.job_event(step, job)
