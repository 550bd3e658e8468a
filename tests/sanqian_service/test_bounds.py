"""Huge uploads and slow clients: bounded, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings

from sanqian_service.bounds import Bounded, Message, Receive, Scope, Send
from tests.asgi import asgi_server

SLOW = 150


async def whole_body(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(size).encode()})


def ask(pieces: Sequence[bytes | None], declared: int | None = None, seconds: float = 60) -> tuple[int, Any]:
    """Send a body in pieces; None for a client that falls silent. Status and JSON of the answer."""
    left, said = list(pieces), []

    async def receive() -> Message:
        piece = left.pop(0)
        if piece is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(message: Message) -> None:
        said.append(message)

    length = [(b"content-length", str(declared).encode())] if declared is not None else []
    scope = {"type": "http", "path": "/api/v1/clusters", "headers": length}
    asyncio.run(Bounded(whole_body, largest=1 << 20, seconds=seconds)(scope, receive, send))
    return said[0]["status"], json.loads(said[1]["body"])


def test_a_body_within_bounds_arrives() -> None:
    assert ask([b""]) == (200, 0)
    assert ask([b"x" * (1 << 19)] * 2, declared=1 << 20) == (200, 1 << 20)


@pytest.mark.parametrize(
    ("pieces", "declared"),
    [([None], 1 << 21), ([None], 10**30), ([b"x" * (1 << 19)] * 2 + [b"x", None], None)],
    ids=["declared", "beyond all disks", "chunked"],
)
def test_a_larger_one_is_refused_before_it_is_read(pieces: list[bytes | None], declared: int | None) -> None:
    status, problem = ask(pieces, declared)
    assert (status, problem["type"]) == (413, "/problems/too-large")
    assert "1 MiB" in problem["detail"]
    assert problem["hint"]


def test_a_body_that_does_not_come_is_given_up() -> None:
    status, problem = ask([b"{", None], declared=100, seconds=0.01)
    assert (status, problem["type"]) == (408, "/problems/too-slow")


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    with asgi_server(SANQIAN_REQUEST_SECONDS="2") as base:
        yield base


@pytest.mark.integration
def test_slow_clients_hold_up_nobody_and_are_dropped(server: str) -> None:
    address = (urlsplit(server).hostname or "", urlsplit(server).port or 0)
    head = b"POST /api/v1/clusters HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    beginnings = [
        head,
        head + b"Content-Length: 1000\r\n\r\n{",
        b"",
        head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ]
    clients = [socket.create_connection(address) for _ in range(SLOW)]
    for number, client in enumerate(clients):
        client.sendall(beginnings[number % len(beginnings)])
    assert httpx.get(f"{server}/livez").status_code == 200
    assert httpx.get(f"{server}/readyz").status_code == 200
    too_large = httpx.post(f"{server}/api/v1/clusters", content=b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert too_large.status_code == 413
    with httpx.Client() as kept:  # a second request on a connection has a time of its own
        assert [kept.get(f"{server}/livez").status_code for _ in range(3)] == [200] * 3
    for number, client in enumerate(clients):
        with client:
            client.settimeout(60)
            said = b""
            while piece := client.recv(4096):
                said += piece
            assert (b" 408 " in said) == (number % 2 == 1), said
