"""What drf-spectacular cannot see by itself: problem documents, repeats, and the event stream."""

from __future__ import annotations

from typing import Any

from clusters.api.problems import CONTENT_TYPE, KINDS
from clusters.api.scopes import ENDPOINTS, ROOT

EVENTS = "/api/v1/operations/{operation_id}/events"
DESCRIPTION = """Turns racks of bare servers into working 3k platforms over SSH, and keeps telling the truth about them.

Every request carries an access key: `Authorization: Bearer sq_...`. You see only what belongs to its customer.
Each address names the scope that the key needs: read, operate (includes read), or admin (includes both).
Errors are problem documents (RFC 9457) whose `type` is stable. Lists come in pages: follow `next`.
A POST with an `Idempotency-Key` may be repeated for 24 hours and is carried out once."""
STREAM = """Server-sent events, in the order of their numbers (`id`). After a break, send the last number as
`Last-Event-ID`; nothing is lost or repeated. A comment line comes every 15 s. The data is JSON:

- `operation`: state, progress, attempt, error
- `step`: key, title, state, progress, note, outcome, attempt, error
- `job` (a step on one host): step, host, state, phase, outcome, exit_code, progress, note, error
- `log`: step, host, attempt, text
- `end`: state; the stream is over"""
TEXT = {"type": "string"}
# By method and path as the document has them.
SCOPES = {
    (method.lower(), f"/{ROOT}{route.replace('<str:', '{').replace('>', '}')}"): str(scope)
    for route, methods in ENDPOINTS.items()
    for method, scope in methods.items()
}
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Some types add fields of their own.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {
            "type": "string",
            "enum": [f"/problems/{slug}" for slug in KINDS],
            "description": "Stable name of the kind of problem.",
        },
        "title": {**TEXT, "description": "The kind of problem in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {**TEXT, "description": "What is wrong this time."},
        "instance": {**TEXT, "description": "The path of the request."},
        "hint": {**TEXT, "description": "What to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {**TEXT, "description": "For example hosts[2].address."},
                    "message": TEXT,
                    "hint": TEXT,
                    "line": {"type": "integer", "description": "In the configuration, from 1."},
                    "column": {"type": "integer"},
                },
            },
        },
        "operation": {"type": ["string", "null"], "description": "busy: the operation that is under way."},
        "scope": {**TEXT, "description": "insufficient-scope: the scope that is needed."},
        "limit": {"type": "integer", "description": "limit-reached: the limit."},
        "findings": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Finding"},
            "description": "invalid-configuration: all that was found.",
        },
    },
}


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook for the finished document."""
    result["info"]["description"] = DESCRIPTION
    result["components"]["schemas"]["Problem"] = PROBLEM
    result["paths"][EVENTS] = {"get": _stream()}
    result["paths"] = dict(sorted(result["paths"].items()))
    problem = {
        "description": "A problem.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    repeat = {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "maxLength": 255},
        "description": "Makes a repeat of this request harmless.",
    }
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            operation["responses"]["default"] = problem
            operation["tags"] = [path.split("/")[3]]
            if scope := SCOPES.get((method, path)):
                operation["security"] = [{"accessKey": [scope]}]
            if method == "post" and not path.endswith("/validate"):
                operation.setdefault("parameters", []).append(repeat)
    return result


def _stream() -> dict[str, Any]:
    ident = {"name": "operation_id", "in": "path", "required": True, "schema": TEXT}
    last = {"name": "Last-Event-ID", "in": "header", "schema": TEXT, "description": "The last number seen."}
    after = {"name": "after", "in": "query", "schema": {"type": "integer"}, "description": "The same, in the query."}
    return {
        "operationId": "operations_events",
        "summary": "Follow an operation",
        "description": STREAM,
        "parameters": [ident, last, after],
        "security": [{"accessKey": []}],
        "responses": {"200": {"description": "The stream.", "content": {"text/event-stream": {"schema": TEXT}}}},
    }
