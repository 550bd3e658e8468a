"""One operation live in a browser: its state, its events, and its log, for whoever a session lets in.

The admin's page and the customer's share this, the template ``live/operation.html`` and the module
``live/operation.js``; they differ in who is let in. Answers and errors are JSON, as those of the REST API.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from psycopg.errors import QueryCanceled

from clusters.api.pagination import whole_number
from clusters.api.problems import Problem, problem_of, problem_response
from tasks.api import log
from tasks.api.events import HEADERS, follow, in_thread, number_to_begin_after
from tasks.api.operations import steps_of
from tasks.api.serializers import OperationSerializer, StepSerializer
from tasks.models import Operation
from tasks.plan import stages
from tasks.titles import titled
from tasks.web.text import Lines

PIECE = 500  # chunks read at once for the text of a whole log
SEARCH_SECONDS = 5  # how long the database may look through an operation's output
View = Callable[..., HttpResponseBase] | Callable[..., Coroutine[Any, Any, HttpResponseBase]]


@dataclass(frozen=True)
class Addresses:
    """What the template ``live/operation.html`` is given as ``live``.

    The actions are addresses that take a POST and lead back to the page; without one there is no button. `retry`
    gets the field ``from_step``, `skip` the fields ``step`` and ``reason``. `login` is where one logs in again.
    """

    state: str
    events: str
    log: str
    text: str
    login: str = ""
    cancel: str = ""
    retry: str = ""
    skip: str = ""


@dataclass(frozen=True)
class Sight:
    """An operation that a request may look at, and whether it still may, asked while it watches."""

    operation: Operation
    still: Callable[[], bool]


class Live:
    """The addresses of operations live below a prefix. `admit` finds an operation for a request or raises `Problem`."""

    def __init__(self, name: str, admit: Callable[[HttpRequest, str], Sight]) -> None:
        self.name, self._admit = name, admit

    @property
    def urls(self) -> list[URLPattern]:
        """To be included below a prefix."""
        views: dict[str, View] = {
            "state": self._answered(state),
            "log": self._answered(stretch),
            "text": self._answered(text),
            "events": self._events,
        }
        return [path(f"<str:operation_id>/{name}", view, name=f"{self.name}-{name}") for name, view in views.items()]

    def addresses(self, operation: UUID, **more: str) -> Addresses:
        """Those of one operation; `more` are `Addresses`' other fields."""
        found = {name: reverse(f"{self.name}-{name}", args=[operation]) for name in ("state", "events", "log", "text")}
        return Addresses(**found, **more)

    def _answered(self, answer: Callable[[HttpRequest, Operation], HttpResponseBase]) -> View:
        @wraps(answer)
        def view(request: HttpRequest, operation_id: str) -> HttpResponseBase:
            try:
                _only_read(request)
                return answer(request, self._admit(request, operation_id).operation)
            except Exception as error:
                return _refusal(error, request)

        return view

    async def _events(self, request: HttpRequest, operation_id: str) -> HttpResponseBase:
        try:
            _only_read(request)
            sight, after = await in_thread(lambda: self._begin(request, operation_id))
        except Exception as error:
            return _refusal(error, request)
        stream = follow(sight.operation.pk, after, still=sight.still)
        return StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8", headers=HEADERS)

    def _begin(self, request: HttpRequest, ident: str) -> tuple[Sight, int]:
        sight = self._admit(request, ident)
        return sight, number_to_begin_after(request, sight.operation)


def state(request: HttpRequest, operation: Operation) -> HttpResponseBase:
    """The operation with its steps and hosts as REST shows it, and the service's time."""
    rows = list(steps_of(operation))
    stage = stages((row.key, row.after) for row in rows)
    # Errors whole, as events tell them: with the last lines. Titles in the reader's language.
    steps = [
        {**StepSerializer(row).data, "error": row.error, "title": titled(row.title), "stage": stage[row.key]}
        for row in rows
    ]
    whole = {**OperationSerializer(operation).data, "error": operation.error, "steps": steps}
    return _json({**whole, "now": timezone.now()})


def stretch(request: HttpRequest, operation: Operation) -> HttpResponseBase:
    """A stretch of the log: after a number, before one, or its end; of one step, host, or with some words alone."""
    wanted = log.Wanted(
        after=whole_number(request, "after", 0, 0, log.HIGHEST),
        before=whole_number(request, "before", 0, 0, log.HIGHEST),
        limit=whole_number(request, "limit", log.USUAL, 1, log.MOST),
        tail=whole_number(request, "tail", 0, 0, log.MOST),
        step=_word(request, "step"),
        host=_word(request, "host"),
        search=_word(request, "search"),
    )
    if not wanted.search:
        return _json(log.read(operation, wanted))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {SEARCH_SECONDS * 1000}")
            return _json(log.read(operation, wanted))
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        hint = "Choose a step or a host as well, or download the log and search there."
        raise Problem("unavailable", "The log is too long to be searched at once.", hint=hint) from error


def text(request: HttpRequest, operation: Operation) -> HttpResponseBase:
    """The whole log, or that of one step or host, as a file of plain text."""
    wanted = partial(log.Wanted, limit=PIECE, step=_word(request, "step"), host=_word(request, "host"))
    name = f"{operation.kind}-{operation.cluster.name}-{str(operation.pk)[:8]}.log"
    return StreamingHttpResponse(
        _whole(operation, wanted),
        content_type="text/plain; charset=utf-8",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _whole(operation: Operation, wanted: Callable[..., log.Wanted]) -> AsyncIterator[str]:
    """The log up to where it was when `operation` was read, some chunks at a time."""
    lines, after = Lines(), 0
    while after < operation.event_seq:
        found = await in_thread(partial(log.read, operation, wanted(after=after)))
        after = found["next_after"]
        if piece := "".join(lines.feed(chunk) for chunk in found["results"]):
            yield piece
    yield lines.rest()


def _word(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "")[:200].replace("\0", "")


def _only_read(request: HttpRequest) -> None:
    if request.method not in ("GET", "HEAD"):
        raise Problem("method-not-allowed", f'Method "{request.method}" not allowed.', headers={"Allow": "GET"})


def _refusal(error: Exception, request: HttpRequest) -> JsonResponse:
    problem = problem_of(error)
    if problem is None:
        raise error
    return problem_response(problem, request.path)


def _json(data: dict[str, Any]) -> JsonResponse:
    return JsonResponse(data, headers={"Cache-Control": "no-store"})
