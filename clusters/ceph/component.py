"""What a reading of Ceph adds to the health of the component rook-ceph-cluster. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from clusters.ceph.model import CephState
from clusters.ceph.rules import STALE, judge
from clusters.health import ORDER, ComponentHealth

COMPONENT = "rook-ceph-cluster"


def with_reading(component: ComponentHealth, state: CephState, now: datetime) -> ComponentHealth:
    """The component with Ceph's numbers in its details, and as bad as Ceph is.

    A reading that is too old changes nothing: Rook's resource, by which `component` was judged, says when it is.
    """
    if component.state == "absent" or (now - state.at).total_seconds() > STALE:
        return component
    details = {**component.details, "ceph": summary(state)}
    verdict = judge(state, now)
    if not _worse(verdict.state, component.state):
        return replace(component, details=details)
    problems = [verdict.reason, *component.details.get("problems", ())]
    return replace(component, state=verdict.state, reason=verdict.reason, details={**details, "problems": problems})


def summary(state: CephState) -> dict[str, Any]:
    """Ceph in a few numbers (JSON); sizes are raw bytes."""
    return {
        "health": state.health,
        "checks": [check.code for check in state.raised],
        "total_bytes": state.total,
        "used_bytes": state.used,
        "free_bytes": state.free,
        "osds": len(state.osds),
        "osds_up": sum(osd.up for osd in state.osds),
        "osds_in": sum(osd.inside for osd in state.osds),
        "mons": len(state.mons),
        "mons_in_quorum": sum(mon.active for mon in state.mons),
        "placement_groups": state.group_count,
        "placement_groups_clean": state.clean,
        "source": state.source,
        "taken_at": state.at.isoformat(),
    }


def _worse(one: str, other: str) -> bool:
    return one in ORDER and other in ORDER and ORDER.index(one) > ORDER.index(other)
