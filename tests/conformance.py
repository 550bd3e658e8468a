"""Whether an answer of the API is one that docs/openapi.yaml promises: status, kind of body, headers, and the body.

Every request of `tests.api.Api` is held against it, so each test of the API is one of the schema too.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import yaml

CHECKED_IN = Path(__file__).resolve().parents[1] / "docs" / "openapi.yaml"
Document = dict[str, Any]


@functools.cache
def document() -> Document:
    """The checked-in schema."""
    found: Document = yaml.load(CHECKED_IN.read_text(), Loader=yaml.CSafeLoader)
    return found


@functools.cache
def _registry() -> jsonschema_rs.Registry:
    """The schema, of which clients are told that fields may be added. Here each must be described."""
    closed = copy.deepcopy(document())
    for name, schema in closed["components"]["schemas"].items():
        if "properties" in schema and name != "Problem":
            schema.setdefault("additionalProperties", False)
    return jsonschema_rs.Registry([("urn:api", closed)])


@functools.cache
def _validator(pointer: str) -> Any:
    schema = {"$ref": f"urn:api#{pointer}"}
    return jsonschema_rs.Draft202012Validator(schema, registry=_registry(), validate_formats=True)


@functools.cache
def _routes() -> tuple[tuple[re.Pattern[str], str], ...]:
    # Paths without parameters first: clusters/import is no cluster.
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return tuple((re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths)


def assert_conforms(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Fail where the schema does not promise this answer. Addresses that it does not have are left alone."""
    route = next((route for pattern, route in _routes() if pattern.fullmatch(path)), "")
    operation = document()["paths"].get(route, {}).get(method.lower())
    if operation is None:
        assert not route or status == 405, f"{method} {path}: {status}, but {route} does not take it"
        return
    where = f"{method} {route}: {status}"
    assert str(status) in operation["responses"], f"{where} is none of its answers in docs/openapi.yaml"
    pointer = f"/paths/{_escaped(route)}/{method.lower()}/responses/{status}"
    answer = operation["responses"][str(status)]
    if "$ref" in answer:
        pointer = answer["$ref"].removeprefix("#")
        answer = document()["components"]["responses"][pointer.rpartition("/")[2]]
    for name, header in answer.get("headers", {}).items():
        required = document()["components"]["headers"][header["$ref"].rpartition("/")[2]].get("required")
        assert not required or name in headers, f"{where} lacks the header {name}"
    content = answer.get("content", {})
    if not content:
        assert not body, f"{where} has a body: {body[:200]!r}"
        return
    kind = headers["Content-Type"].partition(";")[0]
    assert kind in content, f"{where} is {kind}, not {', '.join(content)}"
    if kind.endswith("json"):
        validator = _validator(f"{pointer}/content/{_escaped(kind)}/schema")
        wrong = [
            f"{'.'.join(map(str, one.instance_path))}: {one.message}" for one in validator.iter_errors(json.loads(body))
        ]
        assert not wrong, f"{where} is not as docs/openapi.yaml says:\n" + "\n".join(wrong)


def _escaped(name: str) -> str:
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")


def assert_streamed(event: str, data: Any, stream: str = "operations/{operation_id}/events") -> None:
    """Fail where the schema does not describe this event of a stream."""
    pointer = f"/paths/{_escaped(f'/api/v1/{stream}')}/get/responses/200/content/text~1event-stream"
    validator = _validator(f"{pointer}/schema/x-events/{event}")
    wrong = [one.message for one in validator.iter_errors(data)]
    assert not wrong, f"{event} is not as docs/openapi.yaml says: {wrong}"
