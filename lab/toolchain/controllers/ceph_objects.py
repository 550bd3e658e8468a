"""Pools, file systems, object stores and bucket claims of the simulated Rook, whether or not a cluster is there."""

from __future__ import annotations

from lab.toolchain.common.objects import Obj, digest
from lab.toolchain.controllers.ceph_teardown import DEPENDENTS, GROUP, hold, let_go
from lab.toolchain.controllers.world import World, owner_reference

BUCKETS = "objectbucket.io"


def reconcile(world: World) -> None:
    for plural in DEPENDENTS:
        for obj in world.store.all(GROUP, plural):
            if obj["metadata"].get("deletionTimestamp"):
                let_go(world, plural, obj)
            else:
                hold(world, plural, obj)
    for claim in world.store.all(BUCKETS, "objectbucketclaims"):
        if not claim["metadata"].get("deletionTimestamp") and (claim.get("status") or {}).get("phase") != "Bound":
            _bucket(world, claim)


def _bucket(world: World, claim: Obj) -> None:
    """A claim of a class that is there gets a bucket: what clients need is in a ConfigMap and a Secret of its name."""
    classes = {one["metadata"]["name"]: one for one in world.store.all("storage.k8s.io", "storageclasses")}
    wanted = classes.get(claim["spec"].get("storageClassName", ""))
    stores = [
        one
        for one in world.store.all(GROUP, "cephobjectstores")
        if wanted and one["metadata"]["name"] == wanted.get("parameters", {}).get("objectStoreName")
    ]
    if not stores or (stores[0].get("status") or {}).get("phase") != "Ready":
        world.later(2)
        return
    metadata = claim["metadata"]
    bucket = f"{claim['spec'].get('generateBucketName', 'bucket')}-{metadata['uid'][:8]}"
    host = f"rook-ceph-rgw-{stores[0]['metadata']['name']}.{stores[0]['metadata']['namespace']}.svc"
    for plural, kind, field, content in (
        ("configmaps", "ConfigMap", "data", {"BUCKET_NAME": bucket, "BUCKET_HOST": host, "BUCKET_PORT": "80"}),
        ("secrets", "Secret", "stringData", _keys(metadata["uid"])),
    ):
        own = {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "ownerReferences": [owner_reference(claim)],
        }
        world.create("", plural, {"apiVersion": "v1", "kind": kind, "metadata": own, field: content})
    world.put_status(BUCKETS, "objectbucketclaims", claim, {"phase": "Bound"})


def _keys(seed: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": f"SIMULATED{digest(seed, 12)}", "AWS_SECRET_ACCESS_KEY": digest([seed, "secret"], 40)}
