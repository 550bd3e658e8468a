"""What comes round for every cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tasks.rounds import SPREAD, due

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_was_never_done_is_due() -> None:
    assert due(UUID(int=1), None, 3600, NOW)


def test_clusters_come_due_one_after_another_within_a_fifth_of_the_interval() -> None:
    def when(cluster: int) -> int:
        return next(s for s in range(5000) if due(UUID(int=cluster), NOW - timedelta(seconds=s), 3600, NOW))

    times = [when(cluster) for cluster in range(0, 1000, 100)]
    assert times == sorted(set(times))
    assert times[0] == 3600 and times[-1] <= 3600 * (1 + SPREAD)
