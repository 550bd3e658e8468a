"""What must be true when the faults are over. Each check returns what is wrong, in words."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator

from lab.hosts import Lab
from tasks import engine
from tasks.driver.attendant import NOT_STORED
from tasks.models import (
    ACTIVE,
    JOB_LIVE,
    STEP_DONE,
    Event,
    HostJob,
    JobState,
    LogChunk,
    Operation,
    OperationState,
    Outcome,
    Step,
    StepState,
)
from tasks.remote.job import ROOT
from tests.chaos.load import EFFECTS, Load, lines_of

STATED = ("kind", "step", "host", "message", "fix")
ONCE = ("prepare", "join")  # the steps with a probe


def all_ends(load: Load, cancelled: set[uuid.UUID]) -> Iterator[str]:
    """Succeeded, cancelled by us, or failed for a stated reason."""
    for operation in load.operations():
        if operation.state == OperationState.FAILED:
            if lacking := [name for name in STATED if not operation.error.get(name)]:
                yield f"{_name(load, operation)} failed without a {', '.join(lacking)}: {operation.error}"
        elif operation.state == OperationState.CANCELLED:
            if operation.pk not in cancelled:
                yield f"{_name(load, operation)} was cancelled by nobody"
        elif operation.state == OperationState.SUCCEEDED:
            if open_ones := list(operation.steps.exclude(state__in=STEP_DONE).values_list("key", "state")):
                yield f"{_name(load, operation)} succeeded with {open_ones}"
        else:
            yield f"{_name(load, operation)} is still {operation.state}"


def nothing_stuck() -> Iterator[str]:
    """No row is in a state that nothing will move."""
    if any(told := engine.reconcile()):
        yield f"the reconciler still finds {told}"
    for step in Step.objects.exclude(operation__state__in=ACTIVE).filter(
        state__in=[StepState.READY, StepState.RUNNING]
    ):
        yield f"step {step} of an ended operation is {step.state}"
    for job in HostJob.objects.filter(state__in=JOB_LIVE).exclude(step__operation__state__in=ACTIVE):
        yield f"job {job} of an ended operation is {job.state}"


def logs(load: Load) -> Iterator[str]:
    """No byte lost or doubled: a job's chunks lie end to end, and are the stream.

    It is whole where the job succeeded, unless the log says that the host's disk had no room for the rest.
    """
    for job in HostJob.objects.select_related("step"):
        at, text = 0, ""
        for chunk in LogChunk.objects.filter(job=job).order_by("offset"):
            if chunk.offset != at:
                yield f"{_job(load, job)}: a chunk at byte {chunk.offset}, expected at {at}"
            at += chunk.size
            text += chunk.text
        if at != job.offset:
            yield f"{_job(load, job)}: {at} bytes stored, {job.offset} noted"
        full = text.endswith(NOT_STORED)
        # A full disk may cut a line, and one that is not stored too.
        stored = text.removesuffix(NOT_STORED).rpartition("\n")[0].rstrip("\n") if full else text
        whole = lines_of(load.tag_of(job), job.host, load.rounds)
        wanted = "" if job.outcome == Outcome.ALREADY else whole
        if not whole.startswith(stored):
            yield f"{_job(load, job)}: not a beginning of its stream: {text!r}"
        elif job.state == JobState.SUCCEEDED and text != wanted and not full:
            yield f"{_job(load, job)}: {len(text)} of {len(wanted)} characters"


def numbers(load: Load) -> Iterator[str]:
    """Events and chunks of an operation are numbered from 1 without a gap."""
    for operation in load.operations():
        events = Event.objects.filter(operation=operation).values_list("seq", flat=True)
        chunks = LogChunk.objects.filter(operation=operation).values_list("seq", flat=True)
        if sorted([*events, *chunks]) != list(range(1, operation.event_seq + 1)):
            yield f"{_name(load, operation)}: its numbers have gaps or are given twice"


def effects(load: Load) -> Iterator[str]:
    """No job ran twice, no step with a probe was done twice, all steps of a succeeded operation were done."""
    done: dict[tuple[str, str, str], list[str]] = {}
    for host in load.lab.hosts:
        listing = load.lab.exec(host.name, ["sh", "-c", f"cd {EFFECTS} 2>/dev/null && grep -H . *"]).stdout.decode()
        for line in listing.splitlines():
            file, _, job = line.partition(":")
            tag, _, what = file.rpartition(".")
            done.setdefault((host.name, tag, what), []).append(job)
    known = {str(job.pk) for job in HostJob.objects.all()}
    for (host, tag, what), ids in done.items():
        for job, times in Counter(ids).items():
            if times > 1 or job not in known:
                yield f"{tag} on {host}: {times} {what} of job {job}"
        if what == "ends" and len(ids) > 1 and tag.endswith(ONCE):
            yield f"{tag} on {host} was done {len(ids)} times"
    for job in HostJob.objects.select_related("step__operation").filter(state=JobState.SUCCEEDED):
        if (job.host, load.tag_of(job), "ends") not in done:
            yield f"{_job(load, job)}: succeeded, but was not done"


def hosts_are_clean(lab: Lab) -> Iterator[str]:
    """No process of a job, and nothing below the job root."""
    marked = "grep -lsz '^SANQIAN_JOB=' /proc/[0-9]*/environ"
    for host in lab.hosts:
        for what, command in (("processes", marked), ("directories", f"ls -A {ROOT} 2>/dev/null")):
            if left := lab.exec(host.name, ["sh", "-c", command]).stdout.decode().split():
                yield f"{host.name}: {what} left: {' '.join(left)}"


def wrong(*found: Iterable[str]) -> list[str]:
    return [text for one in found for text in one]


def _name(load: Load, operation: Operation) -> str:
    return load.tags[operation.pk]


def _job(load: Load, job: HostJob) -> str:
    return f"{load.tag_of(job)} on {job.host}, attempt {job.attempt}, {job.state} ({job.pk})"
