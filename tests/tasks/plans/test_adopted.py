"""What an imported cluster refuses, and what its plans do first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clusters.ceph.place import OURS, Place
from tasks.plan import ClusterFact, HostFact, PlanError, Script
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


@pytest.mark.parametrize(
    ("kind", "params"),
    [("upgrade", {"version": "v1.25.3", "confirm": "theirs"}), ("add-nodes", {"nodes": ["w1"]})],
)
def test_the_login_of_the_registry_is_proven_before_kk_needs_it(kind: str, params: dict[str, Any]) -> None:
    with_registry = cluster(MASTER, WORKER, private_registry="r.example.org", registry_type="harbor")
    steps = {step.key: step for step in make(kind, with_registry, params).steps}
    proof = steps.pop("registry-login").do
    assert isinstance(proof, Script) and not proof.probe
    assert "3kctl clusters set CLUSTER registry_user" in proof.apply
    first = next(step for step in steps.values() if step.key in ("preflight", "upgrade-check"))
    assert "registry-login" in first.after
    assert "registry-login" not in {step.key for step in make(kind, IMPORTED, params).steps}


def test_drift_of_what_was_there_before_the_import_is_not_asked_for() -> None:
    plan = make("drift", replace(IMPORTED, installed=frozenset({"kruise"})), {})
    keys = {step.key for step in plan.steps}
    assert {"component-kruise", "platform-info", "drift"} <= keys
    assert not keys & {"packages", "kubernetes", "kubeconfig", "registry", "images", "coredns"}
    assert set(plan.steps[-1].after) == keys - {"drift"}
    assert "3kctl import theirs --dry-run" in plan.notes[-1]


def test_a_ceph_that_is_not_ours_is_changed_by_nothing() -> None:
    place = Place("storage", "papers")
    theirs = cluster(MASTER, WORKER, imported={"ceph": [place.to_json()]})
    for kind, params in (("ceph", {}), ("ceph-expand", {}), ("remove-node", {"node": "w1", "osds": [1]})):
        with pytest.raises(PlanError, match="The Ceph of theirs is storage/papers") as refused:
            make(kind, theirs, params)
        assert "kubectl edit cephcluster papers -n storage" in refused.value.fix
    assert make("remove-node", theirs, {"node": "w1"}).steps
    ours = cluster(MASTER, WORKER, imported={"ceph": [OURS.to_json()], "formerly": ["before"]})
    with pytest.raises(PlanError, match="its name has to be typed"):
        make("ceph-uninstall", ours, {})
    clean = make("ceph-uninstall", ours, {"confirm": "theirs"}).steps[-2].do
    assert isinstance(clean, Script) and clean.env["FORMER_IDS"] == "before"


def test_a_forced_removal_does_without() -> None:
    keys = [step.key for step in make("remove-node", IMPORTED, {"node": "w1", "force": True}).steps]
    assert "ssh-trust" not in keys


def test_members_of_an_etcd_in_pods_are_left_to_kubeadm() -> None:
    stacked = cluster(MASTER, host("m2", "control-plane", "etcd"), WORKER, inventory_extra=STACKED)
    for kind, params in (("remove-node", {"node": "m2"}), ("add-nodes", {"nodes": ["m2"]})):
        with pytest.raises(PlanError, match="kubeadm runs in pods"):
            make(kind, stacked, params)
    assert make("remove-node", stacked, {"node": "w1"}).steps
