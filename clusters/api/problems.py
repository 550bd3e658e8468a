"""Errors as problem documents (RFC 9457), each with a stable type and a hint."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from clusters.database import LOST, drop_lost

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
BUSY_SECONDS = 5


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its slug, HTTP status and title."""

    slug: str
    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind("invalid", 400, "The request is not valid."),
        Kind("invalid-configuration", 400, "The configuration is not valid."),
        Kind("not-authenticated", 401, "The access key was not accepted."),
        Kind("access-key-expired", 401, "The access key has expired."),
        Kind("insufficient-scope", 403, "The access key may not do this."),
        Kind("limit-reached", 403, "A limit of the access key is reached."),
        Kind("forbidden", 403, "This is not allowed."),
        Kind("not-allowed", 403, "Only operators may do this."),
        Kind("not-found", 404, "There is no such thing."),
        Kind("method-not-allowed", 405, "This cannot be done here."),
        Kind("too-slow", 408, "The request came too slowly."),
        Kind("busy", 409, "Another operation is under way."),
        Kind("name-taken", 409, "The name is taken."),
        Kind("last-admin-key", 409, "It is the customer's last access key of scope admin."),
        Kind("conflict", 409, "This contradicts what there is."),
        Kind("idempotency-conflict", 409, "The first request with this Idempotency-Key is still under way."),
        Kind("precondition-failed", 412, "It has changed meanwhile."),
        Kind("too-large", 413, "The request is too large."),
        Kind("unsupported-media-type", 415, "The body is of a kind that is not taken."),
        Kind("idempotency-mismatch", 422, "The Idempotency-Key was used for another request."),
        Kind("throttled", 429, "Too many requests."),
        Kind("internal", 500, "The service made a mistake."),
        Kind("unavailable", 503, "The service cannot answer now."),
    )
}


class Problem(exceptions.APIException):
    """Raised anywhere below a view. `more` goes into the document as it is."""

    def __init__(
        self,
        slug: str,
        detail: str = "",
        *,
        hint: str = "",
        errors: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[slug]
        self.status_code = self.kind.status
        self.text, self.hint, self.errors, self.more = detail, hint, errors or [], more
        # Whoever is sent away for now is told for how long.
        wait = {"Retry-After": str(BUSY_SECONDS)} if self.status_code in (429, 503) else {}
        self.headers: Mapping[str, str] = {**wait, **(headers or {})}

    def document(self, instance: str) -> dict[str, Any]:
        """The problem as JSON; `instance` is the path of the request."""
        return {
            "type": f"/problems/{self.kind.slug}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.text,
            "instance": instance,
            "hint": self.hint,
            "errors": self.errors,
            **self.more,
        }


def field_error(field: str, message: str, hint: str = "", **place: int) -> dict[str, Any]:
    """One entry of a problem's ``errors``; `place` is line and column where there is a file."""
    return {"field": field, "message": message, "hint": hint, **place}


def invalid(field: str, message: str, hint: str = "") -> Problem:
    """The problem of one field."""
    return Problem("invalid", message, hint=hint, errors=[field_error(field, message, hint)])


def not_found(what: str) -> Problem:
    """The problem of something that is not there, or belongs to another customer."""
    return Problem("not-found", f"There is no {what} of this name or id.", hint="Check the id; list what you have.")


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: every foreseen error as a problem document; others stay the server's mistake."""
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    if isinstance(error, LOST):
        drop_lost()
    path = context["request"].path if context.get("request") else ""
    return Response(
        problem.document(path), status=problem.status_code, headers=dict(problem.headers), content_type=CONTENT_TYPE
    )


def problem_response(problem: Problem, path: str) -> JsonResponse:
    """The answer of a view that is not DRF's."""
    return JsonResponse(
        problem.document(path),
        status=problem.status_code,
        headers=dict(problem.headers),
        content_type=CONTENT_TYPE,
    )


@csrf_exempt
def page_not_found(request: HttpRequest) -> JsonResponse:
    """The answer to an address of the API that does not exist."""
    return problem_response(not_found("resource"), request.path)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's answer to its own mistake, as a problem for callers of the API; the log holds the traceback."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    problem = Problem("internal", "The mistake is in the service's log.", hint="Tell the operator the time and path.")
    return problem_response(problem, request.path)


def problem_of(error: Exception) -> Problem | None:
    """`error` as a problem, or None where it was not foreseen."""
    match error:
        case Problem():
            return error
        case exceptions.ValidationError():
            errors = list(flatten(error.detail))
            return Problem("invalid", _summary(errors), errors=errors)
        case exceptions.ParseError():
            return Problem("invalid", str(error.detail), hint="Send a JSON object, with Content-Type application/json.")
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            return Problem("not-authenticated", str(error.detail), headers={"WWW-Authenticate": "Bearer"})
        case exceptions.PermissionDenied() | PermissionDenied():
            return Problem("forbidden", str(error))
        case exceptions.NotFound() | Http404():
            return not_found("resource")
        case exceptions.MethodNotAllowed():
            return Problem("method-not-allowed", str(error.detail))
        case exceptions.UnsupportedMediaType():
            hint = "Send JSON, with Content-Type: application/json."
            return Problem("unsupported-media-type", str(error.detail), hint=hint)
        case exceptions.Throttled():
            wait = max(1, int(getattr(error, "wait", None) or 1))
            hint = f"Wait {wait} s; follow operations by their event stream instead of asking again and again."
            return Problem("throttled", "", hint=hint, headers={"Retry-After": str(wait)})
        case RequestDataTooBig():
            return Problem("too-large", "A request may have 2 MiB.", hint="Send less at once.")
        case IntegrityError():
            log.warning("the database refused a change: %s", error)
            hint = "Read it again, then repeat the request."
            return Problem("conflict", "What this refers to was changed or removed meanwhile.", hint=hint)
        case OperationalError() | InterfaceError() | PoolTimeout():
            return Problem("unavailable", "The database does not answer.", hint="Try again soon.")
    return None


def flatten(detail: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """DRF's nested validation errors as a list with paths such as ``hosts[2].address``."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            inner = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else str(key)
            yield from flatten(value, path if key == "non_field_errors" else inner)
    elif isinstance(detail, list):
        for number, value in enumerate(detail):
            if isinstance(value, Mapping | list):
                yield from flatten(value, f"{path}[{number}]")
            else:
                yield from flatten(value, path)
    else:
        yield field_error(path, str(detail))


def _summary(errors: list[dict[str, Any]]) -> str:
    if not errors:
        return ""
    first = errors[0]
    text = f"{first['field']}: {first['message']}" if first["field"] else str(first["message"])
    return text if len(errors) == 1 else f"{text} (and {len(errors) - 1} more)"
