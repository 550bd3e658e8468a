"""``ETag``, ``If-None-Match`` and ``If-Match`` (RFC 9110): nothing is sent twice, and no change is made blindly.

A tag is ``"version.digest"``. The version names what can be changed, the digest the whole answer. ``If-None-Match``
compares all of it; ``If-Match`` compares the version alone, for a new reading of the health must not refuse a change
of the description.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.request import Request

from clusters.api.problems import Problem
from clusters.api.rendering import as_bytes

# Headers of requests and answers (`clusters.api.headers`).
TAG, IF_NONE_MATCH, IF_MATCH = "ETag", "If-None-Match", "If-Match"


def answer(request: Request, data: Any, version: str) -> HttpResponse:
    """`data` with its tag, or 304 where the caller has it."""
    body = as_bytes(data)
    tag = f'"{version}.{_digest(body)}"'
    known = parse_etags(request.headers.get(IF_NONE_MATCH, ""))
    if known == ["*"] or tag in (one.removeprefix("W/") for one in known):
        return HttpResponseNotModified(headers={TAG: tag})
    return HttpResponse(body, content_type="application/json", headers={TAG: tag})


def tagged_version(response: HttpResponseBase) -> str:
    """The version in an answer's tag; empty where it has none."""
    return response.headers.get(TAG, "").strip('"').partition(".")[0]


def version_of(values: Iterable[Any]) -> str:
    """The version of what has these values."""
    return _digest(json.dumps(list(values), default=str, sort_keys=True).encode())


def is_conditional(request: Request) -> bool:
    """Whether a change is to be made only to what the caller knows."""
    return IF_MATCH in request.headers


def refuse_if_stale(request: Request, version: str) -> None:
    """Refuse a change whose `If-Match` is not of this version, of a row that is locked. Raises `Problem`."""
    if not is_conditional(request):
        return
    tags = parse_etags(request.headers[IF_MATCH])
    if tags != ["*"] and f'"{version}' not in (tag.partition(".")[0] for tag in tags):
        hint = "Read it again; if the change is still right, repeat it with the ETag of then, in its quotes."
        raise Problem("precondition-failed", "It is no longer as it was when that ETag was given.", hint=hint)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=9).hexdigest()
