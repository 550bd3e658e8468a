"""How the API describes itself: each operation from its view, each field with an example (OpenAPI 3.1).

What a new endpoint needs: a summary (``extend_schema``), ``help_text`` and an entry in ``EXAMPLES`` for each field of
its serializers (``CHOICES`` and ``CONDITIONS`` say what DRF cannot), and `tells` for the problems that are its own.
Those that the way of the request implies, and the headers that go with them, are added here.
`tests/tasks/api/test_schema.py` names what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema

from clusters.api import headers
from clusters.api.conditional import IF_NONE_MATCH, TAG
from clusters.api.fields import Strict
from clusters.api.problem_documents import responses
from clusters.api.scopes import READ, scope_of_template

Handler = TypeVar("Handler", bound=Callable[..., Any])
Schema = dict[str, Any]
# What may go wrong wherever an access key is asked for.
WITH_KEY = ("not-authenticated", "access-key-expired", "throttled", "internal", "unavailable")
ANSWERED = {
    "200": "The answer.",
    "201": "It was made; `Location` is its address.",
    "202": "It is stored and will be done; `Location` is where to follow it.",
    "204": "It is done; the answer has no body.",
}
UNCHANGED = "It is still as `If-None-Match` names it; there is no body."
UUID_PATTERN = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
UUID = "3a4a9d0e-6b5c-4f0e-9a52-0f2b6f6f7c11"
PATH: Mapping[str, tuple[str, Schema, str]] = {
    "cluster_id": ("The cluster's id.", {"type": "string", "format": "uuid"}, UUID),
    "operation_id": (
        "The operation's id.",
        {"type": "string", "format": "uuid"},
        "9a942141-db5f-4497-a9d6-38411797ae7f",
    ),
    "name": ("The host's name within its cluster.", {"type": "string"}, "worker1"),
    "key_id": (
        "The access key's id.",
        {"type": "string", "format": "uuid"},
        "65a9c0b4-3f0e-4a5d-8a0f-0d1f5b7e2c9a",
    ),
    "webhook_id": (
        "The webhook's id.",
        {"type": "string", "format": "uuid"},
        "b6b0f1c4-2f3d-4f53-8a86-0c2d6a1e9b77",
    ),
    "delivery_id": ("The delivery's number.", {"type": "string", "pattern": "^[0-9]{1,18}$"}, "1258"),
}
"""Parameters of paths: description, schema, example."""
QUERY: Mapping[str, Any] = {
    "limit": 20,
    "cursor": "cD0yMDI2LTExLTI0KzAzJTNBNDElM0ExNA==",
    "name": "first",
    "state": "failed",
    "kind": "install",
    "cluster": UUID,
    "namespace": "gpu-operator",
    "after": 1258,
    "step": "kubernetes",
    "host": "worker1",
    "tail": 100,
    "fields": "id,name,state",
    "search": "rack",
    "active": True,
    "dry_run": False,
    "chosen": True,
    "kubernetes_version": "v1.24.3",
    "role_group": "worker",
    "arch": "amd64",
    "subject": "component",
    "new_state": "degraded",
    "wait": 30,
    **dict.fromkeys(("created_after", "created_before", "finished_after", "finished_before", "before"), ""),
    "since": "2026-11-24T03:00:00Z",
    "type": "operation.failed",
    "position": "48245.0.0.1795491720",
}
"""An example of each parameter of queries; times have one of their own."""


@dataclass(frozen=True)
class Told:
    """What a handler tells of itself besides what can be seen: slugs of problems, names of headers."""

    problems: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    repeatable: bool = False


def tells(*problems: str, answers: Iterable[str] = (), asks: Iterable[str] = ()) -> Callable[[Handler], Handler]:
    """For a view's method: its own problems, and headers of its answer and of its request (`clusters.api.headers`).

    It goes below ``extend_schema`` and may be given more than once.
    """

    def tell(handler: Handler) -> Handler:
        known = told(handler)
        return _keep(
            handler,
            replace(
                known,
                problems=(*known.problems, *problems),
                answers=(*known.answers, *answers),
                asks=(*known.asks, *asks),
            ),
        )

    return tell


def repeatable(handler: Handler) -> Handler:
    """For a view's method that an ``Idempotency-Key`` makes repeatable."""
    return _keep(handler, replace(told(handler), repeatable=True))


def told(handler: Any) -> Told:
    """What `handler` tells of itself."""
    found: Told = getattr(handler, "told", Told())
    return found


