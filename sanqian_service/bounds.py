"""What one client may ask of the web server: the size of a body, and the time to send it. ASGI.

Django keeps a whole body on disk before anything looks at it, so it is bounded here: before Django, and before the
access key is read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from clusters.api.problems import CONTENT_TYPE, Problem

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


class Bounded:
    """An ASGI application whose bodies have at most `largest` bytes and are there within `seconds`."""

    def __init__(self, application: Application, *, largest: int, seconds: float) -> None:
        self._application, self._largest, self._seconds = application, largest, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        try:
            self._count(int(dict(scope["headers"]).get(b"content-length", b"0")))
            await self._application(scope, self._watched(receive), send)
        except _Refused as error:
            await _answer(scope, send, error.problem)

    def _watched(self, receive: Receive) -> Receive:
        deadline = asyncio.get_running_loop().time() + self._seconds
        size, whole = 0, False

        async def watched() -> Message:
            nonlocal size, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                late = f"The request was not there after {self._seconds:.0f} s."
                hint = "Send it anew, over a faster connection."
                raise _Refused(Problem("too-slow", late, hint=hint)) from None
            size += len(message.get("body", b""))
            self._count(size)
            whole = message["type"] != "http.request" or not message.get("more_body")
            return message

        return watched

    def _count(self, size: int) -> None:
        if size > self._largest:
            most = f"A request may have {self._largest >> 20} MiB."
            raise _Refused(Problem("too-large", most, hint="Send less at once."))


async def _answer(scope: Scope, send: Send, problem: Problem) -> None:
    body = json.dumps(problem.document(scope["path"])).encode()
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # what the client still sends is not read
    ]
    await send({"type": "http.response.start", "status": problem.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
