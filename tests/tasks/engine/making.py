"""Operations of small plans, and leases on their steps."""

from __future__ import annotations

from clusters.models import Cluster
from tasks import engine
from tasks.models import Operation, Outcome
from tasks.plan import Plan, Script, StepSpec


def spec(key: str, *after: str, probe: str = "true", **more: object) -> StepSpec:
    return StepSpec(key, key, Script("true", probe=probe), hosts=("h1", "h2"), after=after, **more)  # type: ignore[arg-type]


def create(cluster: Cluster, *steps: StepSpec, **more: str | bool) -> Operation:
    return engine.create(cluster, Plan("test", steps or (spec("a"), spec("b", "a")), **more), {})  # type: ignore[arg-type]


def claim(operation: Operation, key: str = "a", owner: str = "me") -> engine.Lease:
    lease = engine.claim(operation.steps.get(key=key).pk, owner)
    assert lease is not None
    return lease


def states(operation: Operation) -> dict[str, str]:
    return dict(operation.steps.values_list("key", "state"))


def fail_at_b(cluster: Cluster) -> Operation:
    operation = create(cluster, spec("a"), spec("n", probe=""), spec("b", "a", "n"), spec("c", "b"))
    engine.advance(operation.pk)
    engine.finish(claim(operation, "a"), Outcome.CHANGED)
    engine.finish(claim(operation, "n"), Outcome.CHANGED)
    engine.advance(operation.pk)
    engine.fail(claim(operation, "b"), {"message": "no"})
    engine.advance(operation.pk)
    return operation
