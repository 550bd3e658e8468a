"""The plan of a restoration."""

from __future__ import annotations

import pytest

from tasks.plan import Action, PlanError, Script
from tasks.plans import make
from tests.tasks.plans.sites import cluster


def test_nothing_runs_while_members_are_restored_and_all_of_them_are() -> None:
    plan = make("restore", cluster(), {"confirm": "demo"})
    keys = [step.key for step in plan.steps]
    order = ["choose-backup", "stage-backup", "restore-staged", "restore-stop-api", "restore-stop-etcd"]
    order += ["restore-member", "restore-start-etcd", "etcd-quorum", "restore-start-api"]
    assert keys[: len(order)] == order
    assert [step.after for step in plan.steps] == [(), *((key,) for key in keys[:-1])]
    steps = {step.key: step for step in plan.steps}
    members = ("master1", "master2", "master3")
    for key in ("restore-staged", "restore-stop-etcd", "restore-member", "restore-start-etcd"):
        assert (steps[key].hosts, steps[key].parallel) == (members, 3)
    assert steps["restore-stop-api"].hosts == steps["restore-start-api"].hosts == ("master1",)
    assert plan.mutating


def test_a_retry_stops_nothing_again_that_was_started() -> None:
    steps = {step.key: step.do for step in make("restore", cluster(), {"confirm": "demo"}).steps}
    for key, asked in (("restore-stop-api", False), ("restore-stop-etcd", False), ("restore-member", True)):
        script = steps[key]
        assert isinstance(script, Script) and bool(script.probe) is asked


def test_a_backup_may_be_named() -> None:
    params = {"confirm": "demo", "backup": "etcd-20260101T000000Z.db", "source": "master2"}
    choose = make("restore", cluster(), params).steps[0].do
    assert isinstance(choose, Action)
    assert (choose.args["backup"], choose.args["source"]) == ("etcd-20260101T000000Z.db", "master2")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "confirm"),
        ({"confirm": "demi"}, "confirm"),
        ({"confirm": "demo", "source": "worker1"}, "source"),
        ({"confirm": "demo", "backup": "../etcd.db"}, "backup"),
    ],
)
def test_what_is_refused(params: dict[str, str], field: str) -> None:
    with pytest.raises(PlanError) as caught:
        make("restore", cluster(), params)
    assert caught.value.field == field
