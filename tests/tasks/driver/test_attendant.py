"""One host's part of a slice, on a real SSH server."""

from __future__ import annotations

import threading
import time

import pytest
from django.db.models.functions import Now

from clusters.models import Cluster
from tasks import engine, hosts
from tasks.driver import host_script
from tasks.driver.attendant import Attendant, Clock
from tasks.engine import JobUpdate
from tasks.models import HostJob, JobState, Operation
from tasks.plan import Script
from tasks.redaction import Redactor
from tasks.remote import job as detached
from tests.tasks.conftest import plan, step

pytestmark = pytest.mark.integration


@pytest.fixture
def job(cluster: Cluster) -> HostJob:
    operation = engine.create(cluster, plan(step("a", "echo hello")), {})
    lease = engine.claim(engine.advance(operation.pk)[0], "me")
    assert lease is not None
    return engine.jobs_of(lease)[0]


def attend(job: HostJob, *, sure: bool = True) -> list[JobUpdate]:
    """What is learnt in one slice."""
    until = time.monotonic() + 20
    spec = step("a", "echo hello")
    assert isinstance(spec.do, Script)
    learnt: list[JobUpdate] = []
    now = Operation.objects.annotate(now=Now()).values_list("now", flat=True)[0]
    Attendant(
        job=job,
        spec=spec,
        script=host_script.compose(spec.do, str(job.pk)),
        env={},
        redact=Redactor([]),
        clock=Clock(now),
        left=lambda: until - time.monotonic(),
        sure=lambda: sure,
        stop=threading.Event(),
        emit=learnt.append,
    ).attend()
    return learnt


def test_it_starts_the_job_and_tells_its_end(job: HostJob) -> None:
    told = attend(job)
    assert told[0].boot_id and told[-1].state == JobState.SUCCEEDED
    assert "".join(text for update in told for _, _, text in update.chunks) == "hello\n"


def test_no_job_is_started_without_a_sure_lease(job: HostJob) -> None:
    assert job.node is not None
    assert not attend(job, sure=False)
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
