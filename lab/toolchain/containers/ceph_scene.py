"""What the simulated Ceph is made of at this moment: the CephCluster, the daemons' deployments, and the marks on it.

Marks are an annotation of the CephCluster (`MARKS`, JSON) with what no Kubernetes object holds: since when an OSD is
out (seconds since the epoch), which ids are purged, flags, and how full an OSD is (percent):
``{"out": {"5": 1700000000}, "purged": [4], "flags": ["noout"], "utilization": {"0": 87.0}}``.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from lab.toolchain.apiserver.store import Store
from lab.toolchain.common.objects import Obj, dig
from lab.toolchain.common.pace import speed

GROUP = "ceph.rook.io"
MARKS = "lab.sanqian.dev/ceph"
DISK = "lab.sanqian.dev/disk"  # of an OSD's deployment
OSD_BYTES = 10**12
USED_PERCENT = 1.0
NEARFULL, FULL = 85.0, 95.0  # percent, Ceph's own defaults
GROUPS_A_POOL = 32
MOVING = 3.0  # seconds at speed 1 that the data of an OSD that is out needs to move


@dataclass(frozen=True)
class Osd:
    id: int
    host: str
    up: bool
    is_in: bool
    utilization: float  # percent
    uuid: str = ""

    @property
    def used(self) -> int:
        return int(OSD_BYTES * self.utilization / 100)


@dataclass(frozen=True)
class Pool:
    id: int
    name: str
    size: int
    erasure: tuple[int, int] = (0, 0)  # data and coding chunks

    @property
    def min_size(self) -> int:
        return self.erasure[0] + 1 if self.erasure[0] else max(self.size - 1, 1)


@dataclass(frozen=True)
class Scene:
    """`mons`, `mgrs`, `mdss` and `rgws`: {name: whether it runs}."""

    cluster: Obj
    version: str
    mons: dict[str, bool]
    mgrs: dict[str, bool]
    mdss: dict[str, bool]
    rgws: dict[str, bool]
    osds: tuple[Osd, ...]
    pools: tuple[Pool, ...]
    flags: tuple[str, ...] = ()
    moving: int = 0  # OSDs whose data is on its way
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def quorum(self) -> list[str]:
        """The monitors that agree; empty where there are too few."""
        running = [name for name, runs in self.mons.items() if runs]
        return running if len(running) * 2 > len(self.mons) else []

    @property
    def fsid(self) -> str:
        return str(dig(self.cluster, "status", "ceph", "fsid", default=self.cluster["metadata"]["uid"]))

    @property
    def hosts(self) -> dict[str, list[Osd]]:
        found: dict[str, list[Osd]] = {}
        for osd in self.osds:
            found.setdefault(osd.host, []).append(osd)
        return dict(sorted(found.items()))

    @property
    def health(self) -> str:
        severities = {check["severity"] for check in self.checks.values()}
        return next((word for word in ("HEALTH_ERR", "HEALTH_WARN") if word in severities), "HEALTH_OK")


def look(store: Store, namespace: str) -> Scene | None:
    """None where the namespace has no CephCluster."""
    cluster = next(iter(store.all(GROUP, "cephclusters", namespace)), None)
    if cluster is None:
        return None
    marks = marks_of(cluster)
    daemons: dict[str, dict[str, Obj]] = {}
    for deployment in store.all("apps", "deployments", namespace):
        _, _, rest = deployment["metadata"]["name"].partition("rook-ceph-")
        kind, _, name = rest.partition("-")
        if name:
            daemons.setdefault(kind, {})[name] = deployment
    image = dig(cluster, "spec", "cephVersion", "image", default="ceph:v17.2.6")
    scene = Scene(
        cluster=cluster,
        version=image.rpartition(":")[2].removeprefix("v"),
        mons=_running(daemons.get("mon", {})),
        mgrs=_running(daemons.get("mgr", {})),
        mdss=_running(daemons.get("mds", {})),
        rgws=_running(daemons.get("rgw", {})),
        osds=_osds(daemons.get("osd", {}), marks),
        pools=_pools(store, namespace),
        flags=tuple(marks.get("flags", [])),
        moving=sum((time.time() - since) * speed() < MOVING for since in marks.get("out", {}).values()),
    )
    scene.checks.update(_checks(scene))
    return scene


def marks_of(cluster: Obj) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((cluster["metadata"].get("annotations") or {}).get(MARKS) or "{}")
    return found


def uuid_of(node: str, disk: str) -> str:
    """The UUID that the kubelet writes on a disk, and that Ceph tells of the disk's OSD."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{node} {disk}"))


