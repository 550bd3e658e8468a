"""``Idempotency-Key`` on POST: a repeat gets the first answer and does nothing again.

The work, and the row that keeps its answer, are one transaction: there is never one without the other. Only
successes are kept; a refused request did nothing, so its repeat is judged anew. An answer with a secret is kept
encrypted.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.documentation import repeatable
from clusters.api.problems import Problem, invalid
from clusters.api.rendering import as_bytes
from clusters.models import AccessKey, IdempotentRequest

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
LONGEST = 255
REPLAYED = "Idempotency-Replayed"
Handler = TypeVar("Handler", bound=Callable[..., Response])


class Sealed(Response):
    """An answer with a secret in it: whatever keeps it keeps it encrypted, and nothing on the way may."""

    def __init__(self, data: Any, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(data, headers={**(headers or {}), "Cache-Control": "no-store"}, **more)


def idempotent(handler: Handler) -> Handler:
    """A view's method for POST, made repeatable."""

    @repeatable
    @functools.wraps(handler)
    def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            with transaction.atomic():
                return handler(view, request, *args, **kwargs)
        if not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
            raise invalid(HEADER, "It must have 1 to 255 printable ASCII characters.", "Use a fresh UUID per request.")
        print_ = _fingerprint(request)
        with transaction.atomic():
            owner: AccessKey = view.key
            _lock(owner.pk, key)
            known = IdempotentRequest.objects.filter(access_key=owner, key=key)
            if first := known.filter(created_at__gt=timezone.now() - KEPT).first():
                return _again(first, print_)
            IdempotentRequest.objects.filter(access_key=owner, created_at__lte=timezone.now() - KEPT).delete()
            response = handler(view, request, *args, **kwargs)
            body = as_bytes(response.data).decode()
            sealed = isinstance(response, Sealed)
            IdempotentRequest.objects.create(
                access_key=owner,
                key=key,
                fingerprint=print_,
                status=response.status_code,
                headers=dict(response.items()),
                body=None if sealed else json.loads(body),
                sealed=body if sealed else "",
            )
            return response

    return handle  # type: ignore[return-value]


def _again(first: IdempotentRequest, print_: str) -> Response:
    if first.fingerprint != print_:
        hint = f"Use a fresh {HEADER} for a new request."
        raise Problem("idempotency-mismatch", "The path or the body is another than the first time.", hint=hint)
    body = json.loads(first.sealed) if first.sealed else first.body
    return Response(body, status=first.status, headers={**first.headers, REPLAYED: "true"})


def _fingerprint(request: Request) -> str:
    parts = (request.method or "", request.get_full_path())
    # Keyed: a body may hold a password, which whoever has the database alone must not be able to guess by it.
    text = "\n".join(parts).encode() + b"\n" + request.body
    return hmac.new(settings.ACCESS_KEY_PEPPER.encode(), text, hashlib.sha256).hexdigest()


def _lock(owner: object, key: str) -> None:
    """Held until the transaction ends. Raises `Problem` where the first request is still under way."""
    digest = hashlib.sha256(f"{owner}\n{key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)])
        (mine,) = cursor.fetchone()
    if not mine:
        hint = "Wait for its answer, or repeat this request a little later."
        raise Problem("idempotency-conflict", "", hint=hint, headers={"Retry-After": "1"})
