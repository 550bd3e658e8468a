"""Problem documents in the schema: one component for each kind, with an example, and the answers made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clusters.api.headers import reference
from clusters.api.problems import CONTENT_TYPE, KINDS

Schema = dict[str, Any]
OPERATION = "9a942141-db5f-4497-a9d6-38411797ae7f"
PATH = "/api/v1/clusters/3a4a9d0e-6b5c-4f0e-9a52-0f2b6f6f7c11/operations"


@dataclass(frozen=True)
class About:
    """When a kind of problem comes, an example of its `detail` and `hint`, its own fields and its headers.

    A header with a ``?`` does not always come; ``name=description`` is one that `clusters.api.headers` has by another
    name.
    """

    when: str
    detail: str
    hint: str
    fields: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    errors: tuple[Mapping[str, Any], ...] = ()


_LIMIT = {"type": "integer", "description": "The limit, as a number of what it limits.", "examples": [20]}
_OPERATION = {
    "type": ["string", "null"],
    "format": "uuid",
    "description": "The id of the operation that is under way; null where it has just ended.",
    "examples": [OPERATION],
}
_FINDINGS = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/Finding"},
    "description": "All that was found, warnings and repairs too.",
}
_BAD_KIND = {"field": "kind", "message": "There is no operation 'instal'.", "hint": "Did you mean 'install'?"}
_BAD_HOST = {
    "field": "spec.hosts[1].address",
    "message": "'192.168.2' is no address.",
    "hint": "Write an IPv4 or IPv6 address, or a host name.",
    "line": 9,
    "column": 14,
}
ABOUT: Mapping[str, About] = {
    "invalid": About(
        "Fields of the body or of the query are not right; `errors` names each.",
        "There is no operation 'instal'.",
        "Did you mean 'install'?",
        errors=(_BAD_KIND,),
    ),
    "invalid-configuration": About(
        "The hosts and settings do not make a cluster; `errors` has line and column where there is a file.",
        "'192.168.2' is no address.",
        "Write an IPv4 or IPv6 address, or a host name.",
        fields={"findings": _FINDINGS},
        errors=(_BAD_HOST,),
    ),
    "not-authenticated": About(
        "There is no login in the request, or it is not known, or it is switched off.",
        "There is no access key in the request.",
        "Send the header 'Authorization: Bearer <access key>'.",
        headers=("WWW-Authenticate",),
    ),
    "access-key-expired": About(
        "The access key was good until some time ago.",
        "The access key 8b4ac51bdc expired 2026-11-01 00:00 UTC.",
        "Ask the operator for another key, or to prolong this one.",
        headers=("WWW-Authenticate",),
    ),
    "limit-reached": About(
        "The access key has as many of this as it may have.",
        "You have 20 clusters, and may have 20.",
        "Ask the operator for more.",
        fields={"limit": _LIMIT},
    ),
    "insufficient-scope": About(
        "The access key's scope is too little for this; `scope` names the one that is needed.",
        "The access key 8b4ac51bdc has the scope read, and this needs operate.",
        "Use a key of scope operate or admin; a key of scope admin can make one.",
        fields={"scope": {"type": "string", "description": "The scope that is needed.", "examples": ["operate"]}},
        headers=("WWW-Authenticate=Scope-Challenge",),
    ),
    "forbidden": About("The service does not let this be done.", "", ""),
    "not-allowed": About(
        "Only operators may, and an access key is a customer's.",
        "An access key does not open this.",
        "Log in as a user of the admin site who is staff and may view operations.",
    ),
    "not-found": About(
        "What the address names is not there, or is another customer's.",
        "There is no cluster of this name or id.",
        "Check the id; list what you have.",
    ),
    "method-not-allowed": About(
        "The address does not take this method; `Allow` names those that it takes.", 'Method "PUT" not allowed.', ""
    ),
    "busy": About(
        "An operation of the cluster is under way, beside which this cannot be done.",
        "The install of this cluster is running.",
        f"Wait for operation {OPERATION}, or cancel it.",
        fields={"operation": _OPERATION},
    ),
    "name-taken": About(
        "Another of your clusters has the name.",
        "You have a cluster of this name already.",
        "Choose another name, or use that cluster.",
    ),
    "conflict": About(
        "The request contradicts what there is; `detail` says how.",
        "A host keeps its name.",
        "Take it out and add it under the new name.",
    ),
    "last-admin-key": About(
        "The customer would have no access key of scope admin any more.",
        "This is the customer's last access key of scope admin.",
        "Make another one first, or send force: true.",
    ),
    "idempotency-conflict": About(
        "The first request with this `Idempotency-Key` is still under way.",
        "",
        "Wait for its answer, or repeat this request a little later.",
        headers=("Retry-After?",),
    ),
    "precondition-failed": About(
        "What `If-Match` names is not what there is any more; nothing was done.",
        "The cluster was changed since you read it.",
        "Read it again, and decide again.",
    ),
    "too-slow": About(
        "The request did not arrive within the time that the service gives it.",
        "The request was not here after 30 s.",
        "Send it again over a faster connection.",
    ),
    "too-large": About("The body is larger than 2 MiB.", "A request may have 2 MiB.", "Send less at once."),
    "unsupported-media-type": About(
        "The body is not sent as JSON.",
        'Unsupported media type "application/x-www-form-urlencoded" in request.',
        "Send JSON, with Content-Type: application/json.",
    ),
    "idempotency-mismatch": About(
        "The `Idempotency-Key` came with another path or body before.",
        "The path or the body is another than the first time.",
        "Use a fresh Idempotency-Key for a new request.",
    ),
    "throttled": About(
        "The access key has sent more requests a minute than it may.",
        "",
        "Wait 17 s; follow operations by their event stream instead of asking again and again.",
        headers=("Retry-After",),
    ),
    "internal": About(
        "The service made a mistake; its log holds it.",
        "The mistake is in the service's log.",
        "Tell the operator the time and path.",
    ),
    "unavailable": About(
        "The database does not answer.",
        "The database does not answer.",
        "Try again soon.",
        headers=("Retry-After",),
    ),
}
_TEXT = {"type": "string"}
PROBLEM: Schema = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Decide by `type`; show `detail` and `hint`.",
    "required": ["type", "title", "status", "detail", "instance", "hint", "errors"],
    "properties": {
        "type": {
            "$ref": "#/components/schemas/ProblemType",
            "description": "Stable name of the kind of problem.",
            "examples": ["/problems/invalid"],
        },
        "title": {**_TEXT, "description": "The kind of problem in words.", "examples": ["The request is not valid."]},
        "status": {"type": "integer", "description": "The HTTP status, a number.", "examples": [400]},
        "detail": {
            **_TEXT,
            "description": "What is wrong this time; may be empty.",
            "examples": ["There is no operation 'instal'."],
        },
        "instance": {**_TEXT, "description": "The path of the request.", "examples": [PATH]},
        "hint": {**_TEXT, "description": "What to do; may be empty.", "examples": ["Did you mean 'install'?"]},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/FieldError"},
            "description": "What is wrong with each field; empty where no field is to blame.",
        },
    },
}
FIELD_ERROR: Schema = {
    "type": "object",
    "description": "What is wrong with one field.",
    "required": ["field", "message", "hint"],
    "properties": {
        "field": {**_TEXT, "description": "Path of the field; empty for the whole.", "examples": ["hosts[2].address"]},
        "message": {**_TEXT, "description": "What is wrong.", "examples": [_BAD_HOST["message"]]},
        "hint": {**_TEXT, "description": "What to write instead; may be empty.", "examples": [_BAD_HOST["hint"]]},
        "line": {
            "type": "integer",
            "minimum": 1,
            "description": "Number of the line in the configuration file, from 1; missing where there is no file.",
            "examples": [9],
        },
        "column": {
            "type": "integer",
            "minimum": 1,
            "description": "Number of the column in that line, from 1; missing where there is no file.",
            "examples": [14],
        },
    },
}


def components() -> dict[str, Schema]:
    """The schemas of all problems."""
    names = [f"/problems/{slug}" for slug in KINDS]
    told = "\n".join(
        f"* `{name}` - {KINDS[slug].status}: {ABOUT[slug].when}" for slug, name in zip(KINDS, names, strict=True)
    )
    kinds = {"ProblemType": {"type": "string", "enum": names, "description": told}}
    return {"Problem": PROBLEM, "FieldError": FIELD_ERROR, **kinds, **{_name(slug): _component(slug) for slug in KINDS}}


def responses(slugs: Iterable[str]) -> dict[str, Schema]:
    """The answers of an operation that may meet these problems, by status."""
    by_status: dict[int, list[str]] = {}
    for slug in slugs:
        by_status.setdefault(KINDS[slug].status, []).append(slug)
    return {str(status): _response(by_status[status]) for status in sorted(by_status)}


def share(paths: Mapping[str, Mapping[str, Schema]]) -> dict[str, Schema]:
    """Put a reference in the place of each answer that is a problem: what they refer to, by name."""
    shared: dict[str, Schema] = {}
    for methods in paths.values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if content := response.get("content", {}).get(CONTENT_TYPE):
                    name = "Or".join(map(_words, content["examples"]))
                    shared[name] = response
                    operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(shared.items()))


def _response(slugs: list[str]) -> Schema:
    references = {slug: f"#/components/schemas/{_name(slug)}" for slug in slugs}
    schema: Schema = {"$ref": references[slugs[0]]}
    if len(slugs) > 1:
        mapping = {f"/problems/{slug}": where for slug, where in references.items()}
        schema = {
            "oneOf": [{"$ref": where} for where in references.values()],
            "discriminator": {"propertyName": "type", "mapping": mapping},
        }
    answer: Schema = {
        "description": "\n".join(f"* `/problems/{slug}` - {ABOUT[slug].when}" for slug in slugs),
        "content": {CONTENT_TYPE: {"schema": schema, "examples": {slug: {"value": example(slug)} for slug in slugs}}},
    }
    if named := sorted({header.rstrip("?") for slug in slugs for header in ABOUT[slug].headers}):
        pairs = (header.partition("=") for header in named)
        answer["headers"] = {name: reference(described or name) for name, _, described in pairs}
    return answer


def _name(slug: str) -> str:
    return f"{_words(slug)}Problem"


def _words(slug: str) -> str:
    return "".join(word.capitalize() for word in slug.split("-"))


def _component(slug: str) -> Schema:
    kind, about = KINDS[slug], ABOUT[slug]
    own: Schema = {
        "type": "object",
        "properties": {
            "type": {
                "const": f"/problems/{slug}",
                "description": "The kind of problem.",
                "examples": [f"/problems/{slug}"],
            },
            "status": {"const": kind.status, "description": "The HTTP status, a number.", "examples": [kind.status]},
            **about.fields,
        },
        "required": ["type", "status", *about.fields],
    }
    return {"description": f"{kind.title} {about.when}", "allOf": [{"$ref": "#/components/schemas/Problem"}, own]}


def example(slug: str) -> Schema:
    """A problem of this kind."""
    kind, about = KINDS[slug], ABOUT[slug]
    own = {name: (schema.get("examples") or [[]])[0] for name, schema in about.fields.items()}
    return {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": about.detail,
        "instance": PATH,
        "hint": about.hint,
        "errors": list(about.errors),
        **own,
    }
