"""What the simulated operators add to a cluster, on a store without a server."""

from __future__ import annotations

import json

import pytest

from lab.toolchain.apiserver.kinds import Kinds
from lab.toolchain.apiserver.main import bootstrap
from lab.toolchain.apiserver.rest import Rest, Target
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.common import shapes
from lab.toolchain.common.objects import Obj
from lab.toolchain.controllers import operators
from lab.toolchain.controllers.world import World

GPU = {"class": "0302", "vendor": "10de", "device": "20b2", "name": "SIMULATED"}
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


@pytest.fixture
def world() -> World:
    store = Store()
    bootstrap(store)
    return World(store, Kinds(store), Rest(store))


def add(world: World, obj: Obj) -> Obj:
    kind = world.kinds.by_kind(obj["apiVersion"], obj["kind"])
    assert kind is not None
    namespace = obj["metadata"].get("namespace", "")
    if namespace and world.store.find(Key("", "namespaces", "", namespace)) is None:
        add(world, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    return world.rest.create(Target(kind, namespace), obj, {})


def add_pod(world: World, namespace: str, name: str, node: str = "worker1", image: str = "r.test/p/i:1") -> None:
    spec = {"nodeName": node, "containers": [{"name": "c", "image": image}]}
    metadata = {"name": name, "namespace": namespace}
    add(world, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    world.store.modify(Key("", "pods", namespace, name), lambda obj: obj.update(status=READY))


def add_node(world: World, name: str, *devices: Obj, **labels: str) -> None:
    metadata = {"name": name, "annotations": {operators.PCI: json.dumps(devices)}, "labels": labels}
    add(world, {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": READY})


def node(world: World, name: str) -> Obj:
    return world.store.get(Key("", "nodes", "", name))


def test_nothing_happens_without_the_operators_pod(world: World) -> None:
    add_node(world, "worker1", GPU)
    before = world.store.version
    operators.reconcile(world)
    assert world.store.version == before


def test_gpus_are_found_labelled_and_offered(world: World) -> None:
    add_node(world, "worker1", GPU, GPU)
    add_node(world, "worker2", GPU, **{"nvidia.com/gpu.deploy.driver": "false"})
    add_node(world, "master1")
    add(world, shapes.definition("nvidia.com", "v1", "ClusterPolicy", "clusterpolicies", cluster=True))
    add(world, {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": "policy"}, "spec": {}})
    add_pod(world, "node-feature-discovery", "node-feature-discovery-master-x")
    add_pod(world, "gpu-operator", "gpu-operator-x")
    add_pod(world, "gpu-operator", "nvidia-device-plugin-daemonset-x", "worker1")
    operators.reconcile(world)
    first, second, master = (node(world, name) for name in ("worker1", "worker2", "master1"))
    assert first["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    assert first["metadata"]["labels"]["nvidia.com/gpu.product"] == operators.GPU_PRODUCT
    assert second["metadata"]["labels"]["nvidia.com/gpu.deploy.driver"] == "false"
    assert second["metadata"]["labels"]["nvidia.com/gpu.deploy.device-plugin"] == "true"
    assert "allocatable" not in second.get("status", {})
    assert not any(key.startswith("nvidia.com/") for key in master["metadata"]["labels"])
    policy = Key("nvidia.com", "clusterpolicies", "", "policy")
    assert world.store.get(policy)["status"]["state"] == "notReady"
    for daemon in world.store.all("apps", "daemonsets"):
        world.put_status("apps", "daemonsets", daemon, {"numberReady": 1, "desiredNumberScheduled": 1})
    operators.reconcile(world)
    assert world.store.get(policy)["status"]["state"] == "ready"


def ceph(world: World, count: int) -> None:
    """An operator, and a cluster with a disk on each of `count` nodes."""
    add(world, shapes.definition("ceph.rook.io", "v1", "CephCluster", "cephclusters"))
    add_pod(world, "rook-ceph", "rook-ceph-operator-x", image="r.test/p/rook-ceph:1")
    nodes = [{"name": f"worker{index + 1}", "devices": [{"name": "vdb"}]} for index in range(count)]
    storage = {"useAllNodes": False, "useAllDevices": False, "nodes": nodes}
    metadata = {"name": "rook-ceph", "namespace": "rook-ceph"}
    spec = {"cephVersion": {"image": "ceph:v17"}, "storage": storage}
    add(world, {"apiVersion": "ceph.rook.io/v1", "kind": "CephCluster", "metadata": metadata, "spec": spec})


def make_ready(world: World) -> None:
    for deployment in world.store.all("apps", "deployments"):
        world.put_status("apps", "deployments", deployment, {"readyReplicas": 1})


def status_of_ceph(world: World) -> Obj:
    found: Obj = world.store.get(Key("ceph.rook.io", "cephclusters", "rook-ceph", "rook-ceph"))["status"]
    return found


def test_ceph_has_an_osd_for_each_named_disk_and_is_healthy_when_all_run(world: World) -> None:
    ceph(world, 3)
    operators.reconcile(world)
    found = {obj["metadata"]["name"]: obj for obj in world.store.all("apps", "deployments")}
    assert {name for name in found if "-osd-" in name} == {f"rook-ceph-osd-{index}" for index in range(3)}
    pod = found["rook-ceph-osd-1"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/hostname": "worker2"}
    assert pod["containers"][0]["image"] == "r.test/p/ceph:v17"
    assert status_of_ceph(world)["phase"] == "Progressing"
    make_ready(world)
    operators.reconcile(world)
    assert status_of_ceph(world)["phase"] == "Ready"
    assert status_of_ceph(world)["ceph"]["health"] == "HEALTH_OK"


def test_ceph_warns_of_too_few_disks(world: World) -> None:
    ceph(world, 1)
    operators.reconcile(world)
    make_ready(world)
    operators.reconcile(world)
    assert status_of_ceph(world)["ceph"]["health"] == "HEALTH_WARN"
    assert "TOO_FEW_OSDS" in status_of_ceph(world)["ceph"]["details"]


def test_an_operator_settles(world: World) -> None:
    ceph(world, 3)
    add_node(world, "worker1", GPU)
    add_pod(world, "node-feature-discovery", "node-feature-discovery-master-x")
    for _ in range(3):
        operators.reconcile(world)
        make_ready(world)
    before = world.store.version
    operators.reconcile(world)
    assert world.store.version == before
