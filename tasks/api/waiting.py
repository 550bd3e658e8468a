"""``GET operations/{id}?wait=30``: the answer comes when there is news, for callers that cannot read a stream.

While it waits, a request holds no database connection and no thread that others need. It looks as often as need be and
is counted once.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase

from clusters.api.conditional import tagged_version
from clusters.api.pagination import whole_number
from clusters.api.problems import Problem, problem_response
from tasks.api.events import EVERY, in_thread
from tasks.api.log import HIGHEST
from tasks.api.operations import LONGEST_WAIT
from tasks.models import Operation


def waiting(view: Callable[..., Any]) -> Any:
    """`view`, which reads an operation, made to wait where the request says so."""

    # The schema finds the view's class in what is copied.
    @functools.wraps(view)
    async def read(request: HttpRequest, operation_id: str) -> HttpResponseBase:
        try:
            until = time.monotonic() + whole_number(request, "wait", 0, 0, LONGEST_WAIT)
            after = whole_number(request, "after", -1, 0, HIGHEST)
        except Problem as problem:
            return problem_response(problem, request.path)
        if until <= time.monotonic():
            response: HttpResponseBase = await sync_to_async(view)(request, operation_id=operation_id)
            return response
        while True:
            response = await in_thread(lambda: view(request, operation_id=operation_id))
            version = tagged_version(response)
            news = not version or (response.status_code == 200 and int(version) > after)
            if news or time.monotonic() >= until:
                return response
            await _news(operation_id, int(version), until)

    return read


async def _news(ident: str, seen: int, until: float) -> None:
    """Until the operation has come further than the number `seen`, or is gone, or the time is over."""
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(EVERY, left))
        if await in_thread(lambda: _number(ident)) != seen:
            return


def _number(ident: str) -> int | None:
    return Operation.objects.filter(pk=ident).values_list("event_seq", flat=True).first()
