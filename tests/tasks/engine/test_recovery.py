"""What faults, late messages and late drivers must not do: each once was a fault of the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from clusters.models import Cluster
from tasks import engine
from tasks.engine import JobUpdate, LeaseLost
from tasks.engine.change import changing
from tasks.engine.states import IllegalMove
from tasks.models import Event, HostJob, JobState, OperationState, Outcome, Step
from tasks.plan import Retry
from tests.tasks.engine.making import claim, create, fail_at_b, spec

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_who_gave_the_lease_back_changes_nothing_more(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    engine.give_back(lease)
    assert engine.renew([lease]) == set() and engine.held([lease]) == {}
    with pytest.raises(LeaseLost):
        engine.finish(lease, Outcome.CHANGED)
    assert engine.claim(lease.step.pk, "another") is not None


def test_a_step_that_is_to_be_ended_is_due_at_once_when_it_is_given_back(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    engine.request_cancel(operation.pk)
    engine.give_back(lease, after=600)
    assert claim(operation).cancelling


def test_no_job_outlives_its_try(cluster: Cluster) -> None:
    operation = create(cluster, spec("a", retry=Retry(attempts=2, delay=0)))
    engine.advance(operation.pk)
    lease = claim(operation)
    started, _ = engine.jobs_of(lease)
    engine.record(lease, [JobUpdate(started, boot_id="b")])
    engine.fail(lease, {"kind": "internal", "message": "no"})
    assert dict(HostJob.objects.values_list("host", "state")) == {"h1": JobState.LOST, "h2": JobState.CANCELLED}
    lease = claim(operation)
    engine.jobs_of(lease)
    engine.finish(lease, Outcome.WOULD_CHANGE)
    ended = HostJob.objects.filter(attempt=2).values_list("state", "outcome")
    assert set(ended) == {(JobState.SUCCEEDED, Outcome.WOULD_CHANGE)}
    assert operation.steps.get().error == {}


def test_the_events_tell_every_state(cluster: Cluster) -> None:
    operation = create(cluster, spec("a", retry=Retry(attempts=2, delay=0)))
    engine.advance(operation.pk)
    engine.fail(claim(operation), {"message": "no"})
    engine.give_back(claim(operation))
    engine.finish(claim(operation), Outcome.CHANGED)
    told = Event.objects.filter(kind="step").order_by("seq").values_list("data__state", flat=True)
    assert list(told) == ["ready", "running", "ready", "running", "succeeded"]


def test_a_message_that_waits_behind_others_is_not_sent_again(cluster: Cluster) -> None:
    operation = create(cluster)
    due = engine.advance(operation.pk)
    Step.objects.filter(pk__in=due).update(sent_at=Now() - timedelta(seconds=60))
    assert engine.reconcile(waiting=100) == ([], [])
    assert engine.reconcile(waiting=10) == ([], due)


def test_a_retry_keeps_the_order_around_a_step_that_is_not_repeated(cluster: Cluster) -> None:
    operation = create(cluster, spec("a"), spec("once", "a", probe=""), spec("b", "once"))
    for key in ("a", "once"):
        engine.advance(operation.pk)
        engine.finish(claim(operation, key), Outcome.CHANGED)
    engine.advance(operation.pk)
    engine.fail(claim(operation, "b"), {"message": "no"})
    engine.advance(operation.pk)
    engine.retry(operation.pk)
    assert engine.advance(operation.pk) == [operation.steps.get(key="a").pk]
    engine.finish(claim(operation, "a"), Outcome.ALREADY)
    assert engine.advance(operation.pk) == [operation.steps.get(key="b").pk]


def test_a_branch_does_not_wait_for_another_when_its_message_is_lost(cluster: Cluster) -> None:
    operation = create(cluster, spec("a"), spec("long"), spec("b", "a"))
    engine.advance(operation.pk)
    claim(operation, "long")
    assert engine.reconcile() == ([], [])
    engine.finish(claim(operation, "a"), Outcome.CHANGED)  # and the message to advance was lost
    assert engine.reconcile() == ([operation.pk], [])
    assert engine.advance(operation.pk) == [operation.steps.get(key="b").pk]
    assert engine.reconcile() == ([], [])


def test_a_cancel_before_the_start_leaves_the_clusters_state(cluster: Cluster) -> None:
    operation = create(cluster, during="installing", failure="failed")
    before = cluster.state
    engine.request_cancel(operation.pk)
    engine.advance(operation.pk)
    cluster.refresh_from_db()
    assert cluster.state == before


def test_what_can_never_be_ready_is_no_success(cluster: Cluster) -> None:
    operation = create(cluster, spec("a", "nowhere"))
    engine.advance(operation.pk)
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED
    assert "a" in operation.error["message"]


def test_a_transition_that_no_diagram_has_is_refused_and_stores_nothing(cluster: Cluster) -> None:
    operation = create(cluster)
    with pytest.raises(IllegalMove), changing(operation.pk) as change:
        assert change is not None
        change.operation_event()
        change.set(state=OperationState.SUCCEEDED)
    operation.refresh_from_db()
    assert (operation.state, operation.event_seq) == (OperationState.QUEUED, 1)


def test_a_cancelled_operation_does_not_blame_a_step_that_was_skipped(cluster: Cluster) -> None:
    operation = engine.skip(fail_at_b(cluster).pk, "b", "no need")
    engine.advance(operation.pk)
    engine.request_cancel(operation.pk)
    engine.advance(operation.pk)
    operation.refresh_from_db()
    assert (operation.state, operation.error) == (OperationState.CANCELLED, {})


def test_a_cancel_before_a_retry_starts_leaves_what_another_operation_made_of_the_cluster(cluster: Cluster) -> None:
    failed = create(cluster, spec("a"), failure="failed")
    engine.advance(failed.pk)
    engine.fail(claim(failed), {"message": "no"})
    engine.advance(failed.pk)
    Cluster.objects.update(state="ready")
    engine.retry(failed.pk)
    engine.request_cancel(failed.pk)
    engine.advance(failed.pk)
    cluster.refresh_from_db()
    assert cluster.state == "ready"
