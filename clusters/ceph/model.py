"""One reading of a Ceph cluster. Sizes are bytes and raw: three replicas of a byte are three bytes used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

JSON = Any

TOOLBOX, RESOURCE = "toolbox", "resource"
NEARFULL_RATIO, FULL_RATIO = 0.85, 0.95  # Ceph's own defaults


@dataclass(frozen=True)
class Check:
    """A health check that is raised. A `muted` one does not count in the health.

    `severity`: HEALTH_WARN or HEALTH_ERR. `details`: one line for each thing that it is about.
    """

    code: str
    severity: str
    message: str
    details: tuple[str, ...] = ()
    muted: bool = False


@dataclass(frozen=True)
class Osd:
    """One disk's daemon. One that is out (`inside` is False) holds no data in the end, and counts in no capacity.

    `size`, `used`, `free`: bytes; 0 while it is out, and where they are not known. `groups`: placement groups on it.
    """

    id: int
    host: str
    up: bool
    inside: bool
    device_class: str = ""
    size: int = 0
    used: int = 0
    free: int = 0
    groups: int = 0


@dataclass(frozen=True)
class Daemon:
    """A monitor (`active`: it is in the quorum)."""

    name: str
    active: bool


@dataclass(frozen=True)
class Pool:
    """`size` copies (or chunks) of each object, each in a `failure_domain` (host, osd ...) of its own.

    With fewer than `min_size` of them at hand the data cannot be written. `stored`: bytes of the users' data;
    `used`: raw bytes; `available`: bytes of data that can still be stored.
    """

    name: str
    size: int
    min_size: int
    failure_domain: str = "host"
    erasure_coded: bool = False
    stored: int = 0
    used: int = 0
    available: int = 0


@dataclass(frozen=True)
class CephState:
    """What was read at `at`, from `source`: the toolbox, or Rook's resource alone (which knows no daemons).

    `health`: HEALTH_OK, HEALTH_WARN, HEALTH_ERR, or empty where Ceph has not said it yet. `phase`: Rook's word.
    `total`, `used`, `free`: raw bytes of the OSDs that are in. `groups`: {state: number of placement groups}.
    `versions`: {kind of daemon: {version: how many run it}}. `flags`: those that somebody has
    set, such as noout. `unread`: {command: why it gave nothing}.
    """

    at: datetime
    source: str
    fsid: str = ""
    health: str = ""
    phase: str = ""
    checks: tuple[Check, ...] = ()
    total: int = 0
    used: int = 0
    free: int = 0
    osds: tuple[Osd, ...] = ()
    mons: tuple[Daemon, ...] = ()
    manager: str = ""
    standbys: int = 0
    groups: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pools: tuple[Pool, ...] = ()
    flags: tuple[str, ...] = ()
    nearfull_ratio: float = NEARFULL_RATIO
    full_ratio: float = FULL_RATIO
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def hosts(self) -> dict[str, tuple[Osd, ...]]:
        """OSDs by host, in the order of their names."""
        found: dict[str, tuple[Osd, ...]] = {}
        for osd in sorted(self.osds, key=lambda osd: (osd.host, osd.id)):
            found[osd.host] = (*found.get(osd.host, ()), osd)
        return found

    @property
    def group_count(self) -> int:
        """All placement groups."""
        return sum(self.groups.values())

    @property
    def clean(self) -> int:
        """Placement groups that have all copies where they belong; being scrubbed takes nothing from that."""
        return sum(count for name, count in self.groups.items() if is_clean(name))

    @property
    def raised(self) -> tuple[Check, ...]:
        """The checks that count, the worst first."""
        counting = [check for check in self.checks if not check.muted]
        return tuple(sorted(counting, key=lambda check: check.severity != "HEALTH_ERR"))

    @property
    def slow_ops(self) -> int:
        """Requests that have waited too long for an OSD or a monitor."""
        check = self.check("SLOW_OPS")
        number = re.match(r"\d+", check.message) if check else None
        return int(number[0]) if number else int(check is not None)

    def to_json(self) -> dict[str, JSON]:
        """The state as JSON; `from_json` is its inverse."""
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> CephState:
        """The state that `to_json` made `data` from."""
        return cls(
            **{
                **data,
                "at": datetime.fromisoformat(data["at"]),
                "checks": tuple(Check(**{**one, "details": tuple(one["details"])}) for one in data["checks"]),
                "osds": tuple(Osd(**one) for one in data["osds"]),
                "mons": tuple(Daemon(**one) for one in data["mons"]),
                "pools": tuple(Pool(**one) for one in data["pools"]),
                "flags": tuple(data["flags"]),
            }
        )

    def check(self, code: str) -> Check | None:
        """The check of this code, muted or not."""
        return next((check for check in self.checks if check.code == code), None)


def is_clean(state: str) -> bool:
    """Whether a placement group in this state (``active+clean+scrubbing``) lacks nothing."""
    return set(state.split("+")) - {"scrubbing", "deep", "snaptrim", "snaptrim_wait"} == {"active", "clean"}
