"""A socket that notices when the other side has gone silent.

Paramiko's keepalive asks for no answer, so a half-open connection (packets dropped on the way) would hang for
as long as the kernel keeps retrying. Here the transport's own read loop asks the server for an answer every
``KEEPALIVE`` seconds of silence (RFC 4254, section 4: a global request with want-reply is answered even when
it is not known), and gives the connection up when nothing at all was heard for ``SILENCE`` seconds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

KEEPALIVE = 8.0
SILENCE = 20.0
TICK = 0.5  # until somebody watches


class WatchedSocket:
    """Wraps a socket or a channel of a jump host. Paramiko reads and writes through it.

    ``recv`` runs in the transport's thread only, so the watch needs no thread of its own.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._ask: Callable[[], None] | None = None
        self._keepalive = KEEPALIVE
        self._silence = SILENCE
        self._tick = TICK
        self._asked = 0.0
        self.heard = time.monotonic()
        self._news = threading.Event()
        self.went_silent = False
        self.peer_closed = False

    def watch(self, ask: Callable[[], None], *, keepalive: float, silence: float) -> None:
        """Start judging: ``ask`` sends a question that any server answers. Before this only paramiko's own
        handshake timeouts apply."""
        self._keepalive, self._silence = keepalive, silence
        self.heard = time.monotonic()
        self._ask = ask
        # Every wake-up of thousands of silent connections costs; this many are enough to notice silence.
        self._tick = keepalive / 2
        self._sock.settimeout(self._tick)

    def answers(self, within: float) -> bool:
        """Ask now, from any thread; True when anything is heard within so many seconds."""
        if self._ask is None or self.went_silent or self.peer_closed:
            return False
        before = self.heard
        self._news.clear()
        self._ask()
        deadline = time.monotonic() + within
        while self.heard == before and not self.peer_closed:
            left = deadline - time.monotonic()
            if left <= 0 or not self._news.wait(left):
                return self.heard != before
            self._news.clear()
        return self.heard != before

    def greeted(self, within: float) -> bool:
        """Wait for the first bytes, or the end, without reading them: whether they came within so many seconds."""
        if isinstance(self._sock, socket.socket):
            waiting = select.poll()
            waiting.register(self._sock, select.POLLIN)
            return bool(waiting.poll(within * 1000))
        came = threading.Event()
        self._sock.in_buffer.set_event(came)
        return came.wait(within)

    def recv(self, size: int) -> bytes:
        try:
            data: bytes = self._sock.recv(size)
        except TimeoutError:
            self._judge()
            raise
        except OSError:
            self.peer_closed = True
            self._news.set()
            raise
        if data:
            self.heard = time.monotonic()
        else:
            self.peer_closed = True
        self._news.set()
        return data

    def send(self, data: bytes) -> int:
        try:
            return int(self._sock.send(data))
        except TimeoutError:
            self._judge(ask=False)
            raise

    def _judge(self, ask: bool = True) -> None:
        if self._ask is None:
            return
        now = time.monotonic()
        if now - self.heard > self._silence:
            self.went_silent = True
            raise ConnectionResetError(errno.ETIMEDOUT, f"nothing heard for {self._silence:.0f} s")
        if ask and now - self.heard >= self._keepalive and now - self._asked >= self._keepalive:
            self._asked = now
            self._ask()

    def settimeout(self, timeout: float | None) -> None:
        # Paramiko would wake ten times a second per connection; close() wakes the reader as well.
        self._sock.settimeout(None if timeout is None else max(timeout, self._tick))

    def close(self) -> None:
        if isinstance(self._sock, socket.socket):
            with contextlib.suppress(OSError):  # not connected any more: then there is no reader to wake
                self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def abandon(self) -> None:
        """Let go of the file descriptor without a word to the peer: after a fork the parent still uses it."""
        if isinstance(self._sock, socket.socket):
            os.close(self._sock.detach())

    @property
    def _closed(self) -> bool:  # paramiko's stop_thread() looks at the socket's
        return bool(self._sock._closed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def dial(host: str, port: int, timeout: float) -> WatchedSocket:
    """A TCP connection; tries every address of the name. Raises OSError (also socket.gaierror)."""
    sock = socket.create_connection((host, port), timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return WatchedSocket(sock)
