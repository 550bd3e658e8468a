"""The plans of rotations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.plan import Action, PlanError
from tasks.plans import check_secrets, make
from tests.tasks.plans.sites import cluster


def test_the_old_ssh_key_goes_last_and_only_if_it_is_to_go() -> None:
    plan = make("rotate-ssh-key", cluster(), {})
    keys = [step.key for step in plan.steps]
    assert keys == ["hosts-answer", "new-key", "authorise", "prove", "store", "retire"]
    assert [step.after for step in plan.steps] == [(), *((key,) for key in keys[:-1])]
    assert plan.mutating
    kept = make("rotate-ssh-key", cluster(), {"keep_old": True, "hosts": ["worker2", "worker1"]})
    assert [step.key for step in kept.steps] == keys[:-1]
    do = kept.steps[0].do
    assert isinstance(do, Action) and do.args["hosts"] == ["worker1", "worker2"]


def test_the_agent_is_verified_where_it_is_installed() -> None:
    plan = make("rotate-access-key", cluster(), {})
    assert [(step.key, step.after) for step in plan.steps] == [("platform-info", ()), ("restart", ("platform-info",))]
    installed = replace(cluster(), installed=frozenset({"cpodoperator", "kruise"}))
    verify = make("rotate-access-key", installed, {"component_timeout": 60}).steps[-1]
    assert isinstance(verify.do, Action) and verify.do.args == {"components": ["cpodoperator"], "timeout": 60.0}


def test_the_registry_password_is_stored_before_it_is_spread() -> None:
    steps = {step.key: step for step in make("rotate-registry-password", cluster(), {}).steps}
    assert list(steps) == ["new-password", "change-password", "configuration", "host-logins", "charts-login", "verify"]
    assert steps["host-logins"].after == steps["configuration"].after == ("change-password",)
    assert steps["verify"].hosts == cluster().names
    check_secrets("rotate-registry-password", {"password": "G00d \\ 'enough\""})


@pytest.mark.parametrize(
    ("roles", "settings"),
    [(None, {"private_registry": ""}), (None, {"registry_type": "docker"}), ({"m1": ("etcd", "control-plane")}, {})],
)
def test_the_password_of_a_registry_that_is_not_the_clusters_own_is_not_changed(
    roles: dict[str, tuple[str, ...]] | None, settings: dict[str, str]
) -> None:
    with pytest.raises(PlanError, match="no Harbor of its own"):
        make("rotate-registry-password", cluster(roles, **settings), {})


@pytest.mark.parametrize(
    ("kind", "secrets", "field"),
    [
        ("rotate-ssh-key", {"private_key": "ssh-ed25519 AAAA"}, "secrets.private_key"),
        ("rotate-ssh-key", {"passphrase": "alone"}, "secrets.private_key"),
        ("rotate-ssh-key", {"pasword": "word"}, "secrets.pasword"),
        ("rotate-registry-password", {"password": "Short1"}, "secrets.password"),
        ("rotate-registry-password", {"password": "nocapital1"}, "secrets.password"),
        ("rotate-registry-password", {"password": "Line1\nbroken"}, "secrets.password"),
        ("install", {"private_key": "none"}, "secrets.private_key"),
    ],
)
def test_secrets_that_cannot_be_used_are_refused(kind: str, secrets: dict[str, str], field: str) -> None:
    with pytest.raises(PlanError) as refused:
        check_secrets(kind, secrets)
    assert refused.value.field == field
    assert refused.value.fix
