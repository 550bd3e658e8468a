"""The states of a stretch of time, from the changes within it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clusters.timeline import spans

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=24)
STATES = st.sampled_from(["healthy", "degraded", "unhealthy"])


def at(hours: float) -> datetime:
    return SINCE + timedelta(hours=hours)


def test_what_did_not_change_was_always_so() -> None:
    (one,) = spans([], "healthy", SINCE, UNTIL)
    assert (one.state, one.start, one.end, one.place, one.size) == ("healthy", SINCE, UNTIL, 0, 1)


def test_changes_divide_the_time() -> None:
    found = spans([(at(6), "healthy", "degraded"), (at(18), "degraded", "healthy")], "healthy", SINCE, UNTIL)
    assert [(one.state, one.place, one.size) for one in found] == [
        ("healthy", 0, 0.25),
        ("degraded", 0.25, 0.5),
        ("healthy", 0.75, 0.25),
    ]


def test_before_it_was_known_there_is_no_state() -> None:
    found = spans([(at(12), "", "healthy")], "healthy", SINCE, UNTIL)
    assert [(one.state, one.size) for one in found] == [("", 0.5), ("healthy", 0.5)]


@given(st.lists(st.tuples(st.floats(-1, 25), STATES, STATES), max_size=8))
def test_whatever_happened_the_spans_cover_the_whole_time(raw: list[tuple[float, str, str]]) -> None:
    found = spans([(at(hours), old, new) for hours, old, new in raw], "healthy", SINCE, UNTIL)
    assert found[0].start == SINCE and found[-1].end == UNTIL
    assert all(one.end == other.start for one, other in pairwise(found))
    assert abs(sum(one.size for one in found) - 1) < 1e-9
