"""Whether Ceph is up as it was asked for, from what Rook's objects and ``ceph status`` say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.plan import JSON

FRESH = 300.0  # seconds; Rook looks every minute
ACCEPTED = ("HEALTH_OK", "HEALTH_WARN")
POOLS = ("CephBlockPool", "CephFilesystem", "CephObjectStore")
GOOD_PHASES = ("Ready", "Connected")


@dataclass(frozen=True)
class Ready:
    """`missing`: what is not yet so, in words; empty when all is. `warnings`: checks that Ceph itself raises."""

    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    osds: int = 0
    osds_up: int = 0


def judge(objects: Iterable[Mapping[str, JSON]], status: Mapping[str, JSON] | None, osds: int, now: datetime) -> Ready:
    """`objects`: the CephCluster and its pools; `status`: ``ceph status -f json``, None where the toolbox gave none.

    `osds` is how many disks were chosen.
    """
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for one in objects:
        by_kind.setdefault(one["kind"], []).append(one)
    missing, warnings = _cluster(by_kind.get("CephCluster", []), now)
    for kind in POOLS:
        found = by_kind.get(kind, [])
        missing += [] if found else [f"there is no {kind} yet"]
        for one in found:
            phase = (one.get("status") or {}).get("phase", "")
            if phase not in GOOD_PHASES:
                missing.append(f"{kind} {one['metadata']['name']} is {phase or 'without a status'}")
    if status is None:
        return Ready((*missing, "the toolbox does not answer yet"), tuple(warnings))
    quorum, mons = len(status.get("quorum_names", [])), int(status.get("monmap", {}).get("num_mons", 0))
    up, all_ = (int(status["osdmap"][key]) for key in ("num_up_osds", "num_osds"))
    if not mons or quorum < mons:
        missing.append(f"{quorum} of {mons} monitors are in quorum")
    if not status.get("mgrmap", {}).get("available"):
        missing.append("no manager is active")
    if up < osds:
        missing.append(f"{up} of {osds} OSDs are up" + (f", {all_} exist" if all_ != up else ""))
    return Ready(tuple(missing), tuple(warnings), all_, up)


def _cluster(found: list[Mapping[str, Any]], now: datetime) -> tuple[list[str], list[str]]:
    if not found:
        return ["there is no CephCluster yet"], []
    told = found[0].get("status") or {}
    ceph = told.get("ceph") or {}
    health, missing = ceph.get("health", ""), []
    if told.get("phase") != "Ready":
        missing.append(
            f"CephCluster is {told.get('phase') or 'without a phase'}: {told.get('message', '')}".rstrip(": ")
        )
    details = [f"{code}: {one.get('message', '')}" for code, one in (ceph.get("details") or {}).items()]
    if health not in ACCEPTED:
        missing.append(f"its health is {health or 'not known'}" + (f" ({'; '.join(details)})" if details else ""))
    elif stale(ceph.get("lastChecked", ""), now):
        missing.append(f"its health was last read at {ceph.get('lastChecked') or 'no time'}")
    return missing, details


def stale(stamp: str, now: datetime) -> bool:
    """Whether Rook's last look at Ceph is too long ago."""
    try:
        return (now - datetime.fromisoformat(stamp.replace("Z", "+00:00"))).total_seconds() > FRESH
    except ValueError:
        return True
