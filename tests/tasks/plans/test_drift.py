"""The plan that looks for drift."""

from __future__ import annotations

from dataclasses import replace

from tasks.plan import Script
from tasks.plans import make
from tests.tasks.plans.sites import cluster


def test_it_asks_the_probes_of_what_is_installed_and_nothing_waits() -> None:
    plan = make("drift", replace(cluster(), installed=frozenset({"kruise", "rook-ceph-cluster", "coredns"})), {})
    *asked, judge = plan.steps
    assert plan.probes_only and not plan.mutating
    keys = {step.key for step in asked}
    assert {"ssh-trust", "packages", "registry", "images", "kubernetes", "platform-info", "component-kruise"} <= keys
    assert not keys & {"artifact-unpack", "preflight", "configuration", "component-rook-ceph-cluster", "nodes"}
    assert all(step.do.probe for step in asked if isinstance(step.do, Script))
    assert all(not step.after for step in asked)
    assert set(judge.after) == keys
