"""What an imported cluster refuses, and what its plans do first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.plan import ClusterFact, HostFact, PlanError
from tasks.plans import PLANS, make

STACKED = {"spec": {"etcd": {"type": "kubeadm"}}}


def host(name: str, *roles: str) -> HostFact:
    return HostFact(name, "10.0.0.1", "10.0.0.1", "root", 22, frozenset(roles))


def cluster(*hosts: HostFact, **settings: Any) -> ClusterFact:
    known = {"state": "ready", "kubernetes_uid": "uid", "kubernetes_version": "v1.24.3"}
    return ClusterFact("id", "theirs", hosts, {**known, **settings})


MASTER, WORKER = host("m1", "control-plane", "etcd"), host("w1", "worker")
IMPORTED = cluster(MASTER, WORKER)


@pytest.mark.parametrize("kind", sorted(set(PLANS) - {"check", "import"}))
def test_without_hosts_only_what_the_kubeconfig_can_do_is_done(kind: str) -> None:
    with pytest.raises(PlanError, match="kubeconfig alone") as refused:
        make(kind, cluster(), {})
    assert "3kctl import theirs -f" in refused.value.fix


def test_without_hosts_health_and_import_go_on() -> None:
    assert [step.key for step in make("check", cluster(), {}).steps] == ["check-health"]
    assert [step.key for step in make("import", cluster(), {}).steps] == ["cluster", "match", "record", "health"]


def test_what_this_service_installed_is_not_imported() -> None:
    with pytest.raises(PlanError, match="was installed by this service"):
        make("import", cluster(MASTER, kubernetes_uid=""), {})
    assert make("import", cluster(MASTER, kubernetes_uid="", state="registered"), {}).steps


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("uninstall", {"confirm": "theirs"}, "kind"),
        ("install", {}, "phases"),
        ("install", {"phases": ["registry"]}, "phases"),
    ],
)
def test_what_would_make_or_unmake_the_cluster_is_refused(kind: str, params: dict[str, Any], field: str) -> None:
    with pytest.raises(PlanError, match="theirs was imported") as refused:
        make(kind, IMPORTED, params)
    assert refused.value.field == field and "3kctl" in refused.value.fix


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("renew-certificates", {}),
        ("upgrade", {"version": "v1.25.3", "confirm": "theirs"}),
        ("remove-node", {"node": "w1"}),
    ],
)
def test_kk_finds_its_key_and_artifact_first(kind: str, params: dict[str, Any]) -> None:
    steps = {step.key: step for step in make(kind, IMPORTED, params).steps}
    own = {
        step.key: step
        for step in make(kind, replace(IMPORTED, settings={**IMPORTED.settings, "kubernetes_uid": ""}), params).steps
    }
    assert set(steps) - set(own) == {"ssh-trust", "artifact-unpack"}
    for key, step in own.items():
        assert steps[key].after == (step.after or ("ssh-trust", "artifact-unpack"))


def test_a_forced_removal_does_without() -> None:
    keys = [step.key for step in make("remove-node", IMPORTED, {"node": "w1", "force": True}).steps]
    assert "ssh-trust" not in keys


def test_members_of_an_etcd_in_pods_are_left_to_kubeadm() -> None:
    stacked = cluster(MASTER, host("m2", "control-plane", "etcd"), WORKER, inventory_extra=STACKED)
    for kind, params in (("remove-node", {"node": "m2"}), ("add-nodes", {"nodes": ["m2"]})):
        with pytest.raises(PlanError, match="kubeadm runs in pods"):
            make(kind, stacked, params)
    assert make("remove-node", stacked, {"node": "w1"}).steps