def _keep(handler: Handler, what: Told) -> Handler:
    handler.told = what  # type: ignore[attr-defined]
    return handler


class Documentation(AutoSchema):
    """drf-spectacular's reading of a view, completed."""

    method_mapping = {"get": "read", "post": "create", "put": "replace", "patch": "update", "delete": "delete"}

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "") or self._tokenize_path()[0]]

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        operation: Schema | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        handler = getattr(self.view, self.view.action)  # type: ignore[attr-defined]
        about = told(handler)
        if parameters := [*map(_parameter, operation.get("parameters", ())), *map(headers.asked, self._asks(about))]:
            operation["parameters"] = parameters
        for status, answer in operation["responses"].items():
            answer["description"] = answer["description"] if answer.get("content") else ""
            answer["description"] = answer["description"] or ANSWERED[status]
            if names := self._answers(about, status):
                answer["headers"] = {name: headers.reference(name) for name in names}
        if IF_NONE_MATCH in about.asks:
            operation["responses"]["304"] = {"description": UNCHANGED, "headers": {TAG: headers.reference(TAG)}}
        problems = dict.fromkeys(self._problems(operation, about))
        operation["responses"] |= responses(problems)
        return operation

    def _asks(self, about: Told) -> tuple[str, ...]:
        return (*(("Idempotency-Key",) if about.repeatable else ()), *about.asks)

    def _answers(self, about: Told, status: str) -> tuple[str, ...]:
        where = ("Location",) if status in ("201", "202") else ()
        return (*where, *(("Idempotency-Replayed",) if about.repeatable else ()), *about.answers)

    def _problems(self, operation: Schema, about: Told) -> Iterator[str]:
        yield from getattr(self.view, "problems", WITH_KEY)
        if scope_of_template(self.method, self.path) not in (READ, None):
            yield "insufficient-scope"
        places = {one["in"] for one in operation.get("parameters", ())}
        if "requestBody" in operation:
            yield from ("invalid", "too-large", "unsupported-media-type")
        if "query" in places:
            yield "invalid"
        if "path" in places:
            yield "not-found"
        if about.repeatable:
            yield from ("invalid", "idempotency-conflict", "idempotency-mismatch")
        yield from about.problems

    def _resolve_path_parameters(self, variables: Iterable[str]) -> list[Schema]:
        return [_path_parameter(name) for name in variables]

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)
        kind = serializer if isinstance(serializer, type) else type(serializer)
        examples, choices = gathered(kind, "EXAMPLES"), gathered(kind, "CHOICES")
        for name, field in schema.get("properties", {}).items():
            if name in choices:
                (field["items"] if field.get("type") == "array" else field)["enum"] = list(choices[name])
            if field.get("format") == "uri" and _may_be_empty(serializer, name):
                del field["format"]  # an empty text is none
            if name in examples:
                field["examples"] = [examples[name]]
        if direction == "request":
            schema |= {"additionalProperties": False} if issubclass(kind, Strict) else {}
            schema |= gathered(kind, "CONDITIONS")
        return schema


def _may_be_empty(serializer: Any, name: str) -> bool:
    model = getattr(getattr(serializer, "Meta", None), "model", None)
    return model is not None and any(one.name == name and one.blank for one in model._meta.fields)


def gathered(kind: type, attribute: str) -> dict[str, Any]:
    """The dictionaries `attribute` of a class and of those it is made of."""
    found: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        found |= one.__dict__.get(attribute, {})
    return found


def _path_parameter(name: str) -> Schema:
    description, schema, example = PATH.get(name, ("", {"type": "string"}, None))
    shown = {} if example is None else {"example": example}
    return {"in": "path", "name": name, "required": True, "description": description, "schema": schema, **shown}


def _example(parameter: Schema) -> Any:
    schema, example = parameter["schema"], QUERY[parameter["name"]]
    if schema.get("format") == "date-time":
        return "2026-11-24T00:00:00Z"
    if schema.get("type") != "array":
        return example
    there = schema["items"].get("enum", [example])
    return [word for word in example.split(",") if word in there] or there[:1]


def _parameter(parameter: Schema) -> Schema:
    if parameter["in"] == "query" and parameter["schema"].get("format") == "uuid":
        parameter = {**parameter, "schema": {"type": "string", "pattern": f"^({UUID_PATTERN})?$"}}  # empty: of all
    if parameter["in"] == "query" and parameter["name"] in QUERY and "example" not in parameter:
        return {**parameter, "example": _example(parameter)}
    return parameter
