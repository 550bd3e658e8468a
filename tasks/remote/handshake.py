"""The beginning of an SSH connection, made cheap where hundreds are opened at once.

Every thread that waits for the interpreter's lock wakes two hundred times a second to ask for it. Hundreds of key
exchanges at the same moment therefore spend the machine on nothing, and end later than if they took turns. So a
process lets only so many run at once; waiting for the host, which costs nothing, takes no turn.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import paramiko
from paramiko.packet import Packetizer

AT_ONCE = 16  # enough for hosts that are far away, few enough for the interpreter
PATIENCE = 15.0  # seconds; if hosts hold all turns for so long, the others no longer wait for them
GREETING = 1 / 3  # of the time that is given to the server's greeting: then it is waited for without a turn


class _Turns:
    """A courtesy rather than a limit: who has waited long enough goes on without a turn."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(AT_ONCE)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        taken = self._free.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if taken:
                self._free.release()


class _Packetizer(Packetizer):
    """Judges a late handshake by the clock, which paramiko's read loop asks anyway, not by a thread of its own."""

    _late_at: float | None = None

    def start_handshake(self, timeout: float) -> None:
        self._late_at = time.monotonic() + timeout

    def handshake_timed_out(self) -> bool:
        return self._late_at is not None and time.monotonic() > self._late_at

    def complete_handshake(self) -> None:
        self._late_at = None


class Transport(paramiko.Transport):
    """Paramiko's, with a key exchange that waits for its turn, and is awaited without looking again and again."""

    active: bool

    def __init__(self, sock: Any, **options: Any) -> None:
        super().__init__(sock, packetizer_class=_Packetizer, **options)
        self._watched = sock

    def start_client(self, event: threading.Event | None = None, timeout: float | None = None) -> None:
        if event is not None:
            super().start_client(event)
            return
        done, began = threading.Event(), time.monotonic()
        with contextlib.ExitStack() as turn:
            if self._watched.greeted(self.banner_timeout * GREETING):
                turn.enter_context(_turns.one())
            else:
                self.banner_timeout -= time.monotonic() - began
            super().start_client(done)
            done.wait(timeout)
        if not self.active:
            raise self.get_exception() or paramiko.SSHException("Negotiation failed.")


_turns = _Turns()


def _after_fork_in_child() -> None:
    global _turns
    _turns = _Turns()


os.register_at_fork(after_in_child=_after_fork_in_child)
