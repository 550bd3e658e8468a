"""When a delivery is tried again, and how long an endpoint that does not take things is left alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

JITTER = 0.1
LONGEST_REST = 300.0
LONGEST_ASKED = 86_400.0


def pause(tries: int, delays: Sequence[float], chance: float) -> float | None:
    """Seconds until the next try after `tries` of them, spread by `chance` (0 to 1); None where none is left."""
    tries = max(1, tries)
    if tries > len(delays):
        return None
    return delays[tries - 1] * (1 + JITTER * (2 * chance - 1))


def rest(failures: int, delays: Sequence[float]) -> float:
    """Seconds for which nothing is sent to an endpoint that refused `failures` tries in a row.

    So one that is away costs a worker a few seconds in five minutes, however much waits for it.
    """
    return min(LONGEST_REST, delays[min(failures, len(delays)) - 1]) if delays and failures else 0.0


def asked_pause(header: str, now: datetime) -> float:
    """Seconds that a ``Retry-After`` asks for, at most a day; 0 where it asks for nothing."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(LONGEST_ASKED, float(text[:9]))
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    return min(LONGEST_ASKED, max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()))
