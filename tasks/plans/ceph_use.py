"""Who uses Ceph's storage, from what kubectl lists. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

# Rook's, behind the namespace of its operator: the dot at the beginning says so.
ROOK = (".rbd.csi.ceph.com", ".cephfs.csi.ceph.com", ".ceph.rook.io/bucket")
# The label of what a proof of use makes, which holds nobody's data, and where it makes it.
PROOF, PROOF_SPACES = "sanqian-proof", ("rook-ceph", "ceph-csi-cephfs")


def _by(provisioner: str, provisioners: Collection[str]) -> bool:
    return any(provisioner.endswith(one) if one.startswith(".") else provisioner == one for one in provisioners)


def classes(found: Iterable[Mapping[str, Any]], provisioners: Collection[str] = ROOK) -> tuple[str, ...]:
    """The StorageClasses that these provisioners serve."""
    return tuple(
        one["metadata"]["name"]
        for one in found
        if one["kind"] == "StorageClass" and _by(one.get("provisioner") or "", provisioners)
    )


def claims(found: Iterable[Mapping[str, Any]], provisioners: Collection[str] = ROOK) -> list[str]:
    """Claims and volumes that hold data in Ceph, as "kind namespace/name"."""
    objects = list(found)
    served = classes(objects, provisioners)
    used, bound = [], set()
    for one in objects:
        meta, spec = one["metadata"], one.get("spec") or {}
        where = f"{meta.get('namespace', '')}/{meta['name']}"
        if spec.get("storageClassName") not in served:
            continue
        bound.add(spec.get("volumeName"))
        if PROOF in (meta.get("labels") or {}) and meta.get("namespace") in PROOF_SPACES:
            continue
        if one["kind"] == "PersistentVolumeClaim":
            used.append(f"PersistentVolumeClaim {where}")
        if one["kind"] == "ObjectBucketClaim":
            used.append(f"ObjectBucketClaim {where}")
    for one in objects:
        spec = one.get("spec") or {}
        name = one["metadata"]["name"]
        if one["kind"] != "PersistentVolume" or name in bound:
            continue
        # Also where its class is gone, or it never had one.
        if spec.get("storageClassName") in served or _by((spec.get("csi") or {}).get("driver") or "", provisioners):
            used.append(f"PersistentVolume {name}")
    return used
