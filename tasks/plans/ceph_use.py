"""Who uses Ceph's storage, from what kubectl lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PROVISIONERS = (".rbd.csi.ceph.com", ".cephfs.csi.ceph.com", ".ceph.rook.io/bucket")
PROOF = "sanqian-proof"  # the label of what a proof of use makes, which holds nobody's data


def classes(found: Iterable[Mapping[str, Any]], namespace: str = "rook-ceph") -> tuple[str, ...]:
    """The StorageClasses that this Rook serves."""
    own = [f"{namespace}{end}" for end in PROVISIONERS]
    return tuple(
        one["metadata"]["name"] for one in found if one["kind"] == "StorageClass" and one.get("provisioner") in own
    )


def claims(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Claims and volumes that hold data in Ceph, as "kind namespace/name"."""
    objects = list(found)
    served = classes(objects)
    used, bound = [], set()
    for one in objects:
        meta, spec = one["metadata"], one.get("spec") or {}
        where = f"{meta.get('namespace', '')}/{meta['name']}"
        if spec.get("storageClassName") not in served:
            continue
        bound.add(spec.get("volumeName"))
        if PROOF in (meta.get("labels") or {}) and meta.get("namespace") == "rook-ceph":
            continue
        if one["kind"] == "PersistentVolumeClaim":
            used.append(f"PersistentVolumeClaim {where}")
        if one["kind"] == "ObjectBucketClaim":
            used.append(f"ObjectBucketClaim {where}")
    for one in objects:
        spec = one.get("spec") or {}
        name = one["metadata"]["name"]
        if one["kind"] == "PersistentVolume" and spec.get("storageClassName") in served and name not in bound:
            used.append(f"PersistentVolume {name}")
    return used
