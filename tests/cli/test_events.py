"""`events`: what changes, each once, over breaks of the connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService

STREAM = "events/stream"


def change(number: int, **fields: Any) -> dict[str, Any]:
    known = {
        "id": f"health-{number}",
        "at": f"2026-01-01T00:00:{number:02d}Z",
        "cluster": {"id": "1", "name": "demo"},
        "subject": "component",
        "name": "loki",
        "old_state": "healthy",
        "new_state": "unhealthy",
        "reason": "0 of 1\npods",
        "operation": None,
    }
    return {**known, **fields}


@pytest.fixture
def feed(service: PlayedService) -> PlayedService:
    service.answers["GET whoami"] = {}
    return service


def answers(service: PlayedService, *pages: list[dict[str, Any]]) -> None:
    answer = {"now": "2026-01-01T00:01:00Z", "position": "0", "results": []}
    service.once["GET events"] = [(200, {}, {**answer, "results": rows}) for rows in pages]
    service.answers["GET events"] = answer


def test_what_has_changed_is_a_table(run: Run, feed: PlayedService) -> None:
    answers(feed, [change(1), change(2, subject="cluster", name="demo")])

    result = run("events", "--limit", "1")

    assert result.code == 0
    row = ["2026-01-01T00:00:02Z", "demo", "cluster", "healthy", "unhealthy", "0", "of", "1"]
    assert [line.split() for line in result.out.splitlines()][1] == row
    assert "nothing has changed" in run("events", "--since", "1d").out


def test_watching_tells_each_change_once_and_goes_on_after_a_break(
    run: Run, feed: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.events.FIRST_DELAY", 0.01)
    answers(feed, [change(1)])
    # The second was written while the list was read: the stream begins before it.
    feed.events = [("now", {"now": ""}), *(("change", change(number)) for number in (1, 2, 3, 4))]
    feed.cuts = [3]
    feed.once[f"GET {STREAM}"] = [(503, {}, {"title": "The database is away."})]

    result = run("events", "-w", "-o", "json", "--timeout", "3s")

    assert result.code == 124
    told = [json.loads(line)["id"] for line in result.out.splitlines() if line.startswith('{"id"')]
    assert told == ["health-1", "health-2", "health-3", "health-4"]
    assert "The database is away." in result.err
    assert result.err.count("connected again") == 2
    seen = [one.headers.get("Last-Event-ID") for one in feed.requests if one.path == STREAM]
    assert seen == ["0", "0", "3"]


def test_lines_for_people(run: Run, feed: PlayedService) -> None:
    demo = feed.add_cluster("demo")
    answers(feed, [change(1), change(2, subject="operation", name="install", old_state="", new_state="running")])

    result = run("events", "demo", "--watch", "--timeout", "1s")

    first, second = result.out.splitlines()[:2]
    assert first.endswith("demo  component loki  healthy -> unhealthy  0 of 1 pods")
    assert "operation install  running" in second
    asked = [one.query["cluster"] for one in feed.requests if one.path in ("events", STREAM)]
    assert asked == [demo["id"], demo["id"]]
    assert run("events", "-w", "--timeout", "soon").code == 2


def test_what_the_service_refuses_ends_watching(run: Run, feed: PlayedService) -> None:
    answers(feed, [])
    feed.once[f"GET {STREAM}"] = [(401, {}, {"title": "The access key was revoked.", "status": 401})]

    result = run("events", "-w")

    assert (result.code, "was revoked" in result.err) == (3, True)
