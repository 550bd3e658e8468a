"""How healthy a Ceph is, why, and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clusters.ceph.model import RESOURCE, CephState, Check

STALE = 300.0  # seconds after which a reading says nothing of the present; Rook looks every minute
_STATES = {"HEALTH_OK": "healthy", "HEALTH_WARN": "degraded", "HEALTH_ERR": "unhealthy"}
# Checks that Ceph only warns of although data cannot be reached while they last.
_GRAVE = ("PG_AVAILABILITY", "OSD_FULL", "POOL_FULL", "MGR_DOWN")
_TOLD = 3  # checks in the reason
ADVICE = {
    "MON_DOWN": "See why the monitor's pod or host is down. With half of the monitors lost all storage stands still.",
    "MON_CLOCK_SKEW": "Let chrony or ntpd keep time on all storage hosts.",
    "MON_DISK_LOW": "Free space in /var/lib/rook on the monitor's host.",
    "MON_DISK_CRIT": "Free space in /var/lib/rook on the monitor's host at once; at 5 % the monitor ends.",
    "MGR_DOWN": "See why no rook-ceph-mgr pod runs: `kubectl get pods -n rook-ceph`.",
    "OSD_DOWN": "See the host and disk of the OSDs that are down; replace a failed disk, or start the host again.",
    "OSD_HOST_DOWN": "Start the host again, or see why its OSDs do not run.",
    "OSD_ROOT_DOWN": "All OSDs are down: see network and power of the storage hosts.",
    "OSD_NEARFULL": "Add disks or hosts, or delete data: at 90 % nothing is moved there, at 95 % all writing stops.",
    "OSD_BACKFILLFULL": "Add disks or hosts, or delete data: lost copies cannot be restored to these OSDs.",
    "OSD_FULL": "Writing has stopped. Add disks or hosts, or delete data.",
    "POOL_NEARFULL": "Raise the pool's quota, or delete data.",
    "POOL_FULL": "Writing to the pool has stopped. Raise its quota, add disks, or delete data.",
    "OSDMAP_FLAGS": "Unset the flag when the work that it was set for is over: `ceph osd unset FLAG`.",
    "TOO_FEW_OSDS": "Add disks: the pools keep more copies than there are OSDs.",
    "PG_AVAILABILITY": "Some data cannot be reached. Bring the OSDs back that are down.",
    "PG_DEGRADED": "Copies are missing. Ceph makes new ones by itself when the OSDs are back or out; wait for it.",
    "PG_DEGRADED_FULL": "Copies are missing and there is no room for new ones. Add disks or delete data.",
    "PG_BACKFILL_FULL": "There is no room to move data to. Add disks or delete data.",
    "PG_DAMAGED": "Copies differ. See `ceph health detail`, then `ceph pg repair PG` once the disks are sound.",
    "OBJECT_UNFOUND": "No OSD that is up holds the newest copy of some objects. Bring back those that are down.",
    "OBJECT_MISPLACED": "Data is being moved. Wait for it.",
    "OSD_SCRUB_ERRORS": "Look for failing disks (SMART), then `ceph pg repair PG`.",
    "SLOW_OPS": "See the disks and the network of the daemons named.",
    "OSD_SLOW_PING_TIME_BACK": "See the network between the storage hosts, and whether they have CPU to spare.",
    "OSD_SLOW_PING_TIME_FRONT": "See the network between the storage hosts, and whether they have CPU to spare.",
    "BLUESTORE_SLOW_OP_ALERT": "See the OSD's disk: it is slow, and may be failing.",
    "POOL_NO_REDUNDANCY": "The pool keeps a single copy: one lost disk loses data. Raise its size.",
    "POOL_APP_NOT_ENABLED": "`ceph osd pool application enable POOL rbd|cephfs|rgw`.",
    "RECENT_CRASH": "See `ceph crash ls`; `ceph crash archive-all` when they are understood.",
    "MDS_ALL_DOWN": "No metadata server runs: the file system cannot be used. See the rook-ceph-mds pods.",
    "FS_DEGRADED": "A metadata server is missing. See the rook-ceph-mds pods.",
    "AUTH_INSECURE_GLOBAL_ID_RECLAIM_ALLOWED": "Update old clients, then "
    "`ceph config set mon auth_allow_insecure_global_id_reclaim false`.",
    "DEVICE_HEALTH": "A disk is expected to fail soon: replace it.",
}


@dataclass(frozen=True)
class Verdict:
    """`state`: a word of `HealthState`. `reason`: why it is not healthy. `advice`: what to do, the worst first."""

    state: str
    reason: str = ""
    advice: tuple[str, ...] = ()


def judge(state: CephState, now: datetime) -> Verdict:
    """The verdict at `now`. Muted checks do not count, as they do not in Ceph's own word."""
    age = (now - state.at).total_seconds()
    if age > STALE:
        who = "Rook's operator does not look any more" if state.source == RESOURCE else "it was not read since"
        advice = "See the pod of rook-ceph-operator: `kubectl get pods -n rook-ceph`."
        return Verdict("unknown", f"the last word of Ceph's health is {age / 60:.0f} min old: {who}", (advice,))
    if not state.health:
        said = f"Rook is {state.phase}" if state.phase else "Ceph has not told its health yet"
        return Verdict("progressing", said)
    word = _STATES.get(state.health, "degraded")
    if any(check.code in _GRAVE for check in state.raised):
        word = "unhealthy"
    told = [f"{check.code}: {check.message}" for check in state.raised]
    more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    reason = "" if word == "healthy" else "; ".join([state.health, *told[:_TOLD]]) + more
    return Verdict(word, reason, tuple(advice_of(check) for check in state.raised if advice_of(check)))


def advice_of(check: Check) -> str:
    """What to do about a check; empty where nothing better is known than its own message."""
    return ADVICE.get(check.code, "")
