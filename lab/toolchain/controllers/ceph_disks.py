"""OSDs of the simulated Ceph: which disk has which id, and what a node's kubelet is asked to do with its disks.

A node's annotation `WANTED` lists the disks that are to be OSDs (JSON), `PREPARED` those that the node's own kubelet
has written Ceph's label on. A disk that carries anything else is not taken, as by Rook's own prepare job.
"""

from __future__ import annotations

import json
import re

from lab.toolchain.apiserver.store import Key
from lab.toolchain.common.objects import Obj
from lab.toolchain.containers.ceph_scene import DISK, marks_of
from lab.toolchain.controllers.world import World

WANTED, PREPARED = "lab.sanqian.dev/ceph-wanted", "lab.sanqian.dev/ceph-prepared"
CLEAN = "lab.sanqian.dev/ceph-clean"  # uid of the CephCluster whose directory the kubelet shall remove
_NAME = re.compile(r"rook-ceph-osd-(\d+)")


def osds(world: World, cluster: Obj, given: list[tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """{id: (node, disk)} of the OSDs that exist or may be made now."""
    purged = set(marks_of(cluster).get("purged", []))
    found: dict[int, tuple[str, str]] = {}
    for one in world.store.all("apps", "deployments", cluster["metadata"]["namespace"]):
        if name := _NAME.fullmatch(one["metadata"]["name"]):
            node = one["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"]
            found[int(name[1])] = (node, one["metadata"].get("annotations", {}).get(DISK, ""))
    _ask(world, {*given, *found.values()})
    free = max([*found, *purged], default=-1) + 1
    for disk in given:
        if disk not in found.values() and _prepared(world, *disk):
            found[free] = disk
            free += 1
    return found


def _ask(world: World, disks: set[tuple[str, str]]) -> None:
    for node in world.store.all("", "nodes"):
        name = node["metadata"]["name"]
        wanted = json.dumps(sorted(disk for where, disk in disks if where == name))
        annotations = node["metadata"].get("annotations") or {}
        if wanted != "[]" and annotations.get(WANTED) != wanted:
            annotate(world, name, {WANTED: wanted, CLEAN: ""})


def annotate(world: World, node: str, values: dict[str, str]) -> None:
    key = Key("", "nodes", "", node)
    world.store.modify(key, lambda obj: obj["metadata"].setdefault("annotations", {}).update(values))


def _prepared(world: World, node: str, disk: str) -> bool:
    """A node without a kubelet of its own, as in tests on a bare store, has every disk ready."""
    found = world.store.find(Key("", "nodes", "", node))
    annotations = (found or {}).get("metadata", {}).get("annotations") or {}
    return PREPARED not in annotations or disk in json.loads(annotations[PREPARED])
