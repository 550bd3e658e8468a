"""Random interleavings of everything that may happen to operations, on a real database.

``SANQIAN_MACHINE_EXAMPLES`` is the number of random histories (each of up to 50 transitions); without it the
same few are tried in each run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clusters.models import AccessKey, Cluster, Customer
from tasks import engine
from tasks.engine import JobUpdate, Lease, LeaseLost
from tasks.engine.states import JOB, OPERATION, STEP
from tasks.engine.steps import DRIVEN
from tasks.models import ACTIVE, JOB_LIVE, HostJob, JobState, Operation, OperationState, Outcome, Step
from tasks.plan import Plan
from tests.tasks.engine.random_plans import LONG, plans
from tests.tasks.engine.watching import TO_DRIVE, Picture, Watch, output

EXAMPLES = os.environ.get("SANQIAN_MACHINE_EXAMPLES", "")
NOT_RETRYABLE = (*ACTIVE, OperationState.SUCCEEDED)
Message = tuple[str, Any]
which = st.integers(0, 1000)


class Machine(RuleBasedStateMachine):
    """Workers, a broker and hosts are played by the rules; the engine and the database are real."""

    moves: set[tuple[str, str, str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self._all = transaction.atomic()
        self._all.__enter__()
        key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
        self.clusters = [Cluster.objects.create(access_key=key, name=f"c{n}") for n in range(2)]
        self.messages: list[Message] = []
        self.holders: dict[int, Lease] = {}
        self.expired: set[int] = set()
        self.stale: list[Lease] = []
        self.watch = Watch()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._ends_once_faults_stop()
            Machine.moves |= self.watch.moves
        finally:
            transaction.set_rollback(True)
            self._all.__exit__(None, None, None)

    @invariant()
    def what_must_be_true(self) -> None:
        self.watch.look()

    @initialize(plan=plans())
    def begin(self, plan: Plan) -> None:
        self.create(0, plan)
        self._work(self.messages.pop(), "w1")
        self._work(self.messages.pop(), "w1")

    # What customers ask for.

    @precondition(lambda self: len(self.watch.last.operations) < 3)
    @rule(place=st.integers(0, 1), plan=plans())
    def create(self, place: int, plan: Plan) -> None:
        cluster = self.clusters[place]
        busy = [
            key
            for key in self._operations(*ACTIVE)
            if self._operation(key)["cluster_id"] == cluster.pk and self._operation(key)["mutating"]
        ]
        try:
            operation = engine.create(cluster, plan, {})
        except engine.Busy as refused:
            assert plan.mutating and refused.operation is not None and [refused.operation.pk] == busy
        else:
            assert not (plan.mutating and busy)
            self.messages.append(("advance", operation.pk))

    @precondition(lambda self: self.watch.last.operations)
    @rule(pick=which)
    def cancel(self, pick: int) -> None:
        operation = self._pick(self.watch.last.operations, pick)
        stopped = engine.request_cancel(operation)
        assert stopped == (self._operation(operation)["state"] in (OperationState.QUEUED, OperationState.RUNNING))
        if stopped:
            self.messages += [("drive", step) for step in sorted(engine.cancelling_steps(operation))]
            self.messages.append(("advance", operation))

    @precondition(lambda self: self._operations(OperationState.FAILED, OperationState.CANCELLED))
    @rule(pick=which, from_step=st.none() | which)
    def retry(self, pick: int, from_step: int | None) -> None:
        operation = self._pick(self._operations(OperationState.FAILED, OperationState.CANCELLED), pick)
        keys = [step["key"] for step in self.watch.last.steps_of(operation)]
        try:
            engine.retry(operation, "" if from_step is None else self._pick(keys, from_step))
        except engine.Busy as refused:
            assert refused.operation is not None and refused.operation.pk != operation
        else:
            self.watch.retried.add(operation)
            self.messages.append(("advance", operation))

    @precondition(lambda self: self._operations(*NOT_RETRYABLE))
    @rule(pick=which)
    def retry_what_has_not_failed(self, pick: int) -> None:
        with pytest.raises(engine.NotRetryable):
            engine.retry(self._pick(self._operations(*NOT_RETRYABLE), pick))

    # What workers do.

    @precondition(lambda self: self.messages)
    @rule(pick=which, again=st.booleans(), owner=st.sampled_from(["w1", "w2"]))
    def deliver(self, pick: int, again: bool, owner: str) -> None:
        message = self._pick(self.messages, pick)
        if not again:
            self.messages.remove(message)
        self._work(message, owner)

    @precondition(lambda self: self.messages)
    @rule(times=st.integers(1, 10), fails=st.sampled_from([0, 0, 1, 2]))
    def work_a_while(self, times: int, fails: int) -> None:
        """Without this, few histories come to the deep states."""
        for turn in range(times):
            if self.messages:
                self._work(self.messages.pop(0), "w1")
                self.watch.look()
            if self.holders and self._holder(turn).step.pk not in self.expired:
                if self._cancelling():
                    self.end_cancelled(turn)
                elif turn < fails:
                    self.fail(turn, True)
                else:
                    self.finish(turn)
                self.watch.look()

    @precondition(lambda self: self.watch.last.operations)
    @rule(pick=which)
    def advance_unasked(self, pick: int) -> None:
        self._work(("advance", self._pick(self.watch.last.operations, pick)), "w1")

    @precondition(lambda self: self.watch.last.steps)
    @rule(pick=which, owner=st.sampled_from(["w1", "w2", "w3"]))
    def claim_unasked(self, pick: int, owner: str) -> None:
        self._claim(self._pick(self.watch.last.steps, pick), owner)

    @precondition(lambda self: self.holders)
    @rule(
        pick=which,
        host=which,
        behind=st.integers(-3, 10),
        size=st.integers(0, 20),
        progress=st.none() | st.integers(0, 100),
        end=st.sampled_from([None, None, JobState.SUCCEEDED, JobState.FAILED, JobState.LOST]),
        away=st.booleans(),
    )
    def record(
        self, pick: int, host: int, behind: int, size: int, progress: int | None, end: JobState | None, away: bool
    ) -> None:
        lease = self._holder(pick)
        live = [job for job in engine.jobs_of(lease) if job.state in JOB_LIVE]
        if not live:
            return
        job = self._pick(live, host)
        if away:
            engine.record(lease, [JobUpdate(job, away=lease.now, error={"kind": "timeout"})])
            return
        if job.state == JobState.PENDING:
            end = JobState.FAILED if end == JobState.FAILED else None  # a host that the cluster has no more
            engine.record(lease, [JobUpdate(job, state=end, boot_id=None if end else "boot")])
            return
        # All that is stored already, once more; then a stretch that begins before, at or behind it.
        start = max(0, job.offset - behind)
        cuts = [(0, job.offset), (start, start + size), (start + size, start + size + 1)]
        chunks = [(begin, end_ - begin, output(begin, end_)) for begin, end_ in cuts]
        engine.record(lease, [JobUpdate(job, chunks=chunks, progress=progress, state=end)])

    @precondition(lambda self: self.holders)
    @rule(pick=which)
    def renew(self, pick: int) -> None:
        lease = self._holder(pick)
        cancelling = self._operation(lease.operation.pk)["state"] == OperationState.CANCELLING
        assert engine.renew(lease) == cancelling
        self.expired.discard(lease.step.pk)

    @precondition(lambda self: self.holders)
    @rule(pick=which, after=st.sampled_from([0.0, LONG]))
    def give_back(self, pick: int, after: float) -> None:
        lease = self._let_go(pick)
        engine.give_back(lease, after=after, memory={"slices": 1})
        if not after:
            self.messages.append(("drive", lease.step.pk))

    @precondition(lambda self: self.holders)
    @rule(pick=which)
    def finish(self, pick: int) -> None:
        lease = self._let_go(pick)
        engine.finish(lease, Outcome.CHANGED)
        self.messages.append(("advance", lease.operation.pk))

    @precondition(lambda self: self.holders)
    @rule(pick=which, again=st.booleans())
    def fail(self, pick: int, again: bool) -> None:
        lease = self._let_go(pick)
        row, policy = self.watch.last.steps[lease.step.pk], lease.spec.retry
        running = self._operation(lease.operation.pk)["state"] == OperationState.RUNNING
        waits = engine.fail(lease, {"message": "no"}, again=again)
        assert waits == (again and running and row["tries"] + 1 < policy.attempts)
        if not waits:
            self.messages.append(("advance", lease.operation.pk))

    @precondition(lambda self: self._cancelling())
    @rule(pick=which)
    def end_cancelled(self, pick: int) -> None:
        lease = self._pick(self._cancelling(), pick)
        self._forget(lease)
        engine.cancelled(lease, {})
        self.messages.append(("advance", lease.operation.pk))

    # Faults.

    @precondition(lambda self: self.messages)
    @rule(pick=which)
    def lose_message(self, pick: int) -> None:
        self.messages.remove(self._pick(self.messages, pick))

    @precondition(lambda self: self.messages)
    @rule(pick=which)
    def double_message(self, pick: int) -> None:
        self.messages.append(self._pick(self.messages, pick))

    @precondition(lambda self: self.holders)
    @rule(pick=which)
    def expire_lease(self, pick: int) -> None:
        step = self._holder(pick).step.pk
        Step.objects.filter(pk=step).update(lease_until=Now() - timedelta(seconds=1))
        self.expired.add(step)

    @precondition(lambda self: self.stale)
    @rule(pick=which, act=st.integers(0, 6))
    def late_holder_acts(self, pick: int, act: int) -> None:
        lease = self._pick(self.stale, pick)
        job = HostJob.objects.filter(step=lease.step).first() or HostJob(step=lease.step)
        acts: list[Callable[[], object]] = [
            lambda: engine.renew(lease),
            lambda: engine.jobs_of(lease),
            lambda: engine.record(lease, [JobUpdate(job, boot_id="late", chunks=[(job.offset, 1, "!")])]),
            lambda: engine.give_back(lease, memory={"late": 1}),
            lambda: engine.finish(lease, Outcome.CHANGED),
            lambda: engine.fail(lease, {"message": "late"}),
            lambda: engine.cancelled(lease, {"message": "late"}),
        ]
        before = Picture.take()
        with pytest.raises(LeaseLost):
            acts[act]()
        assert Picture.take() == before

    # Time and the reconciler.

    @rule()
    def what_waits_comes_due(self) -> None:
        Step.objects.filter(not_before__isnull=False).update(not_before=Now())

    @rule()
    def messages_grow_old(self) -> None:
        self._age()

    @rule()
    def reconcile(self) -> None:
        operations, steps = engine.reconcile()
        assert not [step for step in steps if step in self.holders and step not in self.expired]
        # In an order that is the same when the history is repeated: the operations' keys are random.
        self.messages += [("advance", operation) for operation in self.watch.last.operations if operation in operations]
        self.messages += [("drive", step) for step in sorted(steps)]

    # Helpers.

    def _ends_once_faults_stop(self) -> None:
        """All messages are lost and all workers gone; then new ones work without faults."""
        self.messages.clear()
        self._age()
        Step.objects.exclude(lease_until=None).update(lease_until=Now() - timedelta(seconds=1))
        self.expired |= set(self.holders)
        Step.objects.filter(not_before__isnull=False).update(not_before=Now())
        self.reconcile()
        for _ in range(200):
            if not self.messages:
                break
            self._work(self.messages.pop(0), "last")
            self.watch.look()
            for lease in list(self.holders.values()):
                self._forget(lease)
                if lease.cancelling:
                    engine.cancelled(lease, {})
                else:
                    engine.finish(lease, Outcome.CHANGED)
                self.messages.append(("advance", lease.operation.pk))
            self.watch.look()
        left = [*Operation.objects.filter(finished_at=None).values(), *self.messages]
        assert not left, f"nothing moves: {left} {list(Step.objects.values())}"
        assert engine.reconcile() == ([], [])

    def _work(self, message: Message, owner: str) -> None:
        what, key = message
        if what == "drive":
            self._claim(key, owner)
        else:
            self.messages += [("drive", step) for step in engine.advance(key)]

    def _claim(self, step: int, owner: str) -> None:
        row = Step.objects.filter(pk=step).values("state", "not_before", "operation__state", "lease_until").get()
        now = Operation.objects.annotate(now=Now()).values_list("now", flat=True)[0]
        free = row["state"] in TO_DRIVE and row["operation__state"] in DRIVEN
        free = free and (step not in self.holders or step in self.expired)
        free = free and (row["not_before"] is None or row["not_before"] <= now)
        lease = engine.claim(step, owner)
        assert (lease is not None) == free, "two hold one step" if lease else f"a free step is refused: {row}"
        if lease is not None:
            if step in self.holders:
                self._forget(self.holders[step])
            self.holders[step] = lease
            engine.jobs_of(lease)

    def _forget(self, lease: Lease) -> None:
        del self.holders[lease.step.pk]
        self.expired.discard(lease.step.pk)
        self.stale = [*self.stale[-9:], lease]

    def _holder(self, pick: int) -> Lease:
        return self.holders[self._pick(self.holders, pick)]

    def _let_go(self, pick: int) -> Lease:
        lease = self._holder(pick)
        self._forget(lease)
        return lease

    def _cancelling(self) -> list[Lease]:
        wanted = self._operations(OperationState.CANCELLING)
        return [lease for lease in self.holders.values() if lease.operation.pk in wanted]

    def _operation(self, key: Any) -> Any:
        return self.watch.last.operations[key]

    def _operations(self, *states: OperationState) -> list[Any]:
        return [key for key, row in self.watch.last.operations.items() if row["state"] in states]

    @staticmethod
    def _pick(among: Any, pick: int) -> Any:
        found = list(among)
        return found[pick % len(found)]

    @staticmethod
    def _age() -> None:
        Step.objects.exclude(sent_at=None).update(sent_at=Now() - timedelta(hours=1))
        Operation.objects.exclude(sent_at=None).update(sent_at=Now() - timedelta(hours=1))


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
@override_settings(LEASE_SECONDS=LONG)
def test_any_order_of_events_keeps_what_must_be_true() -> None:
    run_state_machine_as_test(Machine, settings=profile())
    tables = {"operation": OPERATION, "step": STEP, "job": JOB}
    allowed = {(what, old, new) for what, moves in tables.items() for old in moves for new in moves[old] if old != new}
    assert Machine.moves <= allowed
    if int(EXAMPLES or 0) >= 300:
        assert Machine.moves == allowed, "these transitions never came"


def profile() -> settings:
    """The same short histories in each run, or as many random ones as asked for."""
    return settings(
        max_examples=int(EXAMPLES or 20),
        stateful_step_count=50,
        deadline=None,
        derandomize=not EXAMPLES,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
