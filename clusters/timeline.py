"""The states that something was in over a stretch of time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Span:
    """A state from `start` to `end`; an empty state is before anything was known.

    `place` and `size` are its share of the whole stretch, from 0 to 1.
    """

    state: str
    start: datetime
    end: datetime
    place: float
    size: float


def spans(
    changes: Iterable[tuple[datetime, str, str]], present: str, since: datetime, until: datetime
) -> tuple[Span, ...]:
    """The states between two moments. `changes` (at, old state, new state) are the ones in between, the oldest first.

    Where there is none, it was in its `present` state all the time.
    """
    states: list[tuple[str, datetime]] = []
    for at, old, new in changes:
        if not states:
            states.append((old, since))
        # What two readers wrote in the same moment may come out of order by a little.
        states.append((new, min(max(at, states[-1][1]), until)))
    states = states or [(present, since)]
    ends = [start for _, start in states[1:]] + [until]
    whole = (until - since).total_seconds()
    return tuple(
        Span(state, start, end, (start - since).total_seconds() / whole, (end - start).total_seconds() / whole)
        for (state, start), end in zip(states, ends, strict=True)
        if end > start
    )
