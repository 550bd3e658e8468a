"""What the simulated Ceph answers with ``-f json``: shaped as Ceph 16's own answers, with less in them."""

from __future__ import annotations

from typing import Any

from lab.toolchain.common.objects import parse_time
from lab.toolchain.containers.ceph_scene import FULL, GROUPS_A_POOL, NEARFULL, OSD_BYTES, Osd, Scene

Answer = dict[str, Any]
WEIGHT = OSD_BYTES / 2**40  # CRUSH weights are TiB


def status(scene: Scene) -> Answer:
    names, quorum = list(scene.mons), scene.quorum
    return {
        "fsid": scene.fsid,
        "health": health_summary(scene),
        "quorum": [names.index(name) for name in quorum],
        "quorum_names": quorum,
        "monmap": {"epoch": 1, "min_mon_release_name": "quincy", "num_mons": len(names)},
        "osdmap": {
            "epoch": 24,
            "num_osds": len(scene.osds),
            "num_up_osds": sum(osd.up for osd in scene.osds),
            "num_in_osds": sum(osd.is_in for osd in scene.osds),
            "num_remapped_pgs": 0,
        },
        "pgmap": {
            "pgs_by_state": [{"state_name": name, "count": count} for name, count in groups(scene).items()],
            "num_pgs": sum(groups(scene).values()),
            "num_pools": len(scene.pools),
            "num_objects": 100,
            "data_bytes": _used(scene) // 3,
            "bytes_used": _used(scene),
            "bytes_avail": _total(scene) - _used(scene),
            "bytes_total": _total(scene),
        },
        "fsmap": {"epoch": 1, "by_rank": [], "up:standby": sum(scene.mdss.values())},
        "mgrmap": {
            "available": any(scene.mgrs.values()),
            "num_standbys": max(sum(scene.mgrs.values()) - 1, 0),
            "modules": ["SIMULATED"],
            "services": {},
        },
        "servicemap": {"epoch": 1, "services": {}},
        "progress_events": {},
    }


