"""The plan of an upgrade of components."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.plan import Action, PlanError, Script
from tasks.plans import make
from tests.tasks.plans.sites import cluster

INSTALLED = frozenset({"kruise", "gpu-operator", "node-feature-discovery", "volcano-development", "rook-ceph"})


def test_what_is_installed_with_helm_is_compared_then_upgraded_in_order() -> None:
    plan = make("upgrade-components", replace(cluster(), installed=INSTALLED), {})
    keys = [step.key for step in plan.steps]
    assert keys[:2] == ["gpu-driver", "compare"]
    assert set(keys[2::2]) == {f"upgrade-{name}" for name in ("kruise", "gpu-operator", "node-feature-discovery")}
    assert keys.index("verify-node-feature-discovery") < keys.index("upgrade-gpu-operator")
    # One after another: each waits for the one before to be healthy.
    assert [step.after for step in plan.steps] == [(), *((key,) for key in keys[:-1])]
    assert plan.mutating


def test_named_ones_are_told_so() -> None:
    steps = {step.key: step for step in make("upgrade-components", cluster(), {"components": ["kruise"]}).steps}
    compare, upgrade = steps["compare"].do, steps["upgrade-kruise"].do
    assert isinstance(compare, Action) and isinstance(upgrade, Script)
    assert (compare.args["components"], compare.args["named"]) == (["kruise"], True)
    assert (upgrade.env["NAMED"], upgrade.env["ON_FAILURE"], upgrade.env["DOWNGRADE"]) == ("yes", "rollback", "no")
    assert "kruise-controller-manager" in upgrade.env["NEEDS"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"components": ["kruse"]}, "components"),
        ({"components": ["volcano-development"]}, "components"),
        ({"components": ["rook-ceph-cluster"]}, "components"),
        ({"components": []}, "components"),
        ({}, "components"),
        ({"on_failure": "hope", "components": ["kruise"]}, "on_failure"),
    ],
)
def test_what_is_refused(params: dict[str, Any], field: str) -> None:
    with pytest.raises(PlanError) as caught:
        make("upgrade-components", cluster(), params)
    assert caught.value.field == field


def test_all_of_them_do_not_go_back() -> None:
    with pytest.raises(PlanError) as caught:
        make("upgrade-components", replace(cluster(), installed=INSTALLED), {"downgrade": True})
    assert caught.value.field == "downgrade"
