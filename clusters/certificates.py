"""When a cluster's certificates end, as health. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clusters.health import ComponentHealth
from clusters.problems import told

NAME = "certificates"
SOON, URGENT = 30, 7  # days


@dataclass(frozen=True)
class Certificate:
    """A certificate on a host. `ends` is None for what is no certificate that openssl can read."""

    host: str
    path: str
    ends: datetime | None

    def days(self, now: datetime) -> int:
        """Whole days that it still holds; negative once it has ended."""
        if self.ends is None:
            raise ValueError(f"{self.path} on {self.host} has no end")
        return (self.ends - now).days

    def to_json(self) -> dict[str, Any]:
        return {"host": self.host, "path": self.path, "ends_at": self.ends.isoformat() if self.ends else None}


def parse(host: str, text: str) -> tuple[Certificate, ...]:
    """From lines of a path, a tab, and the end as openssl prints it (``Nov 23 20:17:00 2027 GMT``)."""
    found = []
    for line in text.splitlines():
        path, tab, end = line.partition("\t")
        if tab:
            found.append(Certificate(host, path, _moment(end)))
    return tuple(found)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    except ValueError:
        return None


def level(days: int | None) -> str:
    """The state of health that a certificate with so many days left means; None for what is none."""
    if days is None:
        return "degraded"
    if days <= URGENT:
        return "unhealthy"
    return "degraded" if days <= SOON else "healthy"


def judge(certificates: Iterable[Certificate], unread: Mapping[str, str], now: datetime) -> ComponentHealth:
    """The component's health. `unread` says of hosts why they could not be asked.

    Unhealthy when one ends within 7 days or has ended, degraded within 30 or where one cannot be read, unknown where
    nothing worse is known and a host did not answer.
    """
    all_of_them = tuple(certificates)
    broken = [f"{one.path} on {one.host} cannot be read" for one in all_of_them if one.ends is None]
    sound = sorted((one for one in all_of_them if one.ends is not None), key=lambda one: one.days(now))
    ending = [one for one in sound if one.days(now) <= SOON]
    silent = [f"{host} was not read: {why}" for host, why in unread.items()]
    levels = {level(one.days(now) if one.ends else None) for one in all_of_them}
    if "unhealthy" in levels:
        state = "unhealthy"
    elif "degraded" in levels:
        state = "degraded"
    elif silent or not sound:
        state = "unknown"
    else:
        state = "healthy"
    texts = [*(_said(one, now) for one in ending), *broken, *silent]
    if not all_of_them and not silent:
        texts = ["no certificate was found on the hosts"]
    return ComponentHealth(
        NAME,
        state,
        desired=len(all_of_them),
        ready=len(sound) - len(ending),
        reason=told(texts),
        details={"certificates": [one.to_json() for one in all_of_them], "unread": dict(unread)},
    )


def _said(one: Certificate, now: datetime) -> str:
    days = one.days(now)
    if days < 0:
        return f"{one.path} on {one.host} has ended"
    return f"{one.path} on {one.host} ends in {days} days"
