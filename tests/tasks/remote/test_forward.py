"""A local port that leads through a real SSH server."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.remote import Pool, Remote, errors
from tasks.remote.forward import Forward, forward
from tests.tasks.remote.servers import Sshd, until

pytestmark = pytest.mark.lab


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that gives back what it gets, until the client has ended; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError):
                while data := client.recv(65536):
                    client.sendall(data)
                client.sendall(b"END")

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(client,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)


def connect(port: Forward) -> socket.socket:
    return socket.create_connection((port.host, port.port), timeout=10)


def through(port: Forward, data: bytes) -> bytes:
    """What comes back for `data`, which is sent while it is read."""
    with connect(port) as client:

        def send() -> None:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        received = b"".join(iter(lambda: client.recv(65536), b""))
        sender.join()
        return received


def test_bytes_go_both_ways_and_an_end_of_one_side_is_passed_on(remote: Remote, echo: tuple[str, int]) -> None:
    data = b"".join(hashlib.sha256(bytes([n % 256])).digest() for n in range(40_000))
    with forward(remote, *echo) as port:
        assert through(port, data) == data + b"END"
        assert port.error is None


def test_several_at_once(remote: Remote, echo: tuple[str, int]) -> None:
    parts = [bytes([n]) * 50_000 for n in range(12)]
    with forward(remote, *echo) as port, ThreadPoolExecutor(12) as pool:
        assert list(pool.map(lambda data: through(port, data), parts)) == [part + b"END" for part in parts]


def test_the_port_is_on_loopback_and_closed_afterwards(remote: Remote, echo: tuple[str, int]) -> None:
    with forward(remote, *echo) as port:
        assert port.host == "127.0.0.1"
        open_until_the_end = connect(port)
    assert open_until_the_end.recv(1) == b""
    open_until_the_end.close()
    with pytest.raises(ConnectionRefusedError):
        connect(port)


def test_an_address_where_nobody_listens(remote: Remote) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(errors.Unreachable) as caught, forward(remote, "127.0.0.1", port):
        pass
    assert caught.value.kind == "refused"
    assert f"127.0.0.1:{port}" in caught.value.message


def test_a_host_that_forwards_nothing(servers: Callable[..., Sshd], pool: Pool, echo: tuple[str, int]) -> None:
    strict = servers("AllowTcpForwarding no")
    with (
        pool.connection(strict.target()) as remote,
        pytest.raises(errors.SessionRefused, match="AllowTcpForwarding"),
        forward(remote, *echo),
    ):
        pass


def test_a_connection_that_breaks_ends_what_runs_through_it(pool: Pool, sshd: Sshd, echo: tuple[str, int]) -> None:
    with pool.connection(sshd.target()) as remote, forward(remote, *echo) as port:
        with connect(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            sshd.cut()
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
        with connect(port) as late, contextlib.suppress(ConnectionResetError):
            assert late.recv(1) == b""
        until(lambda: port.error is not None, what="the refusal is kept")
        assert isinstance(port.error, errors.Unreachable)
