"""Hosts that greet late or never, and those that are opened meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import paramiko
import pytest

from tasks.remote import handshake
from tasks.remote.wire import WatchedSocket


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, handshake.Transport]]:
    """The host's end, and a transport on ours."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield theirs, handshake.Transport(WatchedSocket(ours))


def test_only_so_many_take_a_turn_at_once_and_the_impatient_go_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "PATIENCE", 0.01)
    turns = handshake._Turns()
    with ExitStack() as held:
        for _ in range(handshake.AT_ONCE):
            held.enter_context(turns.one())
        assert not turns._free.acquire(blocking=False)
        with turns.one():
            pass
        assert not turns._free.acquire(blocking=False), "who had no turn gave one back"
    assert turns._free.acquire(blocking=False)


def test_a_host_that_says_nothing_takes_no_turn(
    pair: tuple[socket.socket, handshake.Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, transport = pair
    turns = handshake._Turns()
    monkeypatch.setattr(handshake, "_turns", turns)
    monkeypatch.setattr(turns, "one", lambda: pytest.fail("it took a turn"))
    transport.banner_timeout = 0.3
    with pytest.raises(paramiko.SSHException, match="banner"):
        transport.start_client(timeout=30)
    assert theirs.recv(4) == b"SSH-"


def test_a_host_that_greets_and_then_stops_is_given_up_without_a_thread_that_counts(
    pair: tuple[socket.socket, handshake.Transport],
) -> None:
    theirs, transport = pair
    theirs.sendall(b"SSH-2.0-stops\r\n")
    transport.handshake_timeout = 0.1
    before = {thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)}
    with pytest.raises(EOFError):
        transport.start_client(timeout=30)
    assert {thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)} <= before
