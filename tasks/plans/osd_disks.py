"""Which disk an OSD is on, told by the label that Ceph has written on it; and how its host forgets it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.plan import JSON
from tasks.plans.disks import Disk

Claim = tuple[str, str]  # path, serial


def claims(text: str, *ids: str) -> list[Claim]:
    """The disks that a host has given the Ceph of a cluster with one of these ids; lines "cluster serial path"."""
    rows = [line.split() for line in text.splitlines()]
    return [(row[2], row[1]) for row in rows if len(row) == 3 and row[0] in ids]


def without(text: str, serials: set[str], *ids: str) -> str:
    """`text` without the lines of a cluster with one of these ids for these disks."""
    rows = [(line, line.split()) for line in text.splitlines()]
    return "".join(f"{line}\n" for line, row in rows if len(row) < 2 or row[0] not in ids or row[1] not in serials)


def of(
    osd: int, dump: Mapping[str, JSON], host: str, disks: Sequence[Disk], given: Mapping[str, Sequence[Claim]]
) -> Claim | None:
    """Path and serial number of the OSD's disk; None where that is not certain.

    `dump` is ``ceph osd dump``. A dead disk shows no label: then it is the one of those given that cannot be read.
    """
    uuids = {one["osd"]: one.get("uuid", "") for one in dump.get("osds", [])}
    here = list(given.get(host, []))
    by_serial = {disk.serial: disk for disk in disks if disk.host == host}
    labels = {serial: by_serial[serial].label for _, serial in here if serial in by_serial}
    own = [claim for claim in here if uuids.get(osd) and labels.get(claim[1]) == uuids[osd]]
    if len(own) == 1:
        return own[0]
    dead = [claim for claim in here if claim[1] not in by_serial or by_serial[claim[1]].unreadable]
    return dead[0] if len(dead) == 1 and not own else None


def release(values: dict[str, Any], gone: set[tuple[str, str]]) -> None:
    """Take disks, (host, path), out of the chart's values."""
    storage = values["cephClusterSpec"]["storage"]
    nodes = [
        {**node, "devices": [one for one in node["devices"] if (node["name"], one["name"]) not in gone]}
        for node in storage["nodes"]
    ]
    storage["nodes"] = [node for node in nodes if node["devices"]]
