"""Who uses Ceph's storage, from what kubectl lists. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

ROOK = ("rook-ceph.rbd.csi.ceph.com", "rook-ceph.cephfs.csi.ceph.com", "rook-ceph.ceph.rook.io/bucket")


def classes(found: Iterable[Mapping[str, Any]], provisioners: Collection[str] = ROOK) -> tuple[str, ...]:
    """The StorageClasses that these provisioners serve."""
    return tuple(
        one["metadata"]["name"]
        for one in found
        if one["kind"] == "StorageClass" and one.get("provisioner") in provisioners
    )


def claims(found: Iterable[Mapping[str, Any]], provisioners: Collection[str] = ROOK) -> list[str]:
    """Claims and volumes that hold data in Ceph, as "kind namespace/name"."""
    objects = list(found)
    served = classes(objects, provisioners)
    used, bound = [], set()
    for one in objects:
        meta, spec = one["metadata"], one.get("spec") or {}
        where = f"{meta.get('namespace', '')}/{meta['name']}"
        if one["kind"] == "PersistentVolumeClaim" and spec.get("storageClassName") in served:
            used.append(f"PersistentVolumeClaim {where}")
            bound.add(spec.get("volumeName"))
        if one["kind"] == "ObjectBucketClaim" and spec.get("storageClassName") in served:
            used.append(f"ObjectBucketClaim {where}")
    for one in objects:
        spec = one.get("spec") or {}
        name = one["metadata"]["name"]
        if one["kind"] != "PersistentVolume" or name in bound:
            continue
        # Also where its class is gone, or it never had one.
        if spec.get("storageClassName") in served or (spec.get("csi") or {}).get("driver") in provisioners:
            used.append(f"PersistentVolume {name}")
    return used
