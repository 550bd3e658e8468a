"""Namespaces, garbage collection, endpoints, volumes, definitions and nodes."""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any

from lab.toolchain.common.objects import (
    Obj,
    clone,
    condition_true,
    dig,
    labels,
    now,
    parse_time,
    set_condition,
)
from lab.toolchain.common.pace import speed
from lab.toolchain.controllers import ceph_csi
from lab.toolchain.controllers.world import World, pod_ready

# Seconds; heartbeats come every 2 s, and a busy machine must not look like a dead host.
LEAST_NODE_GRACE = 7.0
NODE_GRACE = 12.0  # seconds at speed 1; 40 s in reality


def reconcile(world: World) -> None:
    namespaces(world)
    definitions(world)
    garbage(world)
    endpoints(world)
    claims(world)
    nodes(world)


def namespaces(world: World) -> None:
    accounts = {
        o["metadata"]["namespace"] for o in world.store.all("", "serviceaccounts") if o["metadata"]["name"] == "default"
    }
    for namespace in world.store.all("", "namespaces"):
        name = namespace["metadata"]["name"]
        if not namespace["metadata"].get("deletionTimestamp"):
            if name not in accounts:
                world.create("", "serviceaccounts", {"metadata": {"name": "default", "namespace": name}})
            continue
        left = 0
        for kind in world.kinds.all():
            if not kind.namespaced or kind.verbs == ("create",):
                continue
            for obj in world.store.all(kind.group, kind.plural, name):
                left += 1
                world.delete(kind.group, kind.plural, obj)
        key = world.key("", "namespaces", namespace)
        if left:
            if dig(namespace, "status", "phase") != "Terminating":
                world.store.modify(key, lambda o: o["status"].update(phase="Terminating"))
            world.later(0.1)
        else:
            world.store.modify(key, lambda o: o["metadata"].update(finalizers=[]))


def definitions(world: World) -> None:
    """Definitions become Established at once; a deleted one takes its objects with it."""
    for crd in world.store.all("apiextensions.k8s.io", "customresourcedefinitions"):
        key = world.key("apiextensions.k8s.io", "customresourcedefinitions", crd)
        group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
        if crd["metadata"].get("deletionTimestamp"):
            objects = world.store.all(group, plural)
            for obj in objects:
                world.store.delete(world.key(group, plural, obj))
            if not world.store.all(group, plural):
                cleanup = "customresourcecleanup.apiextensions.k8s.io"
                kept = [f for f in crd["metadata"].get("finalizers", []) if f != cleanup]
                world.store.modify(key, partial(_set_finalizers, kept))
        elif not condition_true(crd, "Established"):

            def establish(obj: Obj) -> None:
                set_condition(obj, "NamesAccepted", "True", "NoConflicts", "no conflicts found")
                set_condition(
                    obj, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted"
                )
                obj["status"]["acceptedNames"] = clone(obj["spec"]["names"])
                obj["status"]["storedVersions"] = [v["name"] for v in obj["spec"]["versions"] if v.get("storage")]

            world.store.modify(key, establish)


def garbage(world: World) -> None:
    """Delete what belongs to something that is gone; keep a foreground-deleted owner until its parts are gone."""
    with world.store.lock:
        everything = list(world.store.objects.items())
    alive = {obj["metadata"]["uid"] for _, obj in everything}
    by_owner: dict[str, list[Obj]] = {}
    for key, obj in everything:
        owners = obj["metadata"].get("ownerReferences") or []
        for owner in owners:
            by_owner.setdefault(owner["uid"], []).append(obj)
        if owners and not any(owner["uid"] in alive for owner in owners):
            world.delete(key.group, key.plural, obj)
    for key, obj in everything:
        finalizers = obj["metadata"].get("finalizers") or []
        if not obj["metadata"].get("deletionTimestamp"):
            continue
        children = by_owner.get(obj["metadata"]["uid"], [])
        if "foregroundDeletion" in finalizers:
            for child in children:
                if not child["metadata"].get("deletionTimestamp"):
                    group = child["apiVersion"].rpartition("/")[0]
                    kind = world.kinds.by_kind(child["apiVersion"], child["kind"])
                    if kind is not None:
                        world.delete(group, kind.plural, child)
            if not children:
                kept = [f for f in finalizers if f != "foregroundDeletion"]
                world.store.modify(key, partial(_set_finalizers, kept))
            else:
                world.later(0.1)
        elif "orphan" in finalizers:
            for child in children:
                child_kind = world.kinds.by_kind(child["apiVersion"], child["kind"])
                if child_kind is not None:
                    uid = obj["metadata"]["uid"]
                    world.store.modify(
                        world.key(child_kind.group, child_kind.plural, child),
                        partial(_drop_owner, uid),
                    )
            kept = [f for f in finalizers if f != "orphan"]
            world.store.modify(key, partial(_set_finalizers, kept))


