"""A local TCP port that leads, through a host's SSH connection, to an address as that host sees it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import paramiko

from tasks.remote.command import Remote
from tasks.remote.errors import RemoteError

OPEN = 10.0  # seconds that opening a channel may take
_CHUNK = 64 * 1024
_BACKLOG = 16


@dataclass
class Forward:
    """A port that is open on loopback. `error` is why the host refused to lead further, None while it did not."""

    host: str
    port: int
    error: RemoteError | None = None


@contextlib.contextmanager
def forward(remote: Remote, host: str, port: int, *, timeout: float = OPEN) -> Iterator[Forward]:
    """A way to ``host:port`` as seen from `remote`, for the length of the block.

    One channel is opened at once, so that an address that does not answer is told here. Raises `RemoteError`.
    Any process of this machine may connect, so what is behind must ask for a credential of its own.
    """
    link = remote.link
    link.open_tcp(host, port, timeout).close()
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    address, number = listener.getsockname()[:2]
    found = Forward(address, number)
    pairs: list[_Pair] = []
    closing = threading.Event()

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed below
            if closing.is_set():
                client.close()
                return
            try:
                channel = link.open_tcp(host, port, timeout)
            except RemoteError as error:
                found.error = error
                client.close()
                continue
            pairs.append(_Pair(client, channel))

    accepting = threading.Thread(target=serve, name=f"forward-{remote.name}", daemon=True)
    accepting.start()
    try:
        yield found
    finally:
        closing.set()
        # Closing alone does not wake accept() on every system; a connection does.
        with contextlib.suppress(OSError):
            socket.create_connection((address, number), timeout=1).close()
        accepting.join(timeout + 1)
        listener.close()
        for pair in pairs:
            pair.close()


class _Pair:
    """A client's socket and its channel, copied both ways until both sides have ended or one breaks."""

    def __init__(self, client: socket.socket, channel: paramiko.Channel) -> None:
        self.client, self.channel = client, channel
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open = 2
        self._lock = threading.Lock()
        for name, work in (("up", self._up), ("down", self._down)):
            threading.Thread(target=self._copy, args=(work,), name=f"forward-{name}", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # wakes a reader that is still waiting
            self.client.shutdown(socket.SHUT_RDWR)
        self.client.close()
        self.channel.close()

    def _copy(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, EOFError, paramiko.SSHException):
            self.close()  # the other side learns it by the end of its stream
        with self._lock:
            self._open -= 1
            last = self._open == 0
        if last:
            self.close()

    def _up(self) -> None:
        while data := self.client.recv(_CHUNK):
            self.channel.sendall(data)
        self.channel.shutdown_write()

    def _down(self) -> None:
        while data := self.channel.recv(_CHUNK):
            self.client.sendall(data)
        self.client.shutdown(socket.SHUT_WR)
