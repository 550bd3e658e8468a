"""The log store is bounded per job and pruned with age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from clusters.models import Cluster, HealthEvent
from tasks import engine
from tasks.engine import JobUpdate
from tasks.models import AuditEvent, Event, HostJob, LogChunk, Operation, Outcome
from tests.tasks.engine.making import claim, create, spec

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def fill(operation: Operation, lines: int) -> HostJob:
    engine.advance(operation.pk)
    lease = claim(operation)
    job = engine.jobs_of(lease)[0]
    for n in range(lines):
        engine.record(lease, [JobUpdate(job, boot_id="b", chunks=[(job.offset, 10, f"line {n:04}\n")])])
    engine.finish(lease, Outcome.CHANGED)
    job.refresh_from_db()
    return job


def test_of_a_log_beyond_its_limit_both_ends_are_kept(cluster: Cluster, settings: Any) -> None:
    settings.LOG_LIMIT_BYTES = 800
    job = fill(create(cluster, spec("a")), 300)
    chunks = list(LogChunk.objects.filter(job=job).order_by("offset").values_list("offset", "size", "text"))
    assert job.offset == 3000
    at = 0
    for offset, size, _ in chunks:
        assert offset == at
        at += size
    assert at == 3000
    text = "".join(text for _, _, text in chunks)
    assert text.startswith("line 0000\n") and text.endswith("line 0299\n")
    assert text.count("were left out") == 1
    assert len(text) < 1100


def test_a_log_within_its_limit_is_whole(cluster: Cluster, settings: Any) -> None:
    settings.LOG_LIMIT_BYTES = 800
    job = fill(create(cluster, spec("a")), 80)
    assert LogChunk.objects.filter(job=job).count() == 80


def test_old_logs_go_and_what_tells_the_story_stays(cluster: Cluster) -> None:
    old = create(cluster, spec("a"))
    fill(old, 3)
    engine.advance(old.pk)
    Operation.objects.filter(pk=old.pk).update(finished_at=Now() - timedelta(days=91))
    young = create(cluster, spec("a"))
    fill(young, 3)
    HealthEvent.objects.create(cluster=cluster, name="x", new_state="ready", at=Now() - timedelta(days=400))
    AuditEvent.objects.create(actor="someone", action="x", at=Now() - timedelta(days=4000))
    call_command("prune_logs")
    assert set(LogChunk.objects.values_list("operation", flat=True)) == {young.pk}
    assert set(Event.objects.values_list("operation", flat=True)) == {young.pk}
    assert not HealthEvent.objects.exists()
    assert AuditEvent.objects.filter(actor="someone").count() == 1
    assert AuditEvent.objects.filter(operation=str(old.pk), action="operation.succeeded").count() == 1
    assert Operation.objects.count() == 2 and old.steps.count() == 1
