"""The workloads that operators make from their custom resources: drivers, device plugins, Prometheus, Alertmanager."""

from __future__ import annotations

from collections.abc import Sequence

from lab.toolchain.apiserver.store import Key
from lab.toolchain.common import shapes
from lab.toolchain.common.objects import Obj, clone, dig, digest
from lab.toolchain.controllers.world import World, owner_reference

MADE_FROM = "lab.sanqian.dev/made-from"  # a workload's annotation: digest of the spec that its operator wants
SYSTEM = "ubuntu20.04"  # the driver images' suffix
# What the real operator takes where a policy names nothing.
REGISTRY, DRIVER = "nvcr.io/nvidia", "525.85.12"
# part: (daemon set, image, the policy's field that switches it)
GPU = {
    "driver": ("nvidia-driver-daemonset", "", "driver"),
    "container-toolkit": ("nvidia-container-toolkit-daemonset", "container-toolkit:v1.13.0", "toolkit"),
    "device-plugin": ("nvidia-device-plugin-daemonset", "k8s-device-plugin:v0.14.0", "devicePlugin"),
    "dcgm-exporter": ("nvidia-dcgm-exporter", "dcgm-exporter:3.1.7", "dcgmExporter"),
    "operator-validator": ("nvidia-operator-validator", "gpu-operator-validator:v23.3.1", "validator"),
    "gpu-feature-discovery": ("gpu-feature-discovery", "gpu-feature-discovery:v0.8.0", "gfd"),
}


def gpu(world: World, policy: Obj, namespace: str) -> None:
    """A ClusterPolicy's daemon sets, on nodes whose label asks for the part."""
    spec = policy["spec"]
    registry = dig(spec, "operator", "registry", default=REGISTRY)
    driver = f"{dig(spec, 'driver', 'repository', default=REGISTRY)}/driver"
    driver += f":{dig(spec, 'driver', 'version', default=DRIVER)}-{SYSTEM}"
    wanted = []
    for part, (name, image, field) in GPU.items():
        if not dig(spec, field, "enabled", default=True):
            continue
        full = f"{registry}/{image}" if image else driver
        wanted.append(_daemon_set(name, namespace, full, f"nvidia.com/gpu.deploy.{part}"))
    keep(world, policy, "daemonsets", namespace, wanted)


def network(world: World, policy: Obj, namespace: str) -> None:
    """A NicClusterPolicy's daemon sets, on nodes with a card."""
    present = "feature.node.kubernetes.io/pci-15b3.present"
    wanted = []
    for field, name, suffix in (
        ("ofedDriver", f"mofed-{SYSTEM}-ds", f"-{SYSTEM}-amd64"),
        ("rdmaSharedDevicePlugin", "rdma-shared-dp-ds", ""),
    ):
        part = dig(policy, "spec", field)
        if part:
            image = f"{part['repository']}/{part['image']}:{part['version']}{suffix}"
            wanted.append(_daemon_set(name, namespace, image, present))
    keep(world, policy, "daemonsets", namespace, wanted)


def monitoring(world: World, obj: Obj) -> Obj | None:
    """The stateful set of a Prometheus or Alertmanager; None where it could not be made."""
    kind, name, namespace = obj["kind"].lower(), obj["metadata"]["name"], obj["metadata"]["namespace"]
    spec = obj["spec"]
    selected = {"app.kubernetes.io/name": kind, kind: name}
    images = [spec["image"], *([spec["reloader"]] if "reloader" in spec else [])]
    replicas = int(spec.get("replicas", 1))
    made = shapes.workload("StatefulSet", f"{kind}-{name}", namespace, images, labels=selected, replicas=replicas)
    keep(world, obj, "statefulsets", namespace, [made])
    return world.store.find(Key("apps", "statefulsets", namespace, f"{kind}-{name}"))


def keep(world: World, owner: Obj, plural: str, namespace: str, wanted: Sequence[Obj]) -> None:
    """Make the owner's workloads those wanted: create, change and delete."""
    names = set()
    for obj in wanted:
        name = obj["metadata"]["name"]
        names.add(name)
        source = digest(obj["spec"])
        key = Key("apps", plural, namespace, name)
        found = world.store.find(key)
        if found is None:
            obj["metadata"] |= {"annotations": {MADE_FROM: source}, "ownerReferences": [owner_reference(owner)]}
            world.create("apps", plural, obj)
        elif (found["metadata"].get("annotations") or {}).get(MADE_FROM) != source:

            def change(old: Obj, spec: Obj = obj["spec"], source: str = source) -> None:
                old["spec"] = {**old["spec"], **clone(spec)}
                old["metadata"].setdefault("annotations", {})[MADE_FROM] = source
                old["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1

            world.store.modify(key, change)
    for found in world.store.all("apps", plural, namespace):
        owners = {reference["uid"] for reference in found["metadata"].get("ownerReferences") or []}
        if owner["metadata"]["uid"] in owners and found["metadata"]["name"] not in names:
            world.delete("apps", plural, found)


def _daemon_set(name: str, namespace: str, image: str, label: str) -> Obj:
    pod = {"nodeSelector": {label: "true"}, "tolerations": list(shapes.EVERYWHERE)}
    return shapes.workload("DaemonSet", name, namespace, [image], labels={"app": name}, pod=pod)
