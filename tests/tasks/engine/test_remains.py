"""What ended jobs may have left on their hosts is asked for until it is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from clusters.models import Cluster, Node, SSHCredential
from tasks import engine
from tasks.engine import JobUpdate
from tasks.models import HostJob, JobState, Outcome
from tests.tasks.engine.making import claim, create

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def later(**age: float) -> None:
    """As if that had passed since the jobs ended."""
    HostJob.objects.update(not_before=Now() - timedelta(seconds=1), finished_at=Now() - timedelta(**age))


@pytest.fixture
def ended(cluster: Cluster) -> list[HostJob]:
    """Two jobs of a step: one reported its end, the other was ended with its step."""
    for position, name in enumerate(("h1", "h2"), start=1):
        credential = SSHCredential.objects.create(cluster=cluster)
        Node.objects.create(
            cluster=cluster, position=position, name=name, address=f"10.0.0.{position}", credential=credential
        )
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    jobs = engine.jobs_of(lease)
    engine.record(lease, [JobUpdate(jobs[0], boot_id="b")])
    engine.record(lease, [JobUpdate(jobs[0], state=JobState.SUCCEEDED, exit_code=0)])
    assert not engine.remains()
    engine.finish(lease, Outcome.CHANGED)
    return jobs


def test_every_ended_job_is_asked_for_but_not_at_once(ended: list[HostJob]) -> None:
    assert not engine.remains()
    later()
    assert set(engine.remains()) == {job.pk for job in ended}
    assert not engine.remains()


def test_what_is_removed_is_not_asked_for(ended: list[HostJob]) -> None:
    engine.removed([ended[0].pk])
    HostJob.objects.filter(not_before__isnull=False).update(not_before=Now())
    assert engine.remains() == [ended[1].pk]


def test_a_host_that_stays_away_is_asked_ever_more_rarely_and_at_last_no_more(ended: list[HostJob]) -> None:
    later(hours=3)
    assert len(engine.remains()) == 2
    assert not HostJob.objects.filter(not_before__lt=Now() + timedelta(hours=2.9)).exists()
    later(days=31)
    assert not engine.remains()
    assert not HostJob.objects.filter(not_before__isnull=False).exists()


def test_a_removed_host_is_not_asked(ended: list[HostJob]) -> None:
    HostJob.objects.update(node=None)
    later()
    assert not engine.remains()
