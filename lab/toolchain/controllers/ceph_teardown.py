"""How the simulated Rook lets go of its objects: finalizers, blocked deletion, cleanup jobs."""

from __future__ import annotations

from lab.toolchain.apiserver.store import Key
from lab.toolchain.common.objects import Obj, clone, dig, set_condition
from lab.toolchain.controllers.ceph_disks import CLEAN, PREPARED, WANTED, annotate
from lab.toolchain.controllers.world import World

GROUP = "ceph.rook.io"
DEPENDENTS = {
    "cephblockpools": "CephBlockPool",
    "cephfilesystems": "CephFilesystem",
    "cephobjectstores": "CephObjectStore",
}
CONFIRMATION = "yes-really-destroy-data"


def finalizer(plural: str) -> str:
    return f"{plural.removesuffix('s')}.{GROUP}"


def hold(world: World, plural: str, obj: Obj) -> None:
    """Put Rook's finalizer on an object."""
    if finalizer(plural) not in (obj["metadata"].get("finalizers") or []):
        key = world.key(GROUP, plural, obj)
        world.store.modify(key, lambda o: o["metadata"].setdefault("finalizers", []).append(finalizer(plural)))


def let_go(world: World, plural: str, obj: Obj) -> None:
    kept = [one for one in obj["metadata"].get("finalizers") or [] if one != finalizer(plural)]
    world.store.modify(world.key(GROUP, plural, obj), lambda o: o["metadata"].update(finalizers=kept))


def cluster(world: World, obj: Obj) -> None:
    """A CephCluster that is being deleted: blocked by what depends on it, else gone, with cleanup where confirmed."""
    namespace = obj["metadata"]["namespace"]
    left = {
        kind: [one["metadata"]["name"] for one in found]
        for plural, kind in DEPENDENTS.items()
        if (found := world.store.all(GROUP, plural, namespace))
    }
    holder: Obj = {"status": clone(obj.get("status") or {})}
    if left:
        names = ", ".join(f"{kind}: {names}" for kind, names in left.items())
        message = f"CephCluster will not be deleted until all dependents are removed: {names}"
        set_condition(holder, "DeletionIsBlocked", "True", "ObjectHasDependents", message)
        world.put_status(GROUP, "cephclusters", obj, {**holder["status"], "phase": "Deleting"})
        return
    if dig(obj, "spec", "cleanupPolicy", "confirmation") == CONFIRMATION:
        for node in world.store.all("", "nodes"):
            if WANTED in (node["metadata"].get("annotations") or {}):
                _clean(world, obj, node["metadata"]["name"])
    let_go(world, "cephclusters", obj)


def _clean(world: World, obj: Obj, node: str) -> None:
    """The job is played; the host's directory is removed by its own kubelet."""
    namespace, name = obj["metadata"]["namespace"], f"cluster-cleanup-job-{node}"
    annotate(world, node, {WANTED: "[]", PREPARED: "[]", CLEAN: obj["metadata"]["uid"]})
    if world.store.find(Key("batch", "jobs", namespace, name)) is None:
        image = dig(obj, "spec", "cephVersion", "image", default="ceph:v17.2.6")
        container = {"name": "host-cleanup", "image": image, "command": ["SIMULATED"]}
        pod = {"restartPolicy": "OnFailure", "nodeName": node, "containers": [container]}
        labels = {"app": "rook-ceph-cleanup", "rook-ceph-cleanup": "true"}
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        template = {"metadata": {"labels": labels}, "spec": pod}
        world.create("batch", "jobs", {"metadata": metadata, "spec": {"template": template}})
