"""The headers of requests and answers, as the schema describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANSWERED: Mapping[str, dict[str, Any]] = {
    "Location": {
        "description": "The address of what was made, or where to follow what was accepted.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/api/v1/operations/9a942141-db5f-4497-a9d6-38411797ae7f",
    },
    "Retry-After": {
        "description": "Seconds to wait before the request is repeated.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 5,
    },
    "WWW-Authenticate": {
        "description": "What the service wants to be shown (RFC 9110).",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="sanqian"',
    },
    "ETag": {
        "description": "Names what was read, for `If-None-Match` and `If-Match`.",
        "required": True,
        "schema": {"type": "string"},
        "example": '"4f0c5d1e8a.91d3a7c2b6"',
    },
    "Scope-Challenge": {
        "description": "The scope that the service wants a key to have (RFC 6750); only where the scope is too little.",
        "schema": {"type": "string"},
        "example": 'Bearer realm="sanqian", error="insufficient_scope", scope="operate"',
    },
    "Idempotency-Replayed": {
        "description": "`true` where this is the kept answer of an earlier request with this `Idempotency-Key`, and "
        "nothing was done again. Missing otherwise.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}
"""Headers of answers by name; a header that two kinds of answers bear in two ways has two names here."""

ASKED: Mapping[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "Any text of yours that names this request, best a UUID. A repeat within 24 hours with the same "
        "path and body gets the first answer, and nothing is done again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        "example": "5f0c8d5e-8c39-4f6c-9d0c-0a2f1f4a7b10",
    },
    "If-None-Match": {
        "description": "An `ETag`: 304 where the answer is still that one.",
        "schema": {"type": "string"},
        "example": '"4f0c5d1e8a.91d3a7c2b6"',
    },
    "If-Match": {
        "description": "An `ETag`: 412 where what can be changed is no longer as it was then.",
        "schema": {"type": "string"},
        "example": '"4f0c5d1e8a.91d3a7c2b6"',
    },
    "Last-Event-ID": {
        "description": "The number of the last event that was seen: the stream goes on behind it.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
        "example": "1258",
    },
    "Last-Event-ID of changes": {
        "description": "The `id` of the last event that was seen: the stream goes on behind it.",
        "schema": {"type": "string", "pattern": r"^[0-9]{1,19}(\.[0-9]{1,19}){3}$"},
        "example": "48245.1.1258.1795491674",
    },
}
"""Headers of requests by name; behind a blank, of which of two that bear it."""


def asked(name: str) -> dict[str, Any]:
    """A header of a request, as a parameter."""
    return {"in": "header", "name": name.partition(" ")[0], **ASKED[name]}


def reference(name: str) -> dict[str, str]:
    """Where a header of an answer is described."""
    return {"$ref": f"#/components/headers/{name}"}
