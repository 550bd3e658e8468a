"""An operation live: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Events and output share their numbers, and become visible in the order of these, so the number of the last one seen
is all that a client needs to go on without a gap. Between two looks at the database no connection is held.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Exists, Value
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import Throttled

from clusters.api.authentication import admitted
from clusters.api.pagination import whole_number
from clusters.api.problems import Problem, problem_of, problem_response
from clusters.api.scopes import require, scope_of
from clusters.api.sources import source_of
from clusters.models import AccessKey
from tasks.api.log import HIGHEST, shown
from tasks.api.operations import own_operation
from tasks.database import release
from tasks.models import ACTIVE, Event, LogChunk, Operation

EVERY = 0.3
HEARTBEAT = 15.0
# Numbers read at once. They are given without gaps, so this bounds the rows too.
WINDOW = 200
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
R = TypeVar("R")


@dataclass(frozen=True)
class Look:
    """What one look at the database showed. `over`: there will be no more; `state` is the operation's."""

    frames: tuple[str, ...]
    seen: int
    over: bool = False
    more: bool = False
    state: str = ""
    refused: bool = False


@csrf_exempt
async def events(request: HttpRequest, operation_id: str) -> HttpResponseBase:
    """The stream, after ``Last-Event-ID`` or ``?after=``."""
    return await answered(request, lambda: _begin(request, operation_id))


async def answered(request: HttpRequest, begin: Callable[[], AsyncIterator[str]]) -> HttpResponseBase:
    """The stream that `begin` makes, or the problem that it raises."""
    try:
        if request.method != "GET":
            raise Problem("method-not-allowed", f'Method "{request.method}" not allowed.', headers={"Allow": "GET"})
        stream = await in_thread(begin)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        return problem_response(problem, request.path)
    return StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8", headers=HEADERS)


def caller(request: HttpRequest) -> AccessKey:
    """Who asks for a stream, counted as one request. Raises `Problem`."""
    key, wait = admitted(request.headers.get("Authorization", ""), source_of(request))
    require(key, scope_of("GET", request.resolver_match))
    if wait:
        raise Throttled(wait)
    return key


def _begin(request: HttpRequest, ident: str) -> AsyncIterator[str]:
    key = caller(request)
    operation = own_operation(key, ident)
    return follow(operation.pk, number_to_begin_after(request, operation), key=key.pk)


def number_to_begin_after(request: HttpRequest, operation: Operation) -> int:
    """The number of the last event that the client has seen. Raises `Problem`."""
    given = request.headers.get("Last-Event-ID", "")
    after = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    if after is None:
        after = whole_number(request, "after", 0, 0, HIGHEST)
    return min(after, operation.event_seq)


async def follow(
    operation: UUID,
    after: int,
    *,
    key: UUID | None = None,
    still: Callable[[], bool] | None = None,
    every: float = EVERY,
    heartbeat: float = HEARTBEAT,
) -> AsyncIterator[str]:
    """The frames of the stream. It ends with the operation, or when who watches may no longer.

    That is when the access key `key` is withdrawn, or when `still` says so.
    """
    yield "retry: 2000\n: the operation's events\n\n"
    sent = time.monotonic()
    while True:
        found = await in_thread(lambda seen=after: look(operation, seen, key, still))  # type: ignore[misc]
        after = found.seen
        if found.frames:
            yield "".join(found.frames)
            sent = time.monotonic()
        if found.over:
            yield frame(after, "end", {"state": found.state})
            return
        if found.refused:
            return
        if found.more:
            continue
        if time.monotonic() - sent >= heartbeat:
            yield ": still here\n\n"
            sent = time.monotonic()
        await asyncio.sleep(every)


def look(ident: UUID, after: int, key: UUID | None = None, still: Callable[[], bool] | None = None) -> Look:
    """The frames numbered above `after`, at most `WINDOW` of them; none where who watches may no longer."""
    # In one statement, for each stream looks three times a second.
    usable = Exists(AccessKey.objects.usable().filter(pk=key)) if key else Value(True)
    row = Operation.objects.filter(pk=ident).values_list("state", "event_seq", usable).first()
    if row is None:
        return Look((), after, over=True, state="deleted")
    state, last, may = row
    if not may or (still is not None and not still()):
        return Look((), after, refused=True)
    upto = min(last, after + WINDOW)
    frames = _between(ident, after, upto) if upto > after else ()
    more = upto < last
    return Look(frames, upto, over=not more and state not in ACTIVE, more=more, state=state)


def _between(ident: UUID, after: int, upto: int) -> tuple[str, ...]:
    span: dict[str, Any] = {"operation": ident, "seq__gt": after, "seq__lte": upto}
    frames = {
        seq: frame(seq, kind, data)
        for seq, kind, data in Event.objects.filter(**span).values_list("seq", "kind", "data")
    }
    chunks = LogChunk.objects.filter(**span).select_related("job__step")
    for chunk in chunks.only(*("seq", "at", "offset", "size", "text", "job__host", "job__attempt", "job__step__key")):
        data = {name: value for name, value in shown(chunk).items() if name in ("step", "host", "attempt", "text")}
        frames[chunk.seq] = frame(chunk.seq, "log", data)
    return tuple(frames[seq] for seq in sorted(frames))


def frame(number: object, kind: str, data: Mapping[str, Any]) -> str:
    """One event of a stream, whose `id` is the number."""
    # ASCII alone: many clients take U+2028 and U+0085 for the end of a line, which the standard does not.
    text = json.dumps(data, separators=(",", ":"))
    return f"id: {number}\nevent: {kind}\ndata: {text}\n\n"


def in_thread(do: Callable[[], R]) -> Awaitable[R]:
    """`do` on a thread of the loop's own, which gives its database connection back at once."""

    def work() -> R:
        try:
            return do()
        finally:
            release()

    return sync_to_async(work, thread_sensitive=False)()
