"""Every transition of operations and steps, alone, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from clusters.models import Cluster
from tasks import engine
from tasks.engine import JobUpdate, LeaseLost
from tasks.engine.operations import CANCEL_SECONDS
from tasks.models import (
    AuditEvent,
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
from tasks.plan import Action, Plan, Retry, StepSpec
from tests.tasks.engine.making import claim, create, fail_at_b, spec, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_second_mutating_operation_is_refused_with_the_first(cluster: Cluster) -> None:
    first = create(cluster)
    with pytest.raises(engine.Busy) as refused:
        create(cluster)
    assert refused.value.operation == first
    assert Operation.objects.count() == 1
    assert engine.create(cluster, Plan("look", (spec("a"),), mutating=False), {}).mutating is False
    assert engine.create(cluster, Plan("test", (spec("a"),)), {}, dry_run=True).mutating is False


def test_advance_starts_what_waits_for_nothing_and_sends_it_once(cluster: Cluster) -> None:
    operation = create(cluster, during="installing")
    assert engine.advance(operation.pk) == [operation.steps.get(key="a").pk]
    assert engine.advance(operation.pk) == []
    assert states(operation) == {"a": StepState.READY, "b": StepState.PENDING}
    cluster.refresh_from_db()
    assert cluster.state == "installing"


def test_a_whole_run_ends_in_success_and_moves_the_cluster(cluster: Cluster) -> None:
    operation = create(cluster, during="installing", success="ready", failure="failed")
    for key in ("a", "b"):
        assert engine.advance(operation.pk)
        engine.finish(claim(operation, key), Outcome.CHANGED, {"k": key})
    assert engine.advance(operation.pk) == []
    operation.refresh_from_db()
    cluster.refresh_from_db()
    assert (operation.state, operation.progress, cluster.state) == (OperationState.SUCCEEDED, 100, "ready")
    assert engine.advance(operation.pk) == []


def test_after_a_failure_nothing_new_starts_and_the_rest_may_end(cluster: Cluster) -> None:
    operation = create(cluster, spec("a"), spec("b"), spec("c", "b"), failure="failed", during="installing")
    assert len(engine.advance(operation.pk)) == 2
    other = claim(operation, "b")
    assert engine.fail(claim(operation), {"message": "broken", "host": "h1"}) is False
    assert engine.advance(operation.pk) == []
    operation.refresh_from_db()
    assert operation.state == OperationState.RUNNING
    engine.finish(other, Outcome.CHANGED)
    engine.advance(operation.pk)
    operation.refresh_from_db()
    cluster.refresh_from_db()
    assert operation.state == OperationState.FAILED
    assert operation.error == {"step": "a", "message": "broken", "host": "h1"}
    assert states(operation)["c"] == StepState.PENDING
    assert (cluster.state, cluster.state_reason) == ("failed", "broken")


def test_one_lease_at_a_time_and_the_late_holder_changes_nothing(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    first = claim(operation, owner="first")
    assert engine.claim(first.step.pk, "second") is None
    Step.objects.filter(pk=first.step.pk).update(lease_until=Now() - timedelta(seconds=1))
    second = claim(operation, owner="second")
    assert second.epoch == first.epoch + 1
    job = engine.jobs_of(second)[0]
    assert job in engine.jobs_of(first), "made with the first claim"
    late = [
        lambda: engine.record(first, [JobUpdate(job, chunks=[(0, 2, "x\n")])]),
        lambda: engine.give_back(first),
        lambda: engine.finish(first, Outcome.CHANGED),
        lambda: engine.fail(first, {}),
        lambda: engine.cancelled(first, {}),
    ]
    before = (Event.objects.count(), LogChunk.objects.count())
    for change in late:
        with pytest.raises(LeaseLost):
            change()
    assert (Event.objects.count(), LogChunk.objects.count()) == before
    assert engine.held([first]) == {} and engine.held([second]) == {second.step.pk: False}
    assert engine.renew([first]) == set() and engine.renew([second]) == {second.step.pk}


def test_a_step_that_is_not_due_or_has_ended_is_not_claimed(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    assert engine.claim(operation.steps.get(key="b").pk, "me") is None
    engine.give_back(claim(operation), after=60)
    assert engine.claim(operation.steps.get(key="a").pk, "me") is None
    Step.objects.update(not_before=None)
    engine.finish(claim(operation), Outcome.ALREADY)
    assert engine.claim(operation.steps.get(key="a").pk, "me") is None
    assert engine.claim(0, "me") is None


def test_output_is_stored_once_whoever_reads_it(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    job = engine.jobs_of(lease)[0]
    engine.record(lease, [JobUpdate(job, boot_id="b", chunks=[(0, 4, "one\n")])])
    engine.record(lease, [JobUpdate(job, chunks=[(0, 4, "one\n"), (4, 4, "two\n"), (12, 1, "gap")])])
    job.refresh_from_db()
    assert (job.offset, job.state) == (8, JobState.RUNNING)
    assert list(LogChunk.objects.values_list("offset", "text")) == [(0, "one\n"), (4, "two\n")]


def test_numbers_of_events_and_log_are_one_sequence_without_gaps(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    job = engine.jobs_of(lease)[0]
    engine.record(lease, [JobUpdate(job, boot_id="b", progress=50, chunks=[(0, 1, "x")])])
    engine.finish(lease, Outcome.CHANGED)
    numbers = [*Event.objects.values_list("seq", flat=True), *LogChunk.objects.values_list("seq", flat=True)]
    operation.refresh_from_db()
    assert sorted(numbers) == list(range(1, operation.event_seq + 1))


def test_progress_is_weighed_and_never_falls(cluster: Cluster) -> None:
    operation = create(cluster, spec("a", expected=30), spec("b", "a", expected=10))
    engine.advance(operation.pk)
    lease = claim(operation)
    job = engine.jobs_of(lease)[0]
    for told, step_shows, operation_shows in ((50, 25, 18.75), (10, 25, 18.75), (100, 50, 37.5)):
        engine.record(lease, [JobUpdate(job, boot_id="b", progress=told)])
        operation.refresh_from_db()
        assert (operation.steps.get(key="a").progress, operation.progress) == (step_shows, operation_shows)
    engine.finish(lease, Outcome.CHANGED)
    operation.refresh_from_db()
    assert operation.progress == 75


def test_a_failed_try_waits_as_its_policy_says(cluster: Cluster, settings: Any) -> None:
    settings.RETRY_FACTOR = 0.5
    operation = create(cluster, spec("a", retry=Retry(attempts=2, delay=80, cap=120)))
    engine.advance(operation.pk)
    lease = claim(operation)
    done, open_ = engine.jobs_of(lease)
    engine.record(lease, [JobUpdate(done, boot_id="b", state=JobState.SUCCEEDED)])
    engine.record(lease, [JobUpdate(open_, boot_id="b", state=JobState.FAILED)])
    assert engine.fail(lease, {"message": "no"}) is True
    step = operation.steps.get()
    assert (step.state, step.tries, step.attempt) == (StepState.READY, 1, 2)
    assert step.not_before is not None
    assert 29 <= (step.not_before - lease.now).total_seconds() <= 51
    assert engine.reconcile() == ([], [])
    Step.objects.update(not_before=Now())
    assert engine.reconcile() == ([], [step.pk])
    lease = claim(operation)
    assert [(job.host, job.attempt) for job in engine.jobs_of(lease)] == [("h2", 2)]
    assert engine.fail(lease, {"message": "no"}) is False
    assert operation.steps.get().state == StepState.FAILED


def test_a_failure_that_cannot_be_mended_is_not_tried_again(cluster: Cluster) -> None:
    operation = create(cluster, spec("a", retry=Retry(attempts=5)))
    engine.advance(operation.pk)
    assert engine.fail(claim(operation), {"kind": "auth"}, again=False) is False


def test_cancel_before_the_start_ends_at_once(cluster: Cluster) -> None:
    operation = create(cluster, failure="failed")
    assert engine.request_cancel(operation.pk) is True
    assert engine.request_cancel(operation.pk) is False
    assert engine.advance(operation.pk) == []
    operation.refresh_from_db()
    assert operation.state == OperationState.CANCELLED
    assert set(states(operation).values()) == {StepState.CANCELLED}


def test_cancel_waits_for_what_runs(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    jobs = engine.jobs_of(lease)
    engine.request_cancel(operation.pk)
    engine.advance(operation.pk)
    operation.refresh_from_db()
    assert operation.state == OperationState.CANCELLING
    assert engine.held([lease]) == {lease.step.pk: True}
    assert engine.cancelling_steps(operation.pk) == [lease.step.pk]
    engine.cancelled(lease, {"message": "h2 was not reached", "host": "h2"})
    engine.advance(operation.pk)
    operation.refresh_from_db()
    assert (operation.state, operation.error["host"]) == (OperationState.CANCELLED, "h2")
    assert set(HostJob.objects.filter(pk__in=[job.pk for job in jobs]).values_list("state", flat=True)) == {"cancelled"}
    assert engine.request_cancel(operation.pk) is False


def test_a_cancel_does_not_wait_long_for_a_driver_that_has_died(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    engine.request_cancel(operation.pk)
    lease.step.refresh_from_db()
    assert lease.step.lease_until is not None
    left = (lease.step.lease_until - lease.now).total_seconds()
    assert left <= CANCEL_SECONDS + 1
    assert engine.claim(lease.step.pk, "another") is None
    Step.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert engine.reconcile() == ([operation.pk], [lease.step.pk])
    assert claim(operation, owner="another").cancelling
    with pytest.raises(LeaseLost):
        engine.cancelled(lease, {})


def test_a_driver_that_lives_takes_its_lease_up_again_when_it_hears_of_the_cancel(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    engine.request_cancel(operation.pk)
    assert engine.held([lease]) == {lease.step.pk: True}
    assert engine.renew([lease]) == {lease.step.pk}
    lease.step.refresh_from_db()
    assert lease.step.lease_until is not None
    assert (lease.step.lease_until - lease.now).total_seconds() > CANCEL_SECONDS + 1
    engine.cancelled(lease, {})


def test_a_step_that_nobody_drives_stays_free_for_its_cancel(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    engine.give_back(claim(operation), after=600)
    engine.request_cancel(operation.pk)
    assert claim(operation).cancelling


def test_the_audit_says_what_became_of_it(cluster: Cluster) -> None:
    told = {"kind": "exit-code", "host": "h1", "message": "no room", "fix": "Make room.", "tail": ["a line"]}
    operation = create(cluster, spec("a"))
    engine.advance(operation.pk)
    engine.fail(claim(operation), told)
    engine.advance(operation.pk)
    engine.retry(operation.pk)
    engine.request_cancel(operation.pk)
    engine.advance(operation.pk)
    engine.retry(operation.pk)
    engine.advance(operation.pk)
    engine.finish(claim(operation), Outcome.CHANGED)
    engine.advance(operation.pk)
    rows = AuditEvent.objects.filter(operation=str(operation.pk), cluster=str(cluster.pk)).order_by("id")
    error = {"step": "a", "host": "h1", "kind": "exit-code", "message": "no room"}
    assert list(rows.values_list("actor", "action", "detail")) == [
        ("service", "operation.failed", {"kind": "test", "attempt": 1, "error": error}),
        ("service", "operation.cancelled", {"kind": "test", "attempt": 2}),
        ("service", "operation.succeeded", {"kind": "test", "attempt": 3}),
    ]


def test_a_finished_operation_takes_no_cancel_and_no_retry(cluster: Cluster) -> None:
    operation = create(cluster, spec("a"))
    engine.advance(operation.pk)
    engine.finish(claim(operation), Outcome.CHANGED)
    engine.advance(operation.pk)
    assert engine.request_cancel(operation.pk) is False
    with pytest.raises(engine.NotRetryable):
        engine.retry(operation.pk)


def test_retry_asks_the_probes_again_and_keeps_what_has_none(cluster: Cluster) -> None:
    operation = engine.retry(fail_at_b(cluster).pk)
    assert (operation.state, operation.attempt, operation.progress) == (OperationState.QUEUED, 2, 0)
    assert states(operation) == {"a": "pending", "n": "succeeded", "b": "pending", "c": "pending"}
    assert dict(operation.steps.values_list("key", "attempt")) == {"a": 2, "n": 1, "b": 2, "c": 2}
    assert engine.advance(operation.pk) == [operation.steps.get(key="a").pk]


def test_retry_from_a_step_keeps_what_lies_before_it(cluster: Cluster) -> None:
    operation = fail_at_b(cluster)
    with pytest.raises(KeyError):
        engine.retry(operation.pk, "nowhere")
    operation = engine.retry(operation.pk, "b")
    assert states(operation) == {"a": "succeeded", "n": "succeeded", "b": "pending", "c": "pending"}


def test_a_failed_step_is_skipped_and_what_is_behind_it_runs(cluster: Cluster) -> None:
    operation = fail_at_b(cluster)
    with pytest.raises(engine.NotRetryable, match="only a failed one"):
        engine.skip(operation.pk, "a", "no need")
    with pytest.raises(KeyError):
        engine.skip(operation.pk, "nowhere", "no need")
    operation = engine.skip(operation.pk, "b", "no need")
    assert (operation.state, operation.attempt) == (OperationState.QUEUED, 2)
    assert states(operation) == {"a": "pending", "n": "succeeded", "b": "skipped", "c": "pending"}
    for key in ("a", "c"):
        engine.advance(operation.pk)
        engine.finish(claim(operation, key), Outcome.ALREADY)
    engine.advance(operation.pk)
    operation.refresh_from_db()
    assert operation.state == OperationState.SUCCEEDED


def test_retry_is_refused_while_another_operation_runs(cluster: Cluster) -> None:
    failed = fail_at_b(cluster)
    other = create(cluster)
    with pytest.raises(engine.Busy) as refused:
        engine.retry(failed.pk)
    assert refused.value.operation == other


def test_what_replaces_etcd_and_a_backup_exclude_one_another(cluster: Cluster) -> None:
    backup = create(cluster, mutating=False, holds_etcd=True)
    assert (backup.mutating, backup.holds_etcd) == (False, True)
    for mutating in (True, False):  # a restore; another backup
        with pytest.raises(engine.Busy, match=f"The test of this cluster is queued .operation {backup.pk}") as refused:
            create(cluster, mutating=mutating, holds_etcd=True)
        assert refused.value.operation == backup
    # What leaves etcd alone, or only asks, may run beside it.
    assert create(cluster).mutating
    assert not engine.create(cluster, Plan("test", (spec("a"),), holds_etcd=True), {}, dry_run=True).holds_etcd
    Operation.objects.update(state=OperationState.FAILED)
    restore = create(cluster, holds_etcd=True)
    for again in (lambda: create(cluster, mutating=False, holds_etcd=True), lambda: engine.retry(backup.pk)):
        with pytest.raises(engine.Busy) as refused:
            again()
        assert refused.value.operation == restore


def test_the_reconciler_finds_what_nothing_moves(cluster: Cluster) -> None:
    operation = create(cluster)
    step = operation.steps.get(key="a").pk
    assert engine.reconcile() == ([operation.pk], [])
    assert engine.reconcile() == ([], [])  # one message is under way
    engine.advance(operation.pk)
    long_ago = Now() - timedelta(minutes=1)
    Step.objects.update(sent_at=long_ago)  # the message to drive was lost
    assert engine.reconcile() == ([], [step])
    lease = claim(operation)
    Step.objects.update(sent_at=long_ago)
    assert engine.reconcile() == ([], [])  # it is being driven
    Step.objects.filter(pk=step).update(lease_until=Now() - timedelta(seconds=1))  # its driver died
    assert engine.reconcile() == ([], [step])
    Step.objects.filter(pk=step).update(lease_until=Now() + timedelta(seconds=9))
    engine.finish(lease, Outcome.CHANGED)  # and the message to advance was lost
    assert engine.reconcile() == ([operation.pk], [])


def test_a_dead_drivers_step_is_sent_as_soon_as_its_lease_is_over_and_once(cluster: Cluster) -> None:
    operation = create(cluster)
    (step,) = engine.advance(operation.pk)
    claim(operation)
    Step.objects.update(sent_at=Now() - timedelta(seconds=3), lease_until=Now() - timedelta(seconds=1))
    assert engine.reconcile() == ([], [step])
    assert engine.reconcile() == ([], [])


def test_an_operation_that_takes_too_long_is_ended_and_says_so(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    assert engine.end_overdue() == []
    Operation.objects.update(started_at=Now() - timedelta(hours=25))
    assert engine.end_overdue() == [operation.pk]
    assert engine.end_overdue() == []
    engine.advance(operation.pk)
    operation.refresh_from_db()
    assert (operation.state, operation.error["kind"]) == (OperationState.CANCELLED, "timeout")
    assert "longer than 24 hours" in operation.error["message"]


def test_an_action_has_one_job_in_the_service(cluster: Cluster) -> None:
    operation = create(cluster, StepSpec("a", "a", Action("x")))
    engine.advance(operation.pk)
    assert [(job.host, job.node) for job in engine.jobs_of(claim(operation))] == [("service", None)]


def test_memory_lasts_for_one_attempt(cluster: Cluster) -> None:
    operation = create(cluster, spec("a", retry=Retry(attempts=2, delay=0)))
    engine.advance(operation.pk)
    engine.give_back(claim(operation), memory={"sent": 7})
    lease = claim(operation)
    assert lease.step.memory == {"sent": 7}
    engine.fail(lease, {})
    assert operation.steps.get().memory == {}