def endpoints(world: World) -> None:
    pods = world.store.all("", "pods")
    existing = {(o["metadata"]["namespace"], o["metadata"]["name"]): o for o in world.store.all("", "endpoints")}
    services = {(o["metadata"]["namespace"], o["metadata"]["name"]): o for o in world.store.all("", "services")}
    for where, service in services.items():
        selector = dig(service, "spec", "selector")
        if not selector:
            continue
        chosen = [
            p
            for p in pods
            if p["metadata"]["namespace"] == where[0] and all(labels(p).get(k) == v for k, v in selector.items())
        ]
        ports = [
            {
                "port": p.get("targetPort") if isinstance(p.get("targetPort"), int) else p["port"],
                "protocol": p["protocol"],
            }
            | ({"name": p["name"]} if p.get("name") else {})
            for p in service["spec"].get("ports") or []
        ]
        subset: Obj = {"ports": ports}
        for field, wanted in (("addresses", True), ("notReadyAddresses", False)):
            rows = [
                {
                    "ip": dig(p, "status", "podIP"),
                    "targetRef": {"kind": "Pod", "name": p["metadata"]["name"], "namespace": where[0]},
                }
                for p in chosen
                if dig(p, "status", "podIP") and pod_ready(p) == wanted
            ]
            if rows:
                subset[field] = rows
        subsets = [subset] if len(subset) > 1 else []
        current = existing.get(where)
        if current is None:
            world.create("", "endpoints", {"metadata": {"name": where[1], "namespace": where[0]}, "subsets": subsets})
        elif current.get("subsets") != subsets:
            world.store.modify(world.key("", "endpoints", current), partial(_set_subsets, subsets))
    for where, endpoint in existing.items():
        if where not in services:
            world.delete("", "endpoints", endpoint)


def claims(world: World) -> None:
    """Bind claims whose storage class exists (the default class where none is named)."""
    classes = {c["metadata"]["name"]: c for c in world.store.all("storage.k8s.io", "storageclasses")}
    default = next(
        (
            name
            for name, c in classes.items()
            if (c["metadata"].get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class") == "true"
        ),
        "",
    )
    for claim in world.store.all("", "persistentvolumeclaims"):
        if dig(claim, "status", "phase") == "Bound" or claim["metadata"].get("deletionTimestamp"):
            continue
        wanted = claim["spec"].get("storageClassName", default)
        volume = claim["spec"].get("volumeName")
        if not volume and wanted in classes and not ceph_csi.serves(world, classes[wanted], claim):
            world.later(2)
            continue
        if volume or wanted in classes:
            name = volume or f"pvc-{claim['metadata']['uid']}"

            def bind(obj: Obj, name: str = name, wanted: str = wanted) -> None:
                obj["spec"].setdefault("storageClassName", wanted)
                obj["spec"]["volumeName"] = name
                storage = dig(obj, "spec", "resources", "requests", "storage", default="1Gi")
                modes = obj["spec"].get("accessModes", [])
                obj["status"] = {"phase": "Bound", "accessModes": modes, "capacity": {"storage": storage}}

            world.store.modify(world.key("", "persistentvolumeclaims", claim), bind)
        else:
            world.later(2)


def nodes(world: World) -> None:
    """A node whose lease is not renewed is not ready."""
    leases = {o["metadata"]["name"]: o for o in world.store.all("coordination.k8s.io", "leases", "kube-node-lease")}
    grace = max(NODE_GRACE / speed(), LEAST_NODE_GRACE)
    for node in world.store.all("", "nodes"):
        lease = leases.get(node["metadata"]["name"])
        renewed = dig(lease or {}, "spec", "renewTime")
        if renewed is None:
            continue
        silent = (datetime.datetime.now(datetime.UTC) - parse_time(renewed)).total_seconds()
        if silent > grace and dig(node, "status", "conditions"):

            def lost(obj: Obj) -> None:
                for type_ in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"):
                    set_condition(obj, type_, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
                taints = obj.setdefault("spec", {}).setdefault("taints", [])
                if not any(t["key"] == "node.kubernetes.io/unreachable" for t in taints):
                    taints.append({"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule", "timeAdded": now()})

            was_ready = condition_true(node, "Ready")
            world.store.modify(world.key("", "nodes", node), lost)
            if was_ready:
                world.event(
                    node,
                    "Normal",
                    "NodeNotReady",
                    f"Node {node['metadata']['name']} status is now: NodeNotReady",
                )
        elif condition_true(node, "Ready"):
            taints = [
                t for t in dig(node, "spec", "taints", default=[]) if t["key"] != "node.kubernetes.io/unreachable"
            ]
            if taints != dig(node, "spec", "taints", default=[]):
                world.store.modify(world.key("", "nodes", node), partial(_set_taints, taints))
    world.later(1.0 * speed())


def _set_finalizers(kept: list[str], obj: Obj) -> None:
    obj["metadata"]["finalizers"] = kept


def _drop_owner(uid: str, obj: Obj) -> None:
    owners = obj["metadata"]["ownerReferences"]
    obj["metadata"]["ownerReferences"] = [owner for owner in owners if owner["uid"] != uid]


def _set_subsets(subsets: list[Any], obj: Obj) -> None:
    obj["subsets"] = subsets


def _set_taints(taints: list[Any], obj: Obj) -> None:
    obj["spec"]["taints"] = taints
