"""Random interleavings of everything that may happen to operations, on a real database.

``SANQIAN_MACHINE_EXAMPLES`` is the number of random histories (each of up to 50 transitions); without it the
same few are tried in each run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
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
from tasks.models import ACTIVE, JOB_LIVE, HostJob, Operation, OperationState, Outcome, Step, StepState
from tasks.plan import Plan
from tests.tasks.engine.random_plans import LONG, News, news, plans
from tests.tasks.engine.watching import TO_DRIVE, Picture, Watch

EXAMPLES = os.environ.get("SANQIAN_MACHINE_EXAMPLES", "")
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

    @precondition(lambda self: len(self._operations(*ACTIVE)) < 3 and len(self.watch.last.operations) < 8)
    @rule(place=st.integers(0, 1), plan=plans())
    def create(self, place: int, plan: Plan) -> None:
        cluster = self.clusters[place]
        busy = {
            key
            for key in self._operations(*ACTIVE)
            if (other := self._operation(key))["cluster_id"] == cluster.pk
            and ((plan.mutating and other["mutating"]) or (plan.holds_etcd and other["holds_etcd"]))
        }
        try:
            operation = engine.create(cluster, plan, {})
        except engine.Busy as refused:
            assert refused.operation is not None and refused.operation.pk in busy
        else:
            assert operation.mutating == plan.mutating and operation.holds_etcd == plan.holds_etcd and not busy
            self.messages.append(("advance", operation.pk))

    @precondition(lambda self: self.watch.last.operations)
    @rule(pick=which, seldom=st.sampled_from([False, False, True]))
    def cancel(self, pick: int, seldom: bool) -> None:
        if not seldom:
            return
        operation = self._pick(self.watch.last.operations, pick)
        stopped = engine.request_cancel(operation)
        assert stopped == (self._operation(operation)["state"] in (OperationState.QUEUED, OperationState.RUNNING))
        if stopped:
            self.messages += [("drive", step) for step in sorted(engine.cancelling_steps(operation))]
            self.messages.append(("advance", operation))

    @precondition(lambda self: self.watch.last.operations)
    @rule(pick=which, from_step=st.none() | which)
    def retry(self, pick: int, from_step: int | None) -> None:
        ended = self._operations(OperationState.FAILED, OperationState.CANCELLED)
        operation = self._pick(ended or self.watch.last.operations, pick)
        keys = [step["key"] for step in self.watch.last.steps_of(operation)]
        try:
            engine.retry(operation, "" if from_step is None else self._pick(keys, from_step))
        except engine.NotRetryable:
            assert operation not in ended
        except engine.Busy as refused:
            assert refused.operation is not None and refused.operation.pk != operation
        else:
            assert operation in ended
            self.watch.retried.add(operation)
            self.messages.append(("advance", operation))

    @precondition(lambda self: self._operations(OperationState.FAILED))
    @rule(pick=which, place=which)
    def skip(self, pick: int, place: int) -> None:
        operation = self._pick(self._operations(OperationState.FAILED), pick)
        step = self._pick(self.watch.last.steps_of(operation), place)
        try:
            engine.skip(operation, step["key"], "not needed")
        except engine.NotRetryable:
            assert step["state"] != StepState.FAILED
        except engine.Busy as refused:
            assert refused.operation is not None and refused.operation.pk != operation
        else:
            assert step["state"] == StepState.FAILED
            self.watch.retried.add(operation)
            self.messages.append(("advance", operation))

    # What workers do.

    @precondition(lambda self: self.messages)
    @rule(pick=which, again=st.booleans(), owner=st.sampled_from(["w1", "w2"]))
    def deliver(self, pick: int, again: bool, owner: str) -> None:
        message = self._pick(self.messages, pick)
        if not again:
            self.messages.remove(message)
        self._work(message, owner)

    @precondition(lambda self: self.messages)
    @rule(turns=st.lists(st.tuples(st.sampled_from(["keep", "finish", "finish", "fail"]), news), max_size=10))
    def work_a_while(self, turns: list[tuple[str, News]]) -> None:
        """Without this, few histories come to the deep states."""
        for place, (end, told) in enumerate(turns):
            if self.messages:
                self._work(self.messages.pop(0), "w1")
                self.watch.look()
            if self.holders:
                self.record(place, [told])
                if self._cancelling():
                    self.end_cancelled(place)
                elif end == "finish":
                    self.finish(place)
                elif end == "fail":
                    self.fail(place, True)
                self.watch.look()

    @precondition(lambda self: self.watch.last.steps)
    @rule(pick=which, owner=st.sampled_from(["w1", "w2", "w3"]), drive=st.booleans())
    def work_unasked(self, pick: int, owner: str, drive: bool) -> None:
        step = self._pick(self.watch.last.steps, pick)
        operation = self.watch.last.steps[step]["operation_id"]
        self._work(("drive", step) if drive else ("advance", operation), owner)

    @precondition(lambda self: self.holders)
    @rule(pick=which, news=st.lists(news, min_size=1, max_size=6))
    def record(self, pick: int, news: list[News]) -> None:
        lease = self._holder(pick)
        for told in news:
            if live := [job for job in engine.jobs_of(lease) if job.state in JOB_LIVE]:
                engine.record(lease, [told.of(self._pick(live, told.host), lease)])
                self.watch.look()

    @precondition(lambda self: self.holders)
    @rule(pick=which)
    def renew(self, pick: int) -> None:
        lease = self._holder(pick)
        cancelling = self._operation(lease.operation.pk)["state"] == OperationState.CANCELLING
        assert engine.held([lease]) == {lease.step.pk: cancelling}
        assert engine.renew([lease]) == {lease.step.pk}
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
    @rule(pick=which, lost=st.booleans())
    def lose_or_double_message(self, pick: int, lost: bool) -> None:
        message = self._pick(self.messages, pick)
        (self.messages.remove if lost else self.messages.append)(message)

    @precondition(lambda self: self.holders)
    @rule(pick=which)
    def expire_lease(self, pick: int) -> None:
        step = self._holder(pick).step.pk
        Step.objects.filter(pk=step).update(lease_until=Now() - timedelta(seconds=1))
        self.expired.add(step)

    @precondition(lambda self: self.holders)
    @rule(pick=which)
    def another_worker_takes_over(self, pick: int) -> None:
        late = self._holder(pick)
        self.expire_lease(pick)
        self._claim(late.step.pk, "w2")
        self._acts_too_late(late)

    @precondition(lambda self: self.stale)
    @rule(pick=which)
    def late_holder_acts(self, pick: int) -> None:
        self._acts_too_late(self._pick(self.stale, pick))

    # Time and the reconciler.

    @rule(due=st.booleans())
    def time_passes(self, due: bool) -> None:
        if due:
            Step.objects.filter(not_before__isnull=False).update(not_before=Now())
        else:
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
        for lease in list(self.holders.values()):
            self._forget(lease)
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

    def _acts_too_late(self, lease: Lease) -> None:
        """Whatever it does, it is told so, and nothing is changed."""
        before = Picture.take()
        job = HostJob.objects.filter(step=lease.step).first() or HostJob(step=lease.step)
        acts: list[Callable[[], object]] = [
            lambda: engine.record(lease, [JobUpdate(job, boot_id="late", chunks=[(job.offset, 1, "!")])]),
            lambda: engine.give_back(lease, memory={"late": 1}),
            lambda: engine.finish(lease, Outcome.CHANGED),
            lambda: engine.fail(lease, {"message": "late"}),
            lambda: engine.cancelled(lease, {"message": "late"}),
        ]
        for act in acts:
            with pytest.raises(LeaseLost):
                act()
        with suppress(LeaseLost):
            engine.jobs_of(lease)  # those of a first try were made with the claim, and may still be looked at
        assert engine.renew([lease]) == set() and engine.held([lease]) == {}
        assert Picture.take() == before

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
        max_examples=int(EXAMPLES or 25),
        stateful_step_count=50,
        deadline=None,
        derandomize=not EXAMPLES,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
