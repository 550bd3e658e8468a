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


@pytest.mark.parametrize(
    ("kind", "secrets", "field"),
    [
        ("rotate-ssh-key", {"private_key": "ssh-ed25519 AAAA"}, "secrets.private_key"),
        ("rotate-ssh-key", {"passphrase": "alone"}, "secrets.private_key"),
        ("rotate-ssh-key", {"pasword": "word"}, "secrets.pasword"),
        ("install", {"private_key": "none"}, "secrets.private_key"),
    ],
)
def test_secrets_that_cannot_be_used_are_refused(kind: str, secrets: dict[str, str], field: str) -> None:
    with pytest.raises(PlanError) as refused:
        check_secrets(kind, secrets)
    assert refused.value.field == field
    assert refused.value.fix
