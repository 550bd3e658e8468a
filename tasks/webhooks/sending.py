"""One request to a customer's server: to a network address that was checked, bounded in time and size.

The name is resolved once, and the connection made to an address that it gave and that may be connected to, so a name
that changes its meaning between check and connection (DNS rebinding) gains nothing. No proxy, no redirect.
"""

from __future__ import annotations

import http.client
import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from clusters.addresses import Address, Network
from clusters.reach import looked_up
from tasks.webhooks.address import Refused, Target, may_connect

MOST_READ = 64 * 1024
KEPT = 1024
AGENT = "sanqian-service webhooks"


@dataclass(frozen=True)
class Answer:
    """What became of one request: a status, or an error. `retry_after` is the header as given."""

    seconds: float
    status: int | None = None
    error: str = ""
    text: str = ""
    retry_after: str = ""

    @property
    def taken(self) -> bool:
        """Whether the server has accepted it."""
        return self.status is not None and 200 <= self.status < 300


class _Unsent(Exception):
    """It could not be sent, or was not answered. The message is for the customer."""


def post(where: Target, headers: Mapping[str, str], body: str, *, seconds: float, allowed: Sequence[Network]) -> Answer:
    """Send `body`; all together takes at most `seconds`."""
    began = time.monotonic()
    deadline = began + seconds
    try:
        with _connected(where, deadline, allowed) as sock, _ended_at(deadline, sock):
            status, text, retry_after, location = _asked(where, sock, headers, body)
    except Refused as error:
        return Answer(time.monotonic() - began, error=f"{error.message} {error.fix}")
    except _Unsent as error:
        return Answer(time.monotonic() - began, error=str(error))
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() < deadline:
            return Answer(time.monotonic() - began, error=_reason(error))
    if time.monotonic() >= deadline:
        # Also with a status: of an answer that is cut off nobody knows how it would have ended.
        return Answer(time.monotonic() - began, error=f"It did not answer within {seconds:g} s.")
    why = "" if 200 <= status < 300 else f"It answered with status {status}."
    if 300 <= status < 400:
        why = f"It answered with a redirect ({status}), which is not followed. Give the final address. {location}"
    return Answer(time.monotonic() - began, status, why.strip(), text, retry_after)


def _asked(where: Target, sock: socket.socket, headers: Mapping[str, str], body: str) -> tuple[int, str, str, str]:
    """Status, beginning of the answer, Retry-After and Location."""
    connection = http.client.HTTPConnection(where.host, where.port)
    connection.sock = _Bounded(sock)
    fixed = {"Host": where.authority, "User-Agent": AGENT, "Content-Type": "application/json", "Accept": "*/*"}
    sent = {**fixed, "Accept-Encoding": "identity", "Connection": "close", **headers}
    connection.request("POST", where.path, body.encode(), sent)
    response = connection.getresponse()
    try:
        # To its end where that is near: a server takes a connection that breaks for a fault.
        begun = response.read()
    except (OSError, http.client.HTTPException) as error:
        # The status has been said.
        begun = getattr(error, "partial", b"")
    text = begun[:KEPT].decode(errors="replace").replace("\x00", "\ufffd")
    location = (response.getheader("Location") or "")[:200]
    return response.status, text, response.getheader("Retry-After") or "", f"It names {location}" if location else ""


class _Bounded:
    """A socket for http.client, which reads from it what `makefile` gives: at most `MOST_READ` bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.sendall = sock.sendall

    def close(self) -> None:
        """Not yet: the answer is still to be read."""

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Limited(self._sock))


class _Limited(io.RawIOBase):
    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._left = sock, MOST_READ

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._sock.recv_into(buffer, min(len(buffer), self._left)) if self._left else 0
        self._left -= read
        return read


@contextmanager
def _connected(where: Target, deadline: float, allowed: Sequence[Network]) -> Iterator[socket.socket]:
    sock = _connect(where, deadline, allowed)
    try:
        if where.scheme == "https":
            sock = _tls().wrap_socket(sock, server_hostname=where.host.rstrip("."), do_handshake_on_connect=False)
            with _ended_at(deadline, sock):
                sock.do_handshake()
        yield sock
    finally:
        sock.close()


def _connect(where: Target, deadline: float, allowed: Sequence[Network]) -> socket.socket:
    found = [where.literal] if where.literal else _resolved(where, deadline)
    permitted = [address for address in found if address is not None and may_connect(address, allowed)]
    if not permitted:
        raise Refused(
            f"{where.host} is no public address.",
            "Give one that is, or ask the operator to allow its network (SANQIAN_WEBHOOK_ALLOW_PRIVATE).",
        )
    last: OSError | None = None
    for number, address in enumerate(permitted):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            # One that does not answer leaves time for the others.
            sock = _dial(address, where.port, left / (len(permitted) - number))
        except OSError as error:
            last = error
        else:
            sock.settimeout(left)
            return sock
    raise last or TimeoutError


def _dial(address: Address, port: int, seconds: float) -> socket.socket:
    """A connection to this network address; nothing is resolved any more."""
    sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect((str(address), port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _resolved(where: Target, deadline: float) -> list[Address]:
    """What the name stands for, in the resolver's order. Raises `_Unsent`."""
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(looked_up(where.host, where.port))
        except OSError as error:
            answers.put(error)

    # The resolver cannot be told how long it may take.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise _Unsent(f"The name {where.host} was not resolved in time.") from None
    if isinstance(answer, OSError):
        raise _Unsent(f"The name {where.host} cannot be resolved ({answer.strerror or answer}).")
    return answer


@contextmanager
def _ended_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Cut the connection at `deadline`: a server that sends a byte now and then would else hold it for ever."""
    # Of the socket itself, beneath TLS: another thread is in the midst of using that.
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, (sock,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(sock: socket.socket) -> None:
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are checked against the system's authorities; SSL_CERT_FILE names others."""
    return ssl.create_default_context()


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"Its certificate is not accepted: {error.verify_message}."
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error}."
        case ConnectionRefusedError():
            return "The connection was refused."
        case ConnectionResetError() | BrokenPipeError() | http.client.RemoteDisconnected():
            return "It closed the connection without an answer."
        case http.client.HTTPException() | ValueError():
            return f"Its answer is no HTTP ({type(error).__name__})."
    return f"The connection failed: {getattr(error, 'strerror', None) or error}."
