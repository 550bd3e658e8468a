from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping

import pytest

from cli.client import Client
from cli.errors import Unreachable
from cli.events import EventStream, Lost, Resumed, Tick
from cli.sse import ServerEvent
from tests.cli.conftest import Run
from tests.cli.played_service import KEY, PlayedService
from tests.cli.test_deploy import DONE, GOOD

PROGRAM = [sys.executable, "-m", "cli"]


def environment(service: PlayedService, **more: str) -> Mapping[str, str]:
    return {**os.environ, "SANQIAN_SERVER": service.address, "SANQIAN_ACCESS_KEY": KEY, **more}


def numbers(stream: EventStream) -> list[int]:
    return [int(item.id) for item in stream if isinstance(item, ServerEvent)]


def test_a_stream_that_breaks_is_resumed_without_gap_or_repeat(
    service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.events.FIRST_DELAY", 0.01)
    service.add_operation(service.add_cluster("demo"))
    service.events, service.cuts = GOOD, [3, 0, 2]

    items = list(EventStream(Client(service.address, KEY), "operations/1/events", tick=0.01))

    assert [int(item.id) for item in items if isinstance(item, ServerEvent)] == list(range(1, len(GOOD) + 1))
    assert sum(isinstance(item, Lost) for item in items) == 3
    assert sum(isinstance(item, Resumed) for item in items) == 3
    asked = [one.headers.get("Last-Event-ID") for one in service.requests]
    assert asked == [None, "3", "3", "5"]


def test_a_stream_begins_after_a_number(service: PlayedService) -> None:
    service.add_operation(service.add_cluster("demo"))
    service.events = GOOD

    assert numbers(EventStream(Client(service.address, KEY), "operations/1/events", 5)) == [6, 7]


def test_following_gives_up_when_the_service_stays_away(service: PlayedService) -> None:
    client = Client(service.address, KEY)
    service.events, service.cuts = GOOD, [2, 0, 0, 0, 0, 0]
    service.once["GET operations/1/events"] = [(503, {}, {})] * 20
    time = iter(range(0, 10_000, 100))

    with pytest.raises(Unreachable):
        list(EventStream(client, "operations/1/events", tick=0.01, clock=lambda: float(next(time))))


def test_ticks_come_while_nothing_happens(service: PlayedService) -> None:
    service.events = GOOD[:1]

    items = iter(EventStream(Client(service.address, KEY), "operations/1/events", tick=0.01))

    next(item for item in items if isinstance(item, ServerEvent))
    assert isinstance(next(items), Tick)


def test_follow_says_that_it_was_resumed(run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.events.FIRST_DELAY", 0.01)
    operation = service.add_operation(service.add_cluster("demo"))
    service.events, service.final, service.cuts = GOOD, DONE, [4]

    result = run("follow", operation["id"])

    assert result.code == 0
    assert "connection lost" in result.out
    assert "connected again" in result.out


def test_what_the_plan_says_to_people_is_shown(run: Run, service: PlayedService) -> None:
    operation = service.add_operation(service.add_cluster("demo"), **DONE, notes=["SINGLE NODE: no copies"])
    assert "Note: SINGLE NODE: no copies" in run("follow", operation["id"]).out


def test_follow_finds_an_operation_by_its_beginning_or_its_cluster(run: Run, service: PlayedService) -> None:
    operation = service.add_operation(service.add_cluster("demo"), **DONE)

    for words in ([operation["id"][:8]], ["demo"], []):
        assert run("follow", *words).code == 0


def test_the_time_limit_leaves_the_operation_running(run: Run, service: PlayedService) -> None:
    operation = service.add_operation(service.add_cluster("demo"))
    service.events = GOOD[:2]

    result = run("follow", operation["id"], "--timeout", "0.1s")

    assert result.code == 124
    assert f"3kctl follow {operation['id']}" in result.err
    assert not service.bodies("POST", "cancel")


def test_ctrl_c_leaves_the_operation_running(service: PlayedService) -> None:
    operation = service.add_operation(service.add_cluster("demo"))
    service.events = GOOD[:4]
    process = subprocess.Popen(
        [*PROGRAM, "follow"],
        env=environment(service),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell has its background jobs, such as this test run, ignore it, and what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    assert service.sent_all.wait(30)
    assert process.stdout is not None
    seen = next(line for line in process.stdout if "joining" in line or "Create the cluster" in line)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert seen
    assert err.startswith("Interrupted. The install of demo goes on.")
    assert f"3kctl follow {operation['id']}" in err
    assert "Traceback" not in err
    assert not service.bodies("POST", "cancel")


@pytest.mark.parametrize(("columns", "encoding"), [(20, "ascii"), (80, "ascii"), (200, "utf-8")])
def test_bars_on_a_real_terminal(service: PlayedService, columns: int, encoding: str) -> None:
    service.add_operation(service.add_cluster("demo"))
    chinese = ("step", {"key": "kubernetes", "state": "running", "note": "节点加入 [red]", "progress": 50})
    service.events, service.final = [*GOOD[:4], chinese, *GOOD[4:]], DONE
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 10, columns, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, "follow"],
        env=environment(service, PYTHONIOENCODING=encoding, LC_ALL="C", TERM="xterm-256color"),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    text = _read_all(leader)

    assert process.wait(30) == 0
    assert "Traceback" not in text
    assert "\x1b[" in text
    assert "succeeded" in text


def test_no_colour_where_none_is_wanted(service: PlayedService) -> None:
    service.add_cluster("demo")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "clusters"],
        env=environment(service, NO_COLOR="1", TERM="xterm-256color"),
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    text = _read_all(leader)

    assert process.wait(30) == 0
    assert "\x1b[3" not in text
    assert "ready" in text


def _read_all(descriptor: int) -> str:
    data = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            # Linux reports the end of a terminal as an error.
            piece = b""
        if not piece:
            os.close(descriptor)
            return data.decode(errors="replace")
        data += piece
