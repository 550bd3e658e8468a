"""Hosts are cleared of ended jobs, on a real SSH server."""

from __future__ import annotations

import pytest

from clusters.models import Cluster
from tasks import driver, engine, hosts
from tasks.engine import JobUpdate
from tasks.models import HostJob
from tasks.remote import job as detached
from tests.tasks.conftest import plan, step

pytestmark = pytest.mark.integration


@pytest.fixture
def unreached(cluster: Cluster) -> HostJob:
    """A job whose operation was cancelled, but which still runs on its host."""
    operation = engine.create(cluster, plan(step("a", "true")), {})
    lease = engine.claim(engine.advance(operation.pk)[0], "me")
    assert lease is not None
    job = engine.jobs_of(lease)[0]
    assert job.node is not None
    with hosts.connection(job.node) as remote:
        started = detached.start(remote, str(job.pk), "sleep 600")
        # As a start and a removal that were interrupted leave it.
        remote.run(f"mkdir {detached.ROOT}/.new.{job.pk}.a {detached.ROOT}/.old.{job.pk}.b", check=True)
    engine.record(lease, [JobUpdate(job, boot_id=started.boot_id)])
    engine.request_cancel(operation.pk)
    engine.cancelled(lease, {})
    return job


def left(job: HostJob) -> str:
    assert job.node is not None
    with hosts.connection(job.node) as remote:
        names = remote.run(f"ls -A {detached.ROOT} | grep {job.pk}; true", check=True).text
        marked = remote.run(f"grep -lsz '^SANQIAN_JOB={job.pk}' /proc/[0-9]*/environ; true", check=True).text
    return names + marked


def test_processes_and_directories_of_ended_jobs_go(unreached: HostJob) -> None:
    assert left(unreached)
    driver.clear([unreached.pk])
    assert not left(unreached)
    unreached.refresh_from_db()
    assert unreached.not_before is None


def test_a_host_that_does_not_answer_is_left_for_later(unreached: HostJob) -> None:
    assert unreached.node is not None
    port, unreached.node.port = unreached.node.port, 1
    unreached.node.save()
    driver.clear([unreached.pk])
    unreached.refresh_from_db()
    assert unreached.not_before is not None
    unreached.node.port = port
    unreached.node.save()
    driver.clear([unreached.pk])
    assert not left(unreached)
