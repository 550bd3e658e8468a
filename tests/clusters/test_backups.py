"""Snapshots of etcd: what hosts say of them, and when one is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clusters.backups import Snapshot, judge, parse

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LINE = 'etcd-20260101T030405Z.db\t4096\tabc\t{"hash":1,"revision":7,"totalKey":9,"totalSize":4096}\n'


def test_what_a_host_lists_is_read() -> None:
    taken = datetime(2026, 1, 1, 3, 4, 5, tzinfo=UTC)
    assert parse(LINE) == (Snapshot("etcd-20260101T030405Z.db", 4096, "abc", 7, 9, taken),)
    assert parse("") == ()
    noted = LINE.replace("}", ',"etcd":"3.4.13","kubernetes":"v1.24.3","members":"https://m1:2380 https://m2:2380"}')
    (one,) = parse(noted)
    assert (one.etcd_version, one.kubernetes_version) == ("3.4.13", "v1.24.3")
    assert one.members == ("https://m1:2380", "https://m2:2380")


@pytest.mark.parametrize("line", ["etcd-x.db\t1\tabc\t{}", "etcd-20260101T030405Z.db\t1", LINE.replace("7", "seven")])
def test_what_is_none_is_refused(line: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse(line)


@pytest.mark.parametrize(("age", "state"), [(1, "healthy"), (48.9, "healthy"), (49.1, "degraded")])
def test_two_missed_backups_are_a_fault(age: float, state: str) -> None:
    seen = judge(NOW - timedelta(hours=age), 24, NOW)
    assert seen.state == state
    assert bool(seen.reason) == (state == "degraded")


def test_before_the_first_one_it_is_waited_for() -> None:
    assert judge(None, 24, NOW).state == "progressing"
