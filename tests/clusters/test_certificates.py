"""When certificates end, as health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clusters.certificates import Certificate, judge, parse

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def ending(days: float, path: str = "apiserver.crt") -> Certificate:
    return Certificate("master1", path, NOW + timedelta(days=days))


def test_what_openssl_prints_is_read() -> None:
    first, second = parse("master1", "/a.crt\tJan  9 20:17:00 2027 GMT\n/b.crt\t\nno tab\n")
    assert first == Certificate("master1", "/a.crt", datetime(2027, 1, 9, 20, 17, tzinfo=UTC))
    assert second.ends is None


@pytest.mark.parametrize(
    ("days", "state"),
    [(400, "healthy"), (31, "healthy"), (30.5, "degraded"), (8, "degraded"), (7.5, "unhealthy"), (-2, "unhealthy")],
)
def test_the_state_follows_the_days_left(days: float, state: str) -> None:
    seen = judge([ending(3650, "ca.crt"), ending(days)], {}, NOW)
    assert (seen.state, seen.desired, seen.ready) == (state, 2, 2 if state == "healthy" else 1)
    assert bool(seen.reason) == (state != "healthy")


def test_the_reason_names_host_file_and_days_the_first_to_end_first() -> None:
    seen = judge([ending(20, "etcd.pem"), ending(-1.5), ending(5, "admin.conf")], {}, NOW)
    assert seen.reason.split("; ") == [
        "apiserver.crt on master1 has ended",
        "admin.conf on master1 ends in 5 days",
        "etcd.pem on master1 ends in 20 days",
    ]


def test_a_file_that_is_no_certificate_is_a_fault() -> None:
    seen = judge([ending(400), Certificate("master1", "broken.crt", None)], {}, NOW)
    assert (seen.state, seen.reason) == ("degraded", "broken.crt on master1 cannot be read")


def test_a_silent_host_is_unknown_unless_something_worse_is_known() -> None:
    assert judge([ending(400)], {"master2": "no route"}, NOW).state == "unknown"
    assert judge([ending(3)], {"master2": "no route"}, NOW).state == "unhealthy"
    assert "master2 was not read: no route" in judge([], {"master2": "no route"}, NOW).reason
    assert judge([], {}, NOW).state == "unknown"
