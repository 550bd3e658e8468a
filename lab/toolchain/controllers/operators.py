"""What the platform's operators do once their own pods run: node labels, device resources, status of their objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lab.toolchain.common.objects import Obj, clone, dig, labels, set_condition
from lab.toolchain.controllers import ceph, operands
from lab.toolchain.controllers.world import World, pod_ready

PCI = "lab.sanqian.dev/pci"  # the kubelet's annotation: a host's PCI devices
NVIDIA, MELLANOX = "10de", "15b3"
GPU_PRODUCT, GPU_MEMORY = "NVIDIA-A100-SXM4-80GB", "81920"
GPU_PARTS = (
    "driver",
    "container-toolkit",
    "device-plugin",
    "dcgm-exporter",
    "operator-validator",
    "gpu-feature-discovery",
)


def reconcile(world: World) -> None:
    if operator_of(world, "node-feature-discovery-master-"):
        feature_discovery(world)
    if namespace := operator_of(world, "gpu-operator-"):
        gpus(world, namespace)
    if namespace := operator_of(world, "network-operator-"):
        for policy in world.store.all("mellanox.com", "nicclusterpolicies"):
            operands.network(world, policy, namespace)
        policies(world, "mellanox.com", "nicclusterpolicies", namespace)
    if operator_of(world, "kube-prometheus-stack-operator-"):
        monitoring(world)
    if operator_of(world, "kruise-controller-manager-"):
        image_pulls(world)
    if operator_of(world, "cert-manager-webhook-"):
        certificates(world)
    if namespace := operator_of(world, "rook-ceph-operator-"):
        ceph.reconcile(world, namespace)


def operator_of(world: World, prefix: str) -> str:
    """The namespace of a ready pod whose name begins so; empty where the operator does not run, and so does nothing."""
    for pod in world.store.all("", "pods"):
        if pod["metadata"]["name"].startswith(prefix) and pod_ready(pod):
            return str(pod["metadata"]["namespace"])
    return ""


def label(world: World, node: Obj, wanted: Mapping[str, str]) -> None:
    if any(labels(node).get(key) != value for key, value in wanted.items()):
        put: Callable[[Obj], Any] = lambda obj: obj["metadata"].setdefault("labels", {}).update(wanted)  # noqa: E731
        world.store.modify(world.key("", "nodes", node), put)


# -- hardware -------------------------------------------------------------------------------------------------


def devices(node: Obj, vendor: str) -> list[Obj]:
    """PCI devices of a vendor that the node's kubelet has seen."""
    found = json.loads((node["metadata"].get("annotations") or {}).get(PCI) or "[]")
    return [device for device in found if device["vendor"] == vendor]


def feature_discovery(world: World) -> None:
    for node in world.store.all("", "nodes"):
        wanted = {"feature.node.kubernetes.io/system-os_release.ID": "debian"}
        for vendor in (NVIDIA, MELLANOX):
            if devices(node, vendor):
                wanted[f"feature.node.kubernetes.io/pci-{vendor}.present"] = "true"
        label(world, node, wanted)


def gpus(world: World, namespace: str) -> None:
    """Nodes with a card take the operator's daemon sets, and offer the card once the device plugin runs there."""
    found = world.store.all("nvidia.com", "clusterpolicies")
    if not found:
        return
    for policy in found:
        operands.gpu(world, policy, namespace)
    for node in world.store.all("", "nodes"):
        if labels(node).get(f"feature.node.kubernetes.io/pci-{NVIDIA}.present") != "true":
            continue
        wanted = {f"nvidia.com/gpu.deploy.{part}": "true" for part in GPU_PARTS} | {"nvidia.com/gpu.present": "true"}
        # What somebody has set before stays: a host with a driver of its own takes no driver container.
        label(world, node, {key: value for key, value in wanted.items() if key not in labels(node)})
        if _runs_on(world, namespace, "nvidia-device-plugin-daemonset-", node):
            _offer(world, node)
    policies(world, "nvidia.com", "clusterpolicies", namespace)


def _runs_on(world: World, namespace: str, prefix: str, node: Obj) -> bool:
    name = node["metadata"]["name"]
    return any(
        pod["metadata"]["name"].startswith(prefix) and pod["spec"].get("nodeName") == name and pod_ready(pod)
        for pod in world.store.all("", "pods", namespace)
    )


def _offer(world: World, node: Obj) -> None:
    count = str(len(devices(node, NVIDIA)))
    facts = {"count": count, "product": GPU_PRODUCT, "memory": GPU_MEMORY}
    label(world, node, {f"nvidia.com/gpu.{key}": value for key, value in facts.items()})
    if dig(node, "status", "allocatable", "nvidia.com/gpu") == count:
        return

    def put(obj: Obj) -> None:
        for part in ("capacity", "allocatable"):
            obj.setdefault("status", {}).setdefault(part, {})["nvidia.com/gpu"] = count

    world.store.modify(world.key("", "nodes", node), put)


def policies(world: World, group: str, plural: str, namespace: str) -> None:
    """A policy is ready when the daemon sets in its operator's namespace are."""
    found = world.store.all("apps", "daemonsets", namespace)
    ready = all(
        dig(daemon, "status", "numberReady", default=-1) >= dig(daemon, "status", "desiredNumberScheduled", default=0)
        for daemon in found
    )
    for policy in world.store.all(group, plural):
        status = {"namespace": namespace, "state": "ready" if ready else "notReady"}
        world.put_status(group, plural, policy, status)


# -- monitoring, images, certificates -------------------------------------------------------------------------


def monitoring(world: World) -> None:
    group = "monitoring.coreos.com"
    for plural in ("prometheuses", "alertmanagers"):
        for obj in world.store.all(group, plural):
            ready = dig(operands.monitoring(world, obj), "status", "readyReplicas", default=0)
            wanted = int(obj["spec"].get("replicas", 1))
            holder: Obj = {"status": clone(obj.get("status") or {})}
            set_condition(holder, "Available", "True" if ready >= wanted else "False")
            world.put_status(group, plural, obj, {**holder["status"], "replicas": wanted, "availableReplicas": ready})


def image_pulls(world: World) -> None:
    for job in world.store.all("apps.kruise.io", "imagepulljobs"):
        wanted = dig(job, "spec", "selector", "matchLabels", default={})
        nodes = [node for node in world.store.all("", "nodes") if wanted.items() <= labels(node).items()]
        count = len(nodes)
        status = {"desired": count, "active": 0, "completed": count, "succeeded": count, "failedNodes": []}
        world.put_status("apps.kruise.io", "imagepulljobs", job, status)


def certificates(world: World) -> None:
    for plural in ("certificates", "issuers", "clusterissuers"):
        for obj in world.store.all("cert-manager.io", plural):
            holder: Obj = {"status": clone(obj.get("status") or {})}
            if set_condition(holder, "Ready", "True", "Ready", "SIMULATED: up to date and has not expired"):
                world.put_status("cert-manager.io", plural, obj, holder["status"])