def _running(deployments: dict[str, Obj]) -> dict[str, bool]:
    return {name: dig(one, "status", "readyReplicas", default=0) > 0 for name, one in deployments.items()}


def _osds(deployments: dict[str, Obj], marks: dict[str, Any]) -> tuple[Osd, ...]:
    running, found = _running(deployments), []
    for name, one in deployments.items():
        if not name.isdigit() or int(name) in marks.get("purged", []):
            continue
        host = dig(one, "spec", "template", "spec", "nodeSelector", "kubernetes.io/hostname", default="")
        out = name in marks.get("out", {})
        used = float(marks.get("utilization", {}).get(name, 0.0 if out else USED_PERCENT))
        label = uuid_of(host, (one["metadata"].get("annotations") or {}).get(DISK, ""))
        found.append(Osd(int(name), host, running[name], not out, used, label))
    return tuple(sorted(found, key=lambda osd: osd.id))


def _pools(store: Store, namespace: str) -> tuple[Pool, ...]:
    found: list[tuple[str, Obj]] = [(".mgr", {})]
    for pool in store.all(GROUP, "cephblockpools", namespace):
        found.append((pool["metadata"]["name"], pool["spec"]))
    for system in store.all(GROUP, "cephfilesystems", namespace):
        name, spec = system["metadata"]["name"], system["spec"]
        found.append((f"{name}-metadata", spec.get("metadataPool") or {}))
        for index, data in enumerate(spec.get("dataPools") or []):
            found.append((f"{name}-{data.get('name', f'data{index}')}", data))
    for objects in store.all(GROUP, "cephobjectstores", namespace):
        found.append((f"{objects['metadata']['name']}.rgw.buckets.data", objects["spec"].get("dataPool") or {}))
    return tuple(_pool(index, name, spec) for index, (name, spec) in enumerate(found, 1))


def _pool(ident: int, name: str, spec: Obj) -> Pool:
    data, coding = (dig(spec, "erasureCoded", key, default=0) for key in ("dataChunks", "codingChunks"))
    size = data + coding or dig(spec, "replicated", "size", default=3)
    return Pool(ident, name, size, (data, coding))


def _checks(scene: Scene) -> dict[str, dict[str, Any]]:
    """The health checks that a real Ceph of this state would raise, in its words."""
    found: dict[str, dict[str, Any]] = {}

    def add(code: str, summary: str, detail: list[str], severity: str = "HEALTH_WARN") -> None:
        found[code] = {
            "severity": severity,
            "summary": {"message": summary, "count": len(detail) or 1},
            "detail": [{"message": line} for line in detail],
            "muted": False,
        }

    away = [name for name, runs in scene.mons.items() if not runs]
    if away and scene.quorum:
        names = ",".join(scene.quorum)
        lines = [f"mon.{name} (rank {list(scene.mons).index(name)}) is down (out of quorum)" for name in away]
        add("MON_DOWN", f"{len(away)}/{len(scene.mons)} mons down, quorum {names}", lines)
    down = [osd for osd in scene.osds if osd.is_in and not osd.up]
    if down:
        lines = [f"osd.{osd.id} (root=default,host={osd.host}) is down" for osd in down]
        add("OSD_DOWN", f"{len(down)} osds down", lines)
        share = 100 * len(down) / len(scene.osds)
        add("PG_DEGRADED", f"Degraded data redundancy: {share:.3f}% of objects degraded (SIMULATED)", [])
    largest = max((pool.size for pool in scene.pools), default=3)
    if len(scene.osds) < largest:
        add("TOO_FEW_OSDS", f"OSD count {len(scene.osds)} < osd_pool_default_size {largest}", [])
    if scene.flags:
        add("OSDMAP_FLAGS", f"{','.join(scene.flags)} flag(s) set", [])
    for code, least, most, word in (
        ("OSD_NEARFULL", NEARFULL, FULL, "near full"),
        ("OSD_FULL", FULL, 101.0, "full"),
    ):
        struck = [osd for osd in scene.osds if least <= osd.utilization < most]
        if struck:
            lines = [f"osd.{osd.id} is {word}" for osd in struck]
            severity = "HEALTH_ERR" if code == "OSD_FULL" else "HEALTH_WARN"
            add(code, f"{len(struck)} {word.replace(' ', '')} osd(s)", lines, severity)
    if not any(scene.mgrs.values()):
        add("MGR_DOWN", "no active mgr", [])
    return found
