from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from cli.board import Board, Change
from cli.view import LiveView, PlainView, View, finished_line, view_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def detail(**steps: dict[str, Any]) -> dict[str, Any]:
    rows = [{"key": key, "title": f"Title of {key}", "state": "pending", **step} for key, step in steps.items()]
    return {
        "id": "0-1",
        "kind": "install",
        "cluster": {"name": "demo"},
        "state": "running",
        "progress": 40.0,
        "started_at": START.isoformat(),
        "steps": rows,
    }


def console(width: int = 100, *, terminal: bool = False, encoding: str = "utf-8") -> tuple[Console, io.BytesIO]:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding=encoding, errors="replace", write_through=True)
    made = Console(
        file=stream,
        width=width,
        height=8,
        force_terminal=terminal,
        markup=False,
        highlight=False,
        _environ={"TERM": "xterm"},
    )
    return made, data


def printed(data: io.BytesIO) -> list[str]:
    return data.getvalue().decode().splitlines()


def test_a_step_goes_its_way_through_the_board() -> None:
    board = Board(detail(a={}))
    now = START + timedelta(seconds=5)

    started = board.apply("step", {"key": "a", "state": "running", "progress": 0}, now)
    noted = board.apply("step", {"key": "a", "state": "running", "progress": 10, "note": "unpacking"}, now)
    ended = board.apply("step", {"key": "a", "state": "succeeded", "outcome": "changed"}, now + timedelta(seconds=12))

    row = board.steps["a"]
    assert [change.what for change in (*started, *noted, *ended)] == ["started", "note", "ended"]
    assert (row.running_time(now), row.outcome, board.counts()) == (12.0, "changed", (1, 1))


def test_the_board_takes_the_end_a_retry_and_strangers() -> None:
    board = Board(detail(a={"state": "failed", "error": {"message": "x"}}))

    assert board.apply("step", {"key": "a", "state": "pending", "attempt": 2, "error": {}}, START) == []
    assert board.apply("operation", {"state": "running", "attempt": 2}, START) == [Change("operation", text="running")]
    assert board.apply("step", {"key": "new", "title": "New", "state": "running"}, START)[0].what == "started"
    assert board.apply("job", {"step": "a", "host": "m1", "state": "running"}, START) == []
    assert board.apply("something-later", {}, START) == []
    board.apply("end", {"state": "succeeded"}, START)
    assert board.ended


def test_a_host_in_trouble_is_a_change() -> None:
    board = Board(detail(a={"state": "running"}))

    change = board.apply("job", {"step": "a", "host": "w1", "state": "failed", "exit_code": 1, "note": "bad"}, START)

    assert change == [Change("host", board.steps["a"], "w1 failed, exit code 1: bad")]


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ({"state": "succeeded", "outcome": "already"}, "done      Title of a  (already)"),
        (
            {
                "state": "succeeded",
                "outcome": "changed",
                "started_at": START.isoformat(),
                "finished_at": (START + timedelta(seconds=75)).isoformat(),
            },
            "done      Title of a  (changed, 1m15s)",
        ),
        ({"state": "failed", "error": {"host": "w1", "message": "no\nway"}}, "FAILED    Title of a: w1: no way"),
        ({"state": "skipped"}, "skipped   Title of a"),
    ],
)
def test_a_finished_step_is_one_line(step: dict[str, Any], line: str) -> None:
    assert finished_line(Board(detail(a=step)).steps["a"], START).plain == line


def test_plain_lines() -> None:
    board = Board(detail(a={"state": "succeeded", "outcome": "already"}, b={}))
    out, data = console()
    now = START + timedelta(seconds=100)
    clock = [0.0]
    with PlainView(out, board, lambda: now, lambda: clock[0]) as view:
        for note in ("", "one", "two"):
            for change in board.apply("step", {"key": "b", "state": "running", "note": note}, now):
                view.changed(change)
        clock[0], now = 61.0, now + timedelta(seconds=61)
        view.refresh()
        for change in board.apply("operation", {"state": "failed", "progress": 41}, now):
            view.changed(change)

    assert printed(data) == [
        " 40% done      Title of a  (already)",
        " 40% start     Title of b",
        " 40% running   Title of b: one",
        " 40% running   Title of b: two, 1m01s, last output 1m01s ago",
        " 41% failed",
    ]


@pytest.mark.parametrize("width", [1, 5, 20, 40, 71, 72, 100, 300])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "gb18030"])
def test_bars_fit_any_terminal(width: int, encoding: str) -> None:
    steps = {f"s{n}": {"state": "running", "note": "节点 [bold]\x1b[2J", "progress": 12.5 * n} for n in range(9)}
    board = Board(detail(**steps))
    out, data = console(width, terminal=True, encoding=encoding)

    out.print(LiveView(out, board, lambda: START + timedelta(minutes=3)).render())

    lines = data.getvalue().decode(encoding).splitlines()
    assert len(lines) <= 8
    assert "\x1b[2J" not in "".join(lines)


def test_bars_tell_progress_time_and_silence() -> None:
    board = Board(detail(a={"state": "running", "progress": 25, "note": "joining", "started_at": START.isoformat()}))
    board.apply("log", {"step": "a"}, START + timedelta(seconds=30))
    out, data = console(140)

    out.print(LiveView(out, board, lambda: START + timedelta(minutes=2)).render())

    whole, step = printed(data)
    assert "install of demo" in whole
    assert "40%" in whole
    assert "0 of 1 steps, 2m00s" in whole
    assert "25%" in step
    assert "joining, 2m00s, last output 1m30s ago" in step


def test_live_view_leaves_finished_steps_behind() -> None:
    board = Board(detail(a={"state": "running"}))
    out, data = console(80, terminal=True)
    with LiveView(out, board, lambda: START) as view:
        for change in board.apply("step", {"key": "a", "state": "succeeded", "outcome": "changed"}, START):
            view.changed(change)
        view.say("connection lost")

    text = data.getvalue().decode()
    assert "done" in text
    assert "connection lost" in text


@pytest.mark.parametrize(("terminal", "kind"), [(True, LiveView), (False, PlainView)])
def test_bars_only_on_a_terminal(terminal: bool, kind: type[View]) -> None:
    out, _ = console(terminal=terminal)

    assert isinstance(view_of(out, Board(detail()), lambda: START), kind)
