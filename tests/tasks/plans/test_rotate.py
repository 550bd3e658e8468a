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


def test_a_host_password_is_proven_before_it_is_stored() -> None:
    plan = make("rotate-host-password", cluster(), {"hosts": ["worker2", "worker1"]})
    keys = [step.key for step in plan.steps]
    assert keys == ["hosts-answer", "new-password", "change", "prove", "store", "configuration"]
    assert [step.after for step in plan.steps] == [(), *((key,) for key in keys[:-1])]
    do = plan.steps[0].do
    assert isinstance(do, Action) and do.args["hosts"] == ["worker1", "worker2"]
    check_secrets("rotate-host-password", {"host_password": "a : 'word' \"of\" $many\\"})


@pytest.mark.parametrize(
    ("kind", "name", "command"),
    [
        ("rotate-ssh-key", "private_key", "3kctl rotate ssh-key"),
        ("rotate-host-password", "host_password", "3kctl rotate host-password"),
        ("rotate-host-password", "password", "3kctl rotate host-password"),
        ("rotate-registry-password", "secrets", "3kctl rotate registry-password"),
    ],
)
def test_a_secret_among_the_parameters_is_refused_with_the_command_that_takes_it(
    kind: str, name: str, command: str
) -> None:
    with pytest.raises(PlanError) as refused:
        make(kind, cluster(), {name: "such a word"})
    assert command in refused.value.fix and "such a word" not in f"{refused.value} {refused.value.fix}"


def test_the_agent_is_verified_where_it_is_installed() -> None:
    plan = make("rotate-access-key", cluster(), {})
    assert [(step.key, step.after) for step in plan.steps] == [("platform-info", ()), ("restart", ("platform-info",))]
    installed = replace(cluster(), installed=frozenset({"cpodoperator", "kruise"}))
    verify = make("rotate-access-key", installed, {"component_timeout": 60}).steps[-1]
    assert isinstance(verify.do, Action) and verify.do.args == {"components": ["cpodoperator"], "timeout": 60.0}


def test_the_registry_password_is_stored_before_it_is_spread() -> None:
    steps = {step.key: step for step in make("rotate-registry-password", cluster(), {}).steps}
    spread = ["configuration", "host-logins", "pull-secrets", "charts-login"]
    assert list(steps) == ["new-password", "change-password", *spread, "verify", "forget-password"]
    assert {steps[key].after for key in spread[:3]} == {("change-password",)}
    assert steps["forget-password"].after == ("verify",)
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
        ("rotate-host-password", {"host_password": "eleven-only"}, "secrets.host_password"),
        ("rotate-host-password", {"host_password": "a line\nand another"}, "secrets.host_password"),
        ("rotate-host-password", {"password": "another name"}, "secrets.password"),
        ("install", {"private_key": "none"}, "secrets.private_key"),
    ],
)
def test_secrets_that_cannot_be_used_are_refused(kind: str, secrets: dict[str, str], field: str) -> None:
    with pytest.raises(PlanError) as refused:
        check_secrets(kind, secrets)
    assert refused.value.field == field
    assert refused.value.fix
