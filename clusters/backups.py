"""Snapshots of etcd as they lie in a directory of a host. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from clusters.health import ComponentHealth
from clusters.problems import told

NAME = "backups"
PATTERN = "etcd-%Y%m%dT%H%M%SZ.db"


@dataclass(frozen=True)
class Snapshot:
    """A file with its checksum, and what etcd says of it."""

    name: str
    size: int
    sha256: str
    revision: int
    keys: int
    taken_at: datetime
    etcd_version: str = ""
    kubernetes_version: str = ""
    members: tuple[str, ...] = ()


def parse(text: str) -> tuple[Snapshot, ...]:
    """From lines of name, size, checksum and what was noted of it (JSON), with tabs between. Raises ValueError."""
    return tuple(snapshot(name, int(size), sha256, noted) for name, size, sha256, noted in _split(text))


def snapshot(name: str, size: int, sha256: str, noted: str) -> Snapshot:
    """Of a file of this name; `noted` is etcd's status as JSON, with the versions and members of then.

    Raises ValueError or KeyError for what is none.
    """
    said = json.loads(noted)
    return Snapshot(
        name,
        size,
        sha256,
        int(said["revision"]),
        int(said["totalKey"]),
        datetime.strptime(name, PATTERN).replace(tzinfo=UTC),
        str(said.get("etcd", "")),
        str(said.get("kubernetes", "")),
        tuple(str(said.get("members", "")).split()),
    )


def _split(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        yield line.split("\t", 3)


def judge(newest: datetime | None, hours: int, now: datetime, waits: str = "") -> ComponentHealth:
    """The component's health where a backup is to be taken every `hours`: degraded when two were missed.

    `waits` says why one that is due has not begun.
    """
    why = [f"a backup is due and waits: {waits}"] if waits else []
    if newest is None:
        return ComponentHealth(NAME, "progressing", reason=told(["there is no backup of etcd yet", *why]))
    age = (now - newest).total_seconds() / 3600
    seen = {"newest": newest.isoformat()}
    if age <= 2 * hours + 1:
        return ComponentHealth(NAME, "healthy", desired=1, ready=1, reason=told(why), details=seen)
    reason = f"the newest backup of etcd is {age:.0f} hours old, and one is due every {hours}"
    return ComponentHealth(NAME, "degraded", desired=1, reason=told([reason, *why]), details=seen)
