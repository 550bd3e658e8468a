"""From Rook's CephCluster resource alone to a `CephState`, for when the toolbox cannot be asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clusters.ceph.answers import short_version
from clusters.ceph.model import RESOURCE, CephState, Check
from clusters.readings import moment

JSON = Any


def state_from_resource(cluster: Mapping[str, JSON], now: datetime) -> CephState:
    """Health, checks, capacity and versions of ``status.ceph``, as of its ``lastChecked``. Daemons are not in it."""
    status = cluster.get("status") or {}
    ceph = status.get("ceph") or {}
    capacity = ceph.get("capacity") or {}
    return CephState(
        at=moment(ceph.get("lastChecked")) or now,
        source=RESOURCE,
        fsid=str(ceph.get("fsid") or ""),
        health=str(ceph.get("health") or ""),
        phase=str(status.get("phase") or ""),
        checks=tuple(
            Check(code, one.get("severity", ""), str(one.get("message", ""))[:500])
            for code, one in (ceph.get("details") or {}).items()
        ),
        total=int(capacity.get("bytesTotal") or 0),
        used=int(capacity.get("bytesUsed") or 0),
        free=int(capacity.get("bytesAvailable") or 0),
        versions={
            kind: {short_version(text): int(count) for text, count in counts.items()}
            for kind, counts in (ceph.get("versions") or {}).items()
            if kind != "overall" and counts
        },
    )
