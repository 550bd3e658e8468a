"""A shorter way through Django for requests that carry an access key.

Sessions, languages, forms and messages are for pages. Under ASGI nearly each of their middleware changes threads twice,
and each request has a thread of its own, for which Django makes anew whatever it keeps by thread. Here a request goes
to a thread that is there already, once.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import Resolver404, ResolverMatch, resolve, set_script_prefix
from django.utils.log import log_response

from sanqian_service.headers import added

API = "/api/v1/"
# Allowed hosts, HTTPS, and the headers of security; none of these waits for anything.
KEPT = (SecurityMiddleware, CommonMiddleware, XFrameOptionsMiddleware)


class Application(ASGIHandler):
    """Django's, with the shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = [middleware(_unused) for middleware in KEPT]
        self._short = convert_exception_to_response(self._answer)
        self._short_async: Any = convert_exception_to_response(self._answer_async)
        # As many as there are connections to the database, so that no thread waits for one.
        threads = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="api")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = _shortcut(scope)
        if found is None or iscoroutinefunction(found.func):
            await super().__call__(scope, receive, send)
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            serve = partial(copy_context().run, self._serve, scope, body, found)
            response = await asyncio.get_running_loop().run_in_executor(self._threads, serve)
        await self.send_response(response, send)

    async def get_response_async(self, request: HttpRequest) -> Any:
        """Django's question: the answer to a request, whose view may be one that needs no thread."""
        found = _shortcut(request.scope)  # type: ignore[attr-defined]
        if found is None:
            return await super().get_response_async(request)
        request.resolver_match = found
        return _logged(request, await self._short_async(request))

    def _serve(self, scope: Any, body: Any, found: ResolverMatch) -> Any:
        """The whole way of a request on its thread, with what Django does before and after each."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        response: Any
        request, response = self.create_request(scope, body)
        if request is not None:
            request.resolver_match = found
            response = _logged(request, self._short(request))
        response._handler_class = self.__class__
        response.close()  # gives the connection to the database back; the content stays
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if refusal := self._refusal(request):
            return refusal
        found: Any = request.resolver_match
        return self._completed(request, _rendered(found.func(request, *found.args, **found.kwargs)))

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        if refusal := self._refusal(request):
            return refusal
        found: Any = request.resolver_match
        response: Any = await found.func(request, *found.args, **found.kwargs)
        return self._completed(request, await sync_to_async(_rendered)(response))

    def _refusal(self, request: HttpRequest) -> Any:
        for middleware in self._kept:
            if hasattr(middleware, "process_request") and (refusal := middleware.process_request(request)):
                return refusal
        return None

    def _completed(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        for middleware in reversed(self._kept):
            response = middleware.process_response(request, response)
        return added(request, response)


def _shortcut(scope: Any) -> ResolverMatch | None:
    """Where a request leads that may take the shortcut."""
    if scope["type"] != "http" or scope.get("root_path") or not scope["path"].startswith(API):
        return None
    if not any(name == b"authorization" and value.startswith(b"Bearer ") for name, value in scope["headers"]):
        return None
    try:
        return resolve(scope["path"])
    except Resolver404:
        return None


def _rendered(response: Any) -> Any:
    return response if getattr(response, "is_rendered", True) else response.render()


def _logged(request: HttpRequest, response: Any) -> Any:
    if response.status_code >= 400:
        log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
    return response


def _unused(request: HttpRequest) -> Any:
    """What middleware is made with; here each is asked by itself."""
    raise NotImplementedError
