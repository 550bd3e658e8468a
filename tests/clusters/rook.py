"""A Ceph by Rook in the lab's SIMULATED Kubernetes, with its toolbox: three monitors, two managers, six OSDs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.toolchain.apiserver.store import Key
from lab.toolchain.common import shapes
from lab.toolchain.common.objects import Obj, now
from lab.toolchain.containers.ceph_scene import MARKS, marks_of
from tests.clusters.api_server import Api

SPACE = "rook-ceph"
TOOLBOX = Key("", "pods", SPACE, "rook-ceph-tools-x")
CLUSTER = Key("ceph.rook.io", "cephclusters", SPACE, SPACE)
RUNS = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "ready": True, "restartCount": 0}


@pytest.fixture
def api() -> Iterator[Api]:
    """Reached directly, and from SSH servers that share their network with the tests."""
    made = Api()
    fill(made)
    made.start()
    yield made
    made.remove()


def fill(api: Api) -> None:
    """Healthy, as Rook's operator left it."""
    store = api.store
    crd = shapes.definition("ceph.rook.io", "v1", "CephCluster", "cephclusters")
    crd["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
    store.create(Key("apiextensions.k8s.io", "customresourcedefinitions", "", crd["metadata"]["name"]), crd)
    store.create(Key("", "namespaces", "", SPACE), {"metadata": {"name": SPACE}})
    cluster = {
        "apiVersion": "ceph.rook.io/v1",
        "kind": "CephCluster",
        "metadata": {"name": SPACE, "namespace": SPACE},
        "spec": {"cephVersion": {"image": "r.test/ceph:v17.2.6"}},
    }
    store.create(CLUSTER, cluster)
    for name in ("mon-a", "mon-b", "mon-c", "mgr-a", "mgr-b"):
        _daemon(api, name)
    for number in range(6):
        _daemon(api, f"osd-{number}", f"worker{number // 2 + 1}")
    tools = shapes.workload("Deployment", "rook-ceph-tools", SPACE, ["ceph:v17.2.6"], labels={"app": "rook-ceph-tools"})
    store.create(Key("apps", "deployments", SPACE, "rook-ceph-tools"), tools)
    add_pod(api, TOOLBOX.name, {"app": "rook-ceph-tools"})
    say(api, "HEALTH_OK")


def add_pod(api: Api, name: str, labels: dict[str, str], phase: str = "Running") -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "i"}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "main", **RUNS}],
        },
    }
    api.store.create(Key("", "pods", SPACE, name), pod)


def another(api: Api, space: str, name: str, health: str, **details: str) -> dict[str, str]:
    """A further CephCluster, with an OSD and a StorageClass, in what can be imported; gives what tells it apart."""
    found = api.store.find(CLUSTER)
    assert found is not None
    meta = {"name": name, "namespace": space}
    nodes = [{"name": "worker1", "devices": [{"name": "vdx"}]}]
    for made in (space, "kube-system"):
        api.store.create(Key("", "namespaces", "", made), {"metadata": {"name": made}})
    api.store.create(
        Key("ceph.rook.io", "cephclusters", space, name),
        {**found, "metadata": meta, "spec": {"storage": {"nodes": nodes}}},
    )
    _say(api, Key("ceph.rook.io", "cephclusters", space, name), health, "g", details)
    for daemon in ("mon-a", "mgr-a", "osd-0"):
        _daemon(api, daemon, "worker1", space)
    operator = shapes.workload("Deployment", "rook-ceph-operator", SPACE + "-system", ["rook/ceph:v1.11.5"])
    api.store.create(Key("apps", "deployments", SPACE + "-system", "rook-ceph-operator"), operator)
    served = {"provisioner": f"{SPACE}-system.rbd.csi.ceph.com", "parameters": {"clusterID": space}}
    key = Key("storage.k8s.io", "storageclasses", "", f"{name}-block")
    api.store.create(
        key,
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": f"{name}-block"}, **served},
    )
    return {"namespace": space, "name": name, "operator": f"{SPACE}-system", "fsid": "g"}


def say(api: Api, health: str, **details: str) -> None:
    """What Rook's operator says of it now."""
    _say(api, CLUSTER, health, "f", details)


def _say(api: Api, cluster: Key, health: str, fsid: str, details: dict[str, str]) -> None:
    checks = {code: {"severity": "HEALTH_WARN", "message": text} for code, text in details.items()}
    ceph = {"health": health, "details": checks, "lastChecked": now(), "fsid": fsid}
    capacity = {"bytesTotal": 6 * 10**12, "bytesUsed": 6 * 10**10, "bytesAvailable": 594 * 10**10}
    status = {"phase": "Ready", "ceph": {**ceph, "capacity": capacity}}
    api.store.modify(cluster, lambda one: one.update(status=status))


def stop(api: Api, *daemons: str) -> None:
    """``osd-3``."""
    for daemon in daemons:
        key = Key("apps", "deployments", SPACE, f"rook-ceph-{daemon}")
        api.store.modify(key, lambda one: one.update(status={}))


def mark(api: Api, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the marks of the simulated Ceph (`lab.toolchain.containers.ceph_scene`)."""

    def put(cluster: Obj) -> None:
        marks = marks_of(cluster)
        change(marks)
        cluster["metadata"].setdefault("annotations", {})[MARKS] = json.dumps(marks)

    api.store.modify(CLUSTER, put)


def _daemon(api: Api, name: str, host: str = "", space: str = SPACE) -> None:
    pod: Obj = {"nodeSelector": {"kubernetes.io/hostname": host}} if host else {}
    made = shapes.workload("Deployment", f"rook-ceph-{name}", space, ["ceph:v17.2.6"], pod=pod)
    made["status"] = {"readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1}
    api.store.create(Key("apps", "deployments", space, made["metadata"]["name"]), made)
