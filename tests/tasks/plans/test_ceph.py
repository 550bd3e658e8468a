"""The plan of Ceph, the chart's values, versions, and when Ceph is up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.plan import Plan, PlanError, Script
from tasks.plans import PLANS, ceph_ready, ceph_values, ceph_versions, make
from tests.tasks.plans.sites import cluster

THREE = {"master1": ("control-plane", "etcd"), **{f"worker{n}": ("worker",) for n in (1, 2, 3)}}
LINK = "/dev/disk/by-id/wwn-0x1"
WIPE = {"host": "worker1", "disk": LINK, "serial": "S1"}


def ceph(roles: dict[str, tuple[str, ...]] = THREE, kind: str = "ceph", **params: Any) -> Plan:
    return make(kind, cluster(roles), params)


def test_disks_are_chosen_and_looked_at_again_before_rook_hears_of_them() -> None:
    keys = [step.key for step in ceph(wipe=[WIPE]).steps]
    order = ["ceph-disks", "ceph-wipe-audit", "ceph-wipe", "ceph-claim", "component-rook-ceph", "ceph-crds"]
    order += ["ceph-guard", "component-rook-ceph-cluster", "ceph-ready", "ceph-default-class", "ceph-proof-block"]
    assert [key for key in keys if key in order] == order
    assert "ceph-wipe" not in [step.key for step in ceph().steps]


@pytest.mark.parametrize("kind", ["ceph", "ceph-expand", "ceph-remove-osd"])
def test_the_artifact_is_brought_before_its_charts_are_looked_at(kind: str) -> None:
    osds = {"osds": [1]} if kind == "ceph-remove-osd" else {}
    brought = ceph(kind=kind, artifact={"file": "3k.tar.gz"}, **osds)
    keys = [step.key for step in brought.steps]
    assert keys[:3] == ["artifact-upload", "artifact-unpack", "ceph-osd-check" if osds else "ceph-version"]
    assert ceph(kind=kind, **osds).steps[0].title == "Check the artifact"
    with pytest.raises(PlanError, match="checksum"):
        ceph(kind=kind, artifact={"url": "https://mirror.example.com/3k.tar.gz"}, **osds)


def test_only_hosts_with_disks_to_be_wiped_are_asked_to() -> None:
    plan = ceph(wipe=[WIPE])
    step = next(step for step in plan.steps if step.key == "ceph-wipe")
    assert step.hosts == ("worker1",)
    assert isinstance(step.do, Script) and step.do.env["WIPES"] == f"worker1 S1 {LINK}"
    assert any(note.startswith("WIPE: ") for note in plan.notes)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"wipe": [{"host": "worker1", "disk": LINK}]}, "wipe[0].serial"),
        ({"wipe": [{**WIPE, "disk": "/dev/sdb"}]}, "wipe[0].disk"),
        ({"wipe": [{**WIPE, "serial": "S1 worker2"}]}, "wipe[0].serial"),
        ({"wipe": [{**WIPE, "host": "nobody"}]}, "wipe[0].host"),
        ({"disks": [{"host": "worker1", "disk": "/dev/disk/by-id/$(id)"}]}, "disks[0].disk"),
        ({"default_storage_class": "ceph-bucket"}, "default_storage_class"),
    ],
)
def test_parameters_at_fault_are_named(params: dict[str, Any], field: str) -> None:
    with pytest.raises(PlanError) as caught:
        ceph(**params)
    assert caught.value.field == field


def test_fewer_than_three_hosts_are_refused_unless_that_is_said() -> None:
    two = {name: roles for name, roles in THREE.items() if name != "worker3"}
    with pytest.raises(PlanError) as caught:
        ceph(two)
    assert caught.value.field == "single_node"
    assert any("SINGLE NODE" in note for note in ceph(two, single_node=True).notes)


def test_storage_hosts_come_before_workers() -> None:
    roles = {**THREE, **{f"store{n}": ("worker", "storage") for n in (1, 2, 3)}}
    step = next(step for step in ceph(roles).steps if step.key == "ceph-guard")
    assert step.hosts == ("store1", "store2", "store3")


def test_values_name_every_disk_and_leave_none_to_the_chart() -> None:
    given = [("b", "/d/2"), ("a", "/d/1"), ("b", "/d/1")]
    made = ceph_values.values(given, single_node=False, default_class="ceph-block")
    storage = made["cephClusterSpec"]["storage"]
    assert (storage["useAllNodes"], storage["useAllDevices"]) == (False, False)
    assert storage["nodes"] == [
        {"name": "a", "devices": [{"name": "/d/1"}]},
        {"name": "b", "devices": [{"name": "/d/1"}, {"name": "/d/2"}]},
    ]
    classes = [made[kind][0]["storageClass"] for kind in ("cephBlockPools", "cephFileSystems", "cephObjectStores")]
    assert [one["name"] for one in classes] == list(ceph_values.CLASSES)
    assert [one.get("isDefault", False) for one in classes] == [True, False, False]
    assert made["cephBlockPools"][0]["spec"] == {"failureDomain": "host", "replicated": {"size": 3}}


def test_a_single_node_has_one_of_everything() -> None:
    made = ceph_values.values([("a", "/d/1")], single_node=True, default_class="ceph-filesystem")
    assert (made["cephClusterSpec"]["mon"]["count"], made["cephClusterSpec"]["mgr"]["count"]) == (1, 1)
    pool = {"failureDomain": "osd", "replicated": {"size": 1, "requireSafeReplicaSize": False}}
    assert made["cephBlockPools"][0]["spec"] == pool


@pytest.mark.parametrize(
    ("chart", "kubernetes", "said"),
    [
        ("rook-ceph-v1.13.10.tgz", "v1.24.3", ""),
        ("rook-ceph-v1.11.5.tgz", "v1.24.3", ""),
        (
            "rook-ceph-1.14.0.tgz",
            "v1.24.3",
            "needs Kubernetes 1.25 or later. Kubernetes 1.24 goes with Rook up to 1.13.",
        ),
        ("rook-ceph-v1.20.0.tgz", "v1.31.0", "CSI drivers in a chart of their own"),
        ("rook-ceph-v1.8.1.tgz", "v1.24.3", "older than any"),
        ("rook-ceph.tgz", "v1.24.3", "cannot be told"),
    ],
)
def test_rook_must_go_with_kubernetes(chart: str, kubernetes: str, said: str) -> None:
    found = ceph_versions.against(chart, kubernetes)
    assert found == said if not said else said in found


def test_a_chart_is_known_by_its_whole_name() -> None:
    assert ceph_versions.is_chart("rook-ceph-v1.11.5.tgz", "rook-ceph")
    assert not ceph_versions.is_chart("rook-ceph-cluster-v1.11.5.tgz", "rook-ceph")


NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
STATUS = {
    "quorum_names": ["a", "b", "c"],
    "monmap": {"num_mons": 3},
    "mgrmap": {"available": True},
    "osdmap": {"num_osds": 3, "num_up_osds": 3},
}


def resources(health: str = "HEALTH_OK", checked: str = "2026-01-01T11:59:00Z", phase: str = "Ready") -> list[Any]:
    ceph = {"health": health, "lastChecked": checked, "details": {"X": {"message": "why"}}}
    pools = [
        {"kind": kind, "metadata": {"name": "p"}, "status": {"phase": "Ready"}}
        for kind in ("CephBlockPool", "CephFilesystem", "CephObjectStore")
    ]
    return [{"kind": "CephCluster", "metadata": {"name": "c"}, "status": {"phase": phase, "ceph": ceph}}, *pools]


def test_ceph_is_up_with_a_warning_and_says_it() -> None:
    seen = ceph_ready.judge(resources("HEALTH_WARN"), STATUS, 3, NOW)
    assert (seen.missing, seen.warnings) == ((), ("X: why",))


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        ([], STATUS, "there is no CephCluster yet"),
        (resources(phase="Progressing"), STATUS, "CephCluster is Progressing"),
        (resources("HEALTH_ERR"), STATUS, "its health is HEALTH_ERR (X: why)"),
        (resources(checked="2026-01-01T11:50:00Z"), STATUS, "its health was last read at 2026-01-01T11:50:00Z"),
        (resources(checked=""), STATUS, "its health was last read at no time"),
        (resources()[:3], STATUS, "there is no CephObjectStore yet"),
        (resources(), None, "the toolbox does not answer yet"),
        (resources(), {**STATUS, "quorum_names": ["a", "b"]}, "2 of 3 monitors are in quorum"),
        (resources(), {**STATUS, "mgrmap": {"available": False}}, "no manager is active"),
        (resources(), {**STATUS, "osdmap": {"num_osds": 3, "num_up_osds": 2}}, "2 of 3 OSDs are up, 3 exist"),
    ],
)
def test_what_is_missing_is_said(found: list[Any], status: dict[str, Any] | None, said: str) -> None:
    assert said in ceph_ready.judge(found, status, 3, NOW).missing


def test_every_parameter_is_described() -> None:
    assert all(rule.get("description") for rule in PLANS["ceph"].params.values())
