"""Which Ceph is the cluster's, where Rook runs one or several."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from clusters import catalog
from clusters.ceph.place import OURS, Place, namespaces, of_import, places
from clusters.snapshot import ClusterSnapshot, Pod, Workload

OPERATOR = Workload("deployment", "rook-ceph", "rook-ceph-operator")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ceph(namespace: str, name: str, *nodes: str, **spec: Any) -> dict[str, Any]:
    storage = {"nodes": [{"name": node} for node in nodes]}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"storage": storage, **spec}}


def storage_class(name: str, provisioner: str, **parameters: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "provisioner": provisioner, "parameters": parameters}


SNAPSHOT = ClusterSnapshot(
    taken_at=NOW,
    version="v1.25.3",
    pods=(Pod("storage", "rook-ceph-osd-0-x", node="w2", labels={"app": "rook-ceph-osd"}),),
    workloads=(
        Workload("deployment", "rook-system", "rook-ceph-operator"),
        Workload("deployment", "storage", "rook-ceph-tools"),
    ),
)


def test_where_the_operator_runs_elsewhere_it_is_not_ours() -> None:
    (found,) = places([ceph("rook-ceph", "rook-ceph")], SNAPSHOT)
    assert (found.operator, found.ours) == ("rook-system", False)


def test_ours_comes_first_and_an_external_one_last() -> None:
    listed = [
        ceph("a", "far", external={"enable": True}),
        ceph("storage", "papers", "w1"),
        ceph("rook-ceph", "rook-ceph"),
    ]
    found = places(listed, replace(SNAPSHOT, workloads=(*SNAPSHOT.workloads, OPERATOR)))
    assert [str(one) for one in found] == ["rook-ceph/rook-ceph", "storage/papers", "a/far"]
    assert [one.ours for one in found] == [True, False, False]
    assert (found[1].hosts, found[1].operator, found[1].toolbox) == (("w1", "w2"), "rook-ceph", True)
    # In our namespace under another name it is not ours.
    assert not places([ceph("rook-ceph", "papers")], SNAPSHOT)[0].ours


def test_each_has_the_classes_that_lead_to_it() -> None:
    classes = [
        storage_class("fast", "rook-system.rbd.csi.ceph.com", clusterID="storage"),
        storage_class("shared", "rook-system.cephfs.csi.ceph.com", clusterID="rook-ceph"),
        storage_class("things", "rook-system.ceph.rook.io/bucket", objectStoreNamespace="storage"),
        storage_class("outside", "cephfs.csi.ceph.com", clusterID="an-fsid"),
    ]
    own, theirs = places([ceph("storage", "papers"), ceph("rook-ceph", "rook-ceph")], SNAPSHOT, classes)
    assert (own.classes, theirs.classes) == (("shared",), ("fast", "things"))


def test_where_nothing_is_recorded_it_is_ours() -> None:
    for imported in ({}, {"ceph": True}, {"ceph": []}):
        assert of_import(imported) == OURS
    theirs = Place("storage", "papers", operator="rook-system", hosts=("w1",), classes=("fast",))
    assert of_import({"ceph": [theirs.to_json()]}) == theirs


def test_components_are_looked_for_where_it_is() -> None:
    usual = catalog.load()
    assert usual.placed(namespaces(OURS)) is usual
    moved = usual.placed(namespaces(Place("storage", "papers", operator="rook-system")))
    assert (moved["rook-ceph"].namespace, moved["rook-ceph-cluster"].namespace) == ("rook-system", "storage")
    assert [one.name for one in moved.entries] == [one.name for one in usual.entries]
