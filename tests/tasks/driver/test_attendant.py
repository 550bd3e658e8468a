"""One host's part of a slice, on a real SSH server."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from django.db.models.functions import Now

from clusters.models import Cluster
from tasks import engine, hosts
from tasks.driver import host_script
from tasks.driver.attendant import Attendant, Clock
from tasks.engine import JobUpdate, Lease
from tasks.models import JOB_LIVE, HostJob, JobState, LogChunk, Operation
from tasks.plan import Script
from tasks.redaction import Redactor
from tasks.remote import job as detached
from tests.tasks.conftest import plan, step

pytestmark = pytest.mark.integration


@pytest.fixture
def lease(cluster: Cluster) -> Lease:
    operation = engine.create(cluster, plan(step("a", "echo hello")), {})
    lease = engine.claim(engine.advance(operation.pk)[0], "me")
    assert lease is not None
    return lease


@pytest.fixture
def job(lease: Lease) -> HostJob:
    return engine.jobs_of(lease)[0]


def attend(
    job: HostJob,
    text: str = "echo hello",
    lease: Lease | None = None,
    *,
    sure: bool = True,
    seconds: float = 20,
    **limits: float,
) -> list[JobUpdate]:
    """What is learnt in one slice of so many seconds; it is stored under `lease` where there is one."""
    spec = step("a", text, **limits)
    assert isinstance(spec.do, Script)
    learnt: list[JobUpdate] = []
    news = threading.Event()

    def emit(update: JobUpdate) -> None:
        learnt.append(update)
        if lease is not None:
            engine.record(lease, [update])

    now = Operation.objects.annotate(now=Now()).values_list("now", flat=True)[0]
    one = Attendant(
        job=job,
        spec=spec,
        script=host_script.compose(spec.do, str(job.pk)),
        env={},
        redact=Redactor([]),
        clock=Clock(now),
        sure=lambda: sure,
        stop=threading.Event(),
        emit=emit,
        news=news.set,
    )
    until = time.monotonic() + seconds
    while one.must_wait or one.watching:
        if one.must_wait:
            one.attend()
        one.hear()
        if one.watching and not one.must_wait:
            if one.ended or not news.wait(max(0.0, until - time.monotonic())):
                break
            news.clear()
    one.leave()
    return learnt


def test_it_starts_the_job_and_tells_its_end(job: HostJob) -> None:
    told = attend(job)
    assert told[0].boot_id and told[-1].state == JobState.SUCCEEDED
    assert "".join(text for update in told for _, _, text in update.chunks) == "hello\n"


def test_no_job_is_started_without_a_sure_lease(job: HostJob) -> None:
    assert job.node is not None
    assert not attend(job, sure=False)
    assert job.not_before is not None, "nobody tries again and again without a pause"
    with hosts.connection(job.node) as remote:
        assert detached.collect(remote, str(job.pk)).reason == "no-directory"


def test_a_job_that_was_ended_before_its_start_is_lost_and_never_starts(job: HostJob) -> None:
    assert job.node is not None
    with hosts.connection(job.node) as remote:
        # As a start that was interrupted before its keeper ran, and then a kill that was, leave it.
        boot = detached.collect(remote, str(job.pk)).boot_id
        remote.run(f"mkdir -p {detached.ROOT}/{job.pk}; cd {detached.ROOT}/{job.pk}; touch run log whole", check=True)
        remote.run(f"ln -s '0 0 0 0 {boot} 0' {detached.ROOT}/{job.pk}/claim", check=True)
    told = attend(job)
    assert told[-1].state == JobState.LOST, told
    assert "before it had started" in (told[-1].error or {})["message"]
    assert not any(update.chunks for update in told)


def test_dots_without_a_line_end_are_no_silence_and_their_end_is(job: HostJob, lease: Lease) -> None:
    dots = "for n in 1 2 3 4; do sleep 1.2; printf .; done; sleep 600"
    while job.state in JOB_LIVE:
        # Many short slices: each begins to read at the line's start, and must know what was seen before.
        attend(job, dots, lease, seconds=1.5, quiet=3)
    assert (job.state, job.error["kind"]) == (JobState.FAILED, "quiet")
    assert job.seen - job.offset == len("....")


def test_a_log_that_is_cut_on_the_host_is_no_silence(
    job: HostJob, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "watch", partial(detached.watch, log_limit=4096))
    busy = "head -c 20000 /dev/zero | tr '\\0' x; for n in 1 2 3 4 5; do sleep 0.5; echo $n; done; echo the end"
    attend(job, busy, lease, quiet=1)
    assert job.state == JobState.SUCCEEDED, job.error
    text = "".join(LogChunk.objects.filter(job=job).order_by("offset").values_list("text", flat=True))
    assert text.startswith("xxx") and "log limit of 4096 bytes" in text and text.endswith("the end\n")
