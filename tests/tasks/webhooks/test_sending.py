"""One request: to the address that was checked, bounded in time and size, no redirect."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tasks.webhooks import sending
from tasks.webhooks.address import target
from tasks.webhooks.sending import Answer, post
from tests.tasks.webhooks.conftest import LOOPBACK
from tests.tasks.webhooks.receiver import Receiver

PUBLIC = "93.184.215.14"


def ask(url: str, *, seconds: float = 60, allowed: Any = LOOPBACK) -> Answer:
    return post(target(url), {"webhook-id": "msg_1"}, "{}", seconds=seconds, allowed=allowed)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What the resolver says of names, in turn; the last stays."""
    known: dict[str, list[list[str]]] = {}

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = known[host]
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in now]

    monkeypatch.setattr(sending.socket, "getaddrinfo", resolve)
    return known


@contextmanager
def saying(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that does with its first connection what the test wants."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            with server.accept()[0] as connection:
                try:
                    serve(connection)
                except OSError:
                    return

        threading.Thread(target=run, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_a_request_is_a_post_that_says_who_sends_and_what(receiver: Receiver) -> None:
    receiver.replies = [(201, {}, b"thanks\x00")]
    answer = ask(receiver.url)
    assert (answer.status, answer.taken, answer.text) == (201, True, "thanks\ufffd")
    (request,) = receiver.requests
    assert request.path == "/hook?token=of-the-path"
    assert request.body == b"{}"
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_redirect_is_a_failure_and_not_followed(receiver: Receiver) -> None:
    receiver.replies = [(302, {"Location": "http://169.254.169.254/latest"}, b"")]
    answer = ask(receiver.url)
    assert (answer.status, answer.taken) == (302, False)
    assert "not followed" in answer.error
    assert "169.254.169.254" in answer.error
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]", "2130706433", "127.1"])
def test_what_is_not_public_is_never_connected_to(receiver: Receiver, host: str) -> None:
    answer = ask(f"http://{host}:{receiver.port}/", allowed=())
    assert answer.status is None
    assert "no public address" in answer.error
    assert not receiver.requests


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(
    receiver: Receiver, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[Any] = []
    real = sending._dial

    def dial(address: Any, port: int, seconds: float) -> socket.socket:
        connected.append((str(address), port))
        return real(ip_address("127.0.0.1"), receiver.port, seconds)

    monkeypatch.setattr(sending, "_dial", dial)
    # The name changes its meaning right after it was asked for: rebinding.
    names["hooks.example.com"] = [[PUBLIC], ["127.0.0.1"]]
    assert ask("http://hooks.example.com/", allowed=()).status == 204
    assert connected == [(PUBLIC, 80)]
    assert receiver.requests[0].headers["host"] == "hooks.example.com"
    assert "no public address" in ask("http://hooks.example.com/", allowed=()).error
    # Of several addresses those that are not public are passed over.
    names["both.example.com"] = [["10.0.0.1", "127.0.0.1", PUBLIC]]
    assert ask("http://both.example.com/", allowed=()).status == 204
    assert connected == [(PUBLIC, 80)] * 2


def test_names_that_nobody_knows_and_ports_that_nobody_serves(names: dict[str, list[list[str]]]) -> None:
    assert "cannot be resolved" in ask("http://nowhere.example.com/").error
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert ask(f"http://127.0.0.1:{port}/").error == "The connection was refused."


def test_a_resolver_that_hangs_does_not_hang_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(sending.socket, "getaddrinfo", lambda *_, **__: let_go.wait(60) and [])
    try:
        assert "not resolved in time" in ask("http://slow.example.com/", seconds=0.2).error
    finally:
        let_go.set()


def test_a_server_that_drips_is_cut_off_after_the_whole_time() -> None:
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        try:
            while not ended.wait(0.05):
                connection.sendall(b"X-A: b\r\n")
        finally:
            ended.set()

    with saying(drip) as url:
        began = time.monotonic()
        answer = ask(url, seconds=0.5)
        assert ended.wait(20)
    assert answer.error == "It did not answer within 0.5 s."
    assert answer.status is None
    assert time.monotonic() - began >= 0.5


def test_no_more_of_an_answer_is_read_than_so_much() -> None:
    sent = threading.Event()

    def pour(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 65536)
        finally:
            sent.set()

    with saying(pour) as url:
        answer = ask(url, seconds=20)
        assert sent.wait(20)  # the connection was closed on it
    assert (answer.status, answer.text) == (200, "x" * sending.KEPT)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", "It closed the connection without an answer."),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "Its answer is no HTTP (BadStatusLine)."),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "Its answer is no HTTP (HTTPException)."),
    ],
)
def test_what_is_no_answer(said: bytes, error: str) -> None:
    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    with saying(say) as url:
        assert ask(url).error == error


@pytest.fixture
def https(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A server that speaks TLS as hooks.example.com: its port, and the authority that says so."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = tmp_path / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            while True:
                try:
                    plain = server.accept()[0]
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.recv(65536)
                        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                except OSError:
                    continue

        threading.Thread(target=run, daemon=True).start()
        yield server.getsockname()[1], certificate


def test_the_certificate_is_checked_against_the_name(
    https: tuple[int, Path], names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, authority = https
    names["hooks.example.com"] = names["other.example.com"] = [["127.0.0.1"]]
    assert "certificate is not accepted" in ask(f"https://hooks.example.com:{port}/").error
    trusting = ssl.create_default_context(cafile=str(authority))
    monkeypatch.setattr(sending, "_tls", lambda: trusting)
    assert ask(f"https://hooks.example.com:{port}/").status == 204
    assert "certificate is not accepted" in ask(f"https://other.example.com:{port}/").error
