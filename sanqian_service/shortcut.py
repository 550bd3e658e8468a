"""A shorter way through Django for requests that carry an access key.

Sessions, languages, forms and messages are for pages. Under ASGI nearly each of their middleware changes threads twice,
which together costs more than all else that a list of the API needs.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import resolve
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
        self._short: Any = convert_exception_to_response(self._shortcut)

    async def get_response_async(self, request: HttpRequest) -> Any:
        """Django's question: the answer to a request."""
        if not (request.path_info.startswith(API) and request.headers.get("Authorization", "").startswith("Bearer ")):
            return await super().get_response_async(request)
        response = await self._short(request)
        if response.status_code >= 400:
            reason, path = response.reason_phrase, request.path
            log_response("%s: %s", reason, path, response=response, request=request)
        return response

    async def _shortcut(self, request: HttpRequest) -> Any:
        for middleware in self._kept:
            if hasattr(middleware, "process_request") and (refusal := middleware.process_request(request)):
                return refusal
        found = resolve(request.path_info)
        request.resolver_match = found
        view = found.func
        call = view if iscoroutinefunction(view) else sync_to_async(view)
        response: Any = await _rendered(await call(request, *found.args, **found.kwargs))
        for middleware in reversed(self._kept):
            response = middleware.process_response(request, response)
        return added(request, response)


async def _rendered(response: Any) -> Any:
    return response if getattr(response, "is_rendered", True) else await sync_to_async(response.render)()


def _unused(request: HttpRequest) -> Any:
    """What middleware is made with; here each is asked by itself."""
    raise NotImplementedError
