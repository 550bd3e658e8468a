"""One customer's hundred steps do not hold up another's few."""

from __future__ import annotations

import pytest

from clusters.models import AccessKey, Cluster, Customer
from tasks import engine
from tasks.engine import fairness
from tasks.models import Operation, OperationState, Step, StepState
from tests.tasks.conftest import plan, register, step
from tests.tasks.driven import finish, start
from tests.tasks.engine.making import create, spec
from tests.tasks.remote.servers import Sshd
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration
MANY = 100


@pytest.fixture(autouse=True)
def _count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness._Counted, "at", float("-inf"))


def key_of(name: str) -> AccessKey:
    return AccessKey.objects.issue(Customer.objects.create(name=name))[0]


def ready(key: AccessKey, steps: int) -> tuple[Operation, list[int]]:
    """An operation of so many steps that wait for nothing, and what an advance sends of it."""
    cluster = Cluster.objects.create(access_key=key, name=f"c{Cluster.objects.count()}")
    operation = create(cluster, *(spec(f"s{number}") for number in range(steps)))
    return operation, engine.advance(operation.pk)


@pytest.mark.django_db
def test_the_first_few_of_every_customer_go_before_the_many_of_one() -> None:
    _, many = ready(key_of("big"), MANY)
    sent = [priority for _, priority in engine.priorities(many)]
    assert sent == [3] * fairness.FEW + [5] * (fairness.USUAL - fairness.FEW) + [8] * (MANY - fairness.USUAL)

    _, few = ready(key_of("small"), 2)
    assert [priority for _, priority in engine.priorities(few)] == [3, 3]


@pytest.mark.django_db
def test_operations_of_one_customer_are_counted_together() -> None:
    key = key_of("big")
    _, first = ready(key, fairness.USUAL)
    engine.priorities(first)
    _, second = ready(AccessKey.objects.issue(key.customer)[0], 1)
    assert engine.priorities(second) == [(second[0], fairness.LAST)]


@pytest.mark.django_db
def test_what_was_behind_comes_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    operation, steps = ready(key_of("big"), MANY)
    assert engine.priorities(steps[-1:]) == [(steps[-1], fairness.LAST)]
    Step.objects.filter(operation=operation).exclude(pk=steps[-1]).update(state=StepState.SUCCEEDED)
    monkeypatch.setattr(fairness, "KEPT_SECONDS", -1)
    assert engine.priorities(steps[-1:]) == [(steps[-1], fairness.FIRST)]


@pytest.mark.django_db
def test_what_is_to_be_ended_goes_first() -> None:
    operation, steps = ready(key_of("big"), MANY)
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.CANCELLING)
    assert {priority for _, priority in engine.priorities(steps)} == {fairness.CANCEL}


def test_a_small_customer_is_not_queued_behind_a_large_one(
    transactional_db: None, fleet: Fleet, three: list[Sshd]
) -> None:
    fleet.worker(2)
    big = register(key_of("big"), three)
    small = register(key_of("small"), three)
    large = start(big, plan(*(step(f"s{number}", "true") for number in range(MANY))))
    done = large.steps.filter(state=StepState.SUCCEEDED)
    until(lambda: done.count() >= 2, what="the large one works")
    little = start(small, plan(step("one", "true"), step("two", "true", after=("one",))))

    assert finish(little, fleet) == OperationState.SUCCEEDED
    before = done.filter(finished_at__lt=little.finished_at).count()
    assert before < MANY / 2, f"{before} steps of the large one came first"
    large.refresh_from_db()
    assert large.state == OperationState.RUNNING
