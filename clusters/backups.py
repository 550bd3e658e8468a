"""Snapshots of etcd as they lie in a directory of a host. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from clusters.health import ComponentHealth

NAME = "backups"


@dataclass(frozen=True)
class Snapshot:
    """A file with its checksum, and what etcd says of it."""

    name: str
    size: int
    sha256: str
    revision: int
    keys: int
    taken_at: datetime


def parse(text: str) -> tuple[Snapshot, ...]:
    """From lines of name, size, checksum and etcd's status (JSON), with tabs between. Raises ValueError."""
    found = []
    for line in text.splitlines():
        name, size, sha256, status = line.split("\t", 3)
        said = json.loads(status)
        taken = datetime.strptime(name, "etcd-%Y%m%dT%H%M%SZ.db").replace(tzinfo=UTC)
        found.append(Snapshot(name, int(size), sha256, int(said["revision"]), int(said["totalKey"]), taken))
    return tuple(found)


def judge(newest: datetime | None, hours: int, now: datetime) -> ComponentHealth:
    """The component's health where a backup is to be taken every `hours`: degraded when two were missed."""
    if newest is None:
        return ComponentHealth(NAME, "progressing", reason="there is no backup of etcd yet")
    age = (now - newest).total_seconds() / 3600
    if age <= 2 * hours + 1:
        return ComponentHealth(NAME, "healthy", desired=1, ready=1, details={"newest": newest.isoformat()})
    reason = f"the newest backup of etcd is {age:.0f} hours old, and one is due every {hours}"
    return ComponentHealth(NAME, "degraded", desired=1, reason=reason, details={"newest": newest.isoformat()})