def groups(scene: Scene) -> dict[str, int]:
    """Placement groups by state; each OSD that is away takes its share of them."""
    count = GROUPS_A_POOL * len(scene.pools)
    if not scene.osds:
        return {"unknown": count}
    down = sum(osd.is_in and not osd.up for osd in scene.osds)
    bad = -(-count * down // len(scene.osds))
    if len(scene.osds) < max(pool.size for pool in scene.pools):
        bad = count
    moving = min(count - bad, GROUPS_A_POOL * scene.moving)
    found = {
        "active+clean": count - bad - moving,
        "active+undersized+degraded": bad,
        "active+remapped+backfilling": moving,
    }
    return {name: number for name, number in found.items() if number}


def health_summary(scene: Scene) -> Answer:
    checks = {code: {k: v for k, v in one.items() if k != "detail"} for code, one in scene.checks.items()}
    return {"status": scene.health, "checks": checks, "mutes": []}


def health_detail(scene: Scene) -> Answer:
    return {"status": scene.health, "checks": scene.checks, "mutes": []}


def osd_tree(scene: Scene) -> Answer:
    hosts = scene.hosts
    ids = {name: -3 - 2 * index for index, name in enumerate(hosts)}
    nodes: list[Answer] = [
        {"id": -1, "name": "default", "type": "root", "type_id": 11, "children": sorted(ids.values())}
    ]
    for name, osds in hosts.items():
        children = sorted((osd.id for osd in osds), reverse=True)
        nodes.append({"id": ids[name], "name": name, "type": "host", "type_id": 1, "children": children})
        nodes += [{**_leaf(osd), "exists": 1, "primary_affinity": 1} for osd in osds]
    return {"nodes": nodes, "stray": []}


def osd_df(scene: Scene) -> Answer:
    nodes = []
    for osd in scene.osds:
        size = OSD_BYTES if osd.is_in else 0
        used = osd.used if osd.is_in else 0
        nodes.append(
            {
                **_leaf(osd),
                "kb": size // 1024,
                "kb_used": used // 1024,
                "kb_avail": (size - used) // 1024,
                "utilization": 100 * used / size if size else 0,
                "pgs": GROUPS_A_POOL * 3 // len(scene.osds) if osd.is_in else 0,
            }
        )
    summary = {
        "total_kb": _total(scene) // 1024,
        "total_kb_used": _used(scene) // 1024,
        "total_kb_avail": (_total(scene) - _used(scene)) // 1024,
    }
    return {"nodes": nodes, "stray": [], "summary": summary}


def osd_ls(scene: Scene) -> list[int]:
    return [osd.id for osd in scene.osds]


def osd_dump(scene: Scene) -> Answer:
    return {
        "epoch": 24,
        "fsid": scene.fsid,
        "flags": ",".join(scene.flags),
        "flags_set": list(scene.flags),
        "full_ratio": FULL / 100,
        "backfillfull_ratio": 0.9,
        "nearfull_ratio": NEARFULL / 100,
        "pools": [
            {
                "pool": pool.id,
                "pool_name": pool.name,
                "type": 3 if pool.erasure[0] else 1,
                "size": pool.size,
                "min_size": pool.min_size,
                "crush_rule": 0,
                "pg_num": GROUPS_A_POOL,
            }
            for pool in scene.pools
        ],
        "osds": [
            {"osd": osd.id, "uuid": osd.uuid, "up": int(osd.up), "in": int(osd.is_in), "weight": int(osd.is_in)}
            for osd in scene.osds
        ],
    }


def crush_rules(scene: Scene) -> list[Answer]:
    steps = [
        {"op": "take", "item": -1, "item_name": "default"},
        {"op": "chooseleaf_firstn", "num": 0, "type": "host"},
        {"op": "emit"},
    ]
    return [{"rule_id": 0, "rule_name": "replicated_rule", "type": 1, "steps": steps}]


def df(scene: Scene) -> Answer:
    total, used = _total(scene), _used(scene)
    return {
        "stats": {
            "total_bytes": total,
            "total_avail_bytes": total - used,
            "total_used_bytes": used,
            "total_used_raw_bytes": used,
            "total_used_raw_ratio": used / total if total else 0,
            "num_osds": len(scene.osds),
        },
        "pools": [
            {
                "name": pool.name,
                "id": pool.id,
                "stats": {"stored": 0, "objects": 0, "bytes_used": 0, "max_avail": (total - used) // pool.size},
            }
            for pool in scene.pools
        ],
    }


def versions(scene: Scene) -> Answer:
    text = f"ceph version {scene.version} (SIMULATED)"
    counts = {
        "mon": len(scene.quorum),
        "mgr": sum(scene.mgrs.values()),
        "osd": sum(osd.up for osd in scene.osds),
        "mds": sum(scene.mdss.values()),
        "rgw": sum(scene.rgws.values()),
    }
    found: Answer = {kind: {text: count} if count else {} for kind, count in counts.items()}
    return {**found, "overall": {text: sum(counts.values())}}


def quorum_status(scene: Scene) -> Answer:
    mons = [{"rank": rank, "name": name} for rank, name in enumerate(scene.mons)]
    created = parse_time(scene.cluster["metadata"]["creationTimestamp"]).isoformat()
    return {
        "quorum_names": scene.quorum,
        "quorum_leader_name": next(iter(scene.quorum), ""),
        "monmap": {"epoch": 1, "fsid": scene.fsid, "created": created, "mons": mons},
    }


def mgr_stat(scene: Scene) -> Answer:
    active = next((name for name, runs in scene.mgrs.items() if runs), "")
    return {
        "epoch": 1,
        "available": bool(active),
        "active_name": active,
        "num_standby": max(sum(scene.mgrs.values()) - 1, 0),
    }


def safe_to_destroy(scene: Scene, ids: list[int]) -> Answer:
    """Safe are those that are out and whose data has moved."""
    known = {osd.id: osd for osd in scene.osds}
    safe = [one for one in ids if one in known and not known[one].is_in and not scene.moving]
    return {"safe_to_destroy": safe, "active": [one for one in ids if one in known and one not in safe]}


def _leaf(osd: Osd) -> Answer:
    return {
        "id": osd.id,
        "device_class": "hdd",
        "name": f"osd.{osd.id}",
        "type": "osd",
        "type_id": 0,
        "crush_weight": WEIGHT,
        "reweight": int(osd.is_in),
        "status": "up" if osd.up else "down",
    }


def _total(scene: Scene) -> int:
    return sum(OSD_BYTES for osd in scene.osds if osd.is_in)


def _used(scene: Scene) -> int:
    return sum(osd.used for osd in scene.osds if osd.is_in)
