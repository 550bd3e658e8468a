"""What operators make from their custom resources, in a store without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.toolchain.apiserver.kinds import Kinds
from lab.toolchain.apiserver.main import bootstrap
from lab.toolchain.apiserver.rest import Rest
from lab.toolchain.apiserver.store import Store
from lab.toolchain.common.objects import Obj
from lab.toolchain.controllers import operands
from lab.toolchain.controllers.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    store = Store(tmp_path)
    bootstrap(store)
    return World(store, Kinds(store), Rest(store))


def policy(**driver: object) -> Obj:
    spec = {"operator": {"registry": "r"}, "driver": {"repository": "r", "version": "1", **driver}}
    meta = {"name": "cluster-policy", "uid": "policy"}
    return {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": meta, "spec": spec}


def sets(world: World, plural: str) -> dict[str, Obj]:
    """Those that are not being deleted."""
    found = world.store.all("apps", plural, "default")
    return {obj["metadata"]["name"]: obj for obj in found if not obj["metadata"].get("deletionTimestamp")}


def test_a_policy_makes_its_daemon_sets_once(world: World) -> None:
    operands.gpu(world, policy(), "default")
    made = sets(world, "daemonsets")
    assert set(made) == {name for name, _image, _field in operands.GPU.values()}
    pod = made["nvidia-driver-daemonset"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "r/driver:1-ubuntu20.04"
    assert pod["nodeSelector"] == {"nvidia.com/gpu.deploy.driver": "true"}
    version = world.store.version
    operands.gpu(world, policy(), "default")
    assert world.store.version == version


def test_a_changed_policy_changes_and_removes_them(world: World) -> None:
    operands.gpu(world, policy(), "default")
    operands.gpu(world, policy(version="2"), "default")
    changed = sets(world, "daemonsets")["nvidia-driver-daemonset"]
    assert changed["spec"]["template"]["spec"]["containers"][0]["image"] == "r/driver:2-ubuntu20.04"
    operands.gpu(world, policy(enabled=False), "default")
    assert "nvidia-driver-daemonset" not in sets(world, "daemonsets")
    assert "nvidia-device-plugin-daemonset" in sets(world, "daemonsets")


def test_a_prometheus_makes_its_stateful_set(world: World) -> None:
    meta = {"name": "stack", "namespace": "default", "uid": "prometheus"}
    spec = {"image": "r/prometheus:1", "reloader": "r/reloader:1", "replicas": 2}
    obj = {"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": meta, "spec": spec}
    assert operands.monitoring(world, obj) is not None
    made = sets(world, "statefulsets")["prometheus-stack"]
    assert made["spec"]["replicas"] == 2
    assert [c["image"] for c in made["spec"]["template"]["spec"]["containers"]] == ["r/prometheus:1", "r/reloader:1"]
