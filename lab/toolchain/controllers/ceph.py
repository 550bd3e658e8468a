"""What Rook's operator does with a CephCluster, SIMULATED: monitors, managers, OSDs of the named disks, its status."""

from __future__ import annotations

import uuid

from lab.toolchain.apiserver.store import Key
from lab.toolchain.common import shapes
from lab.toolchain.common.objects import Obj, age_seconds, condition_true, dig, labels, now
from lab.toolchain.containers.ceph_scene import DISK
from lab.toolchain.controllers import ceph_disks, ceph_objects, ceph_teardown
from lab.toolchain.controllers.world import World, owner_reference

GROUP = "ceph.rook.io"
CHECK_SECONDS = 30.0
TERABYTE = 10**12


def reconcile(world: World, namespace: str) -> None:
    """`namespace`: where the operator runs."""
    operator = next(p for p in world.store.all("", "pods", namespace) if "rook-ceph-operator" in p["metadata"]["name"])
    registry = operator["spec"]["containers"][0]["image"].rpartition("/")[0]
    ceph_objects.reconcile(world)
    for cluster in world.store.all(GROUP, "cephclusters"):
        if cluster["metadata"].get("deletionTimestamp"):
            ceph_teardown.cluster(world, cluster)
        else:
            _cluster(world, cluster, registry)


def disks(world: World, cluster: Obj) -> list[tuple[str, str]]:
    """(node, device) of every disk that the spec gives; all nodes' one raw disk where it says so."""
    storage = dig(cluster, "spec", "storage", default={})
    if storage.get("useAllNodes") and storage.get("useAllDevices"):
        nodes = [n for n in world.store.all("", "nodes") if "node-role.kubernetes.io/worker" in labels(n)]
        return [(n["metadata"]["name"], "vdb") for n in nodes if condition_true(n, "Ready")]
    return [
        (node["name"], device.get("name") or device.get("fullpath", ""))
        for node in storage.get("nodes") or []
        for device in node.get("devices") or []
    ]


def _cluster(world: World, cluster: Obj, registry: str) -> None:
    ceph_teardown.hold(world, "cephclusters", cluster)
    namespace = cluster["metadata"]["namespace"]
    image = dig(cluster, "spec", "cephVersion", "image", default="ceph:v17.2.6")
    image = image if "/" in image else f"{registry}/{image}"
    osds = ceph_disks.osds(world, cluster, disks(world, cluster))
    monitors = [f"rook-ceph-mon-{letter}" for letter in "abcdefg"[: dig(cluster, "spec", "mon", "count", default=3)]]
    managers = [f"rook-ceph-mgr-{letter}" for letter in "ab"[: dig(cluster, "spec", "mgr", "count", default=2)]]
    daemons = dict.fromkeys([*monitors, *managers], "")
    if world.store.all(GROUP, "cephfilesystems", namespace) and osds:
        daemons |= {f"rook-ceph-mds-ceph-filesystem-{letter}": "" for letter in "ab"}
    if world.store.all(GROUP, "cephobjectstores", namespace) and osds:
        daemons["rook-ceph-rgw-ceph-objectstore-a"] = ""
    ready = [_daemon(world, cluster, image, name) for name in daemons]
    ready += [_daemon(world, cluster, image, f"rook-ceph-osd-{ident}", *disk) for ident, disk in osds.items()]
    for plural in ("cephblockpools", "cephfilesystems", "cephobjectstores"):
        for pool in world.store.all(GROUP, plural, namespace):
            phase = "Ready" if osds and all(ready) else "Progressing"
            world.put_status(GROUP, plural, pool, {**(pool.get("status") or {}), "phase": phase})
    _status(world, cluster, len(osds), all(ready))


def _daemon(world: World, cluster: Obj, image: str, name: str, node: str = "", disk: str = "") -> bool:
    namespace = cluster["metadata"]["namespace"]
    found = world.store.find(Key("apps", "deployments", namespace, name))
    if found is None:
        kind = name.split("-")[2]
        selected = {"app": f"rook-ceph-{kind}", "ceph-daemon-id": name.split("-")[-1], "rook_cluster": namespace}
        pod: Obj = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
        made = shapes.workload("Deployment", name, namespace, [image], labels=selected, pod=pod)
        made["metadata"]["ownerReferences"] = [owner_reference(cluster)]
        if disk:
            made["metadata"]["annotations"] = {DISK: disk}
            made["metadata"]["labels"] |= {"ceph-osd-id": selected["ceph-daemon-id"], "failure-domain": node}
        world.create("apps", "deployments", made)
        return False
    return bool(dig(found, "status", "readyReplicas", default=0) >= 1)


def _status(world: World, cluster: Obj, osds: int, ready: bool) -> None:
    old = cluster.get("status") or {}
    before = old.get("ceph") or {}
    health, details = "HEALTH_OK", {}
    copies = _copies(world, cluster["metadata"]["namespace"])
    if osds < copies:
        health = "HEALTH_WARN"
        message = f"OSD count {osds} < osd_pool_default_size {copies}"
        details = {"TOO_FEW_OSDS": {"severity": "HEALTH_WARN", "message": message}}
    elif not ready:
        health = "HEALTH_WARN"
        details = {"OSD_DOWN": {"severity": "HEALTH_WARN", "message": "SIMULATED: some daemons are down"}}
    if not (before or (ready and osds)):
        world.put_status(GROUP, "cephclusters", cluster, {"phase": "Progressing", "message": "Configuring Ceph"})
        world.later(1)
        return
    same = before.get("health") == health and before.get("details", {}) == details
    if same and age_seconds(before["lastChecked"]) < CHECK_SECONDS:
        world.later(CHECK_SECONDS)
        return
    stamp = now()
    ceph = {
        "health": health,
        "details": details,
        "previousHealth": before.get("health", health) if not same else before.get("previousHealth", health),
        "lastChanged": before.get("lastChanged", stamp) if same else stamp,
        "lastChecked": stamp,
        "capacity": {"bytesTotal": osds * TERABYTE, "bytesUsed": TERABYTE // 100, "bytesAvailable": osds * TERABYTE},
        "fsid": before.get("fsid") or str(uuid.uuid5(uuid.NAMESPACE_OID, cluster["metadata"]["uid"])),
        "versions": {"overall": {"ceph version 17.2.6 SIMULATED": osds}},
    }
    status = {**old, "phase": "Ready", "message": "Cluster created successfully", "state": "Created", "ceph": ceph}
    world.put_status(GROUP, "cephclusters", cluster, status)


def _copies(world: World, namespace: str) -> int:
    """How many copies the block pools want."""
    pools = world.store.all(GROUP, "cephblockpools", namespace)
    return max((int(dig(pool, "spec", "replicated", "size", default=3)) for pool in pools), default=3)
