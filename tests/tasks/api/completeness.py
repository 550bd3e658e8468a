"""What an OpenAPI document lacks to be complete, each gap named by its place in the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
# A number says what it counts or is measured in.
UNITS = "how many|numbers?|bytes|seconds?|minutes|hours?|days?|per cent|at most so many|rows a page|last so many"
UNIT = re.compile(rf"\b({UNITS})\b", re.I)
OPERATION_ID = re.compile(r"[a-z]+(_[a-z]+)*")
STANDARD = {"400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429", "500", "503"}


def gaps(document: Schema) -> Iterator[str]:
    """All that is missing. Nothing for a complete document."""
    tags = {tag["name"]: tag.get("description") for tag in document["tags"]}
    idents: dict[str, str] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            if (ident := operation["operationId"]) in idents:
                yield f"{where}: operationId {ident} is that of {idents[ident]} too"
            idents[ident] = where
            yield from _operation(where, operation, tags, document)
    for name, schema in document["components"]["schemas"].items():
        if not schema.get("description"):
            yield f"components.schemas.{name}: no description"
        yield from _schema(f"components.schemas.{name}", schema, document)
        yield from _enum(name, schema)
    for name, scheme in document["components"]["securitySchemes"].items():
        if not scheme.get("description"):
            yield f"components.securitySchemes.{name}: no description"
    for name, header in document["components"]["headers"].items():
        yield from _header(f"components.headers.{name}", header)


def _operation(where: str, operation: Schema, tags: Mapping[str, Any], document: Schema) -> Iterator[str]:
    for word in ("summary", "description", "security"):
        if not operation.get(word):
            yield f"{where}: no {word}"
    if not OPERATION_ID.fullmatch(operation["operationId"]):
        yield f"{where}: operationId {operation['operationId']} is no name that a client generator likes"
    for tag in operation.get("tags") or [""]:
        if not tags.get(tag):
            yield f"{where}: its tag {tag!r} is not described in tasks.api.documentation.TAGS"
    for parameter in operation.get("parameters", ()):
        yield from _parameter(f"{where}: parameter {parameter['name']}", parameter, document)
    for media in operation.get("requestBody", {}).get("content", {}).values():
        yield from _schema(f"{where}: body", media["schema"], document)
    yield from _responses(where, operation["responses"], document)


def _responses(where: str, responses: Schema, document: Schema) -> Iterator[str]:
    if not any(status.startswith("2") for status in responses):
        yield f"{where}: no answer of success"
    for status in {"401", "500", "503"} - responses.keys():
        yield f"{where}: no answer {status}, which any request may get"
    for status, response in responses.items():
        here = f"{where}: answer {status}"
        if "$ref" in response:
            response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        if not response.get("description"):
            yield f"{here}: no description"
        for header in response.get("headers", {}).values():
            if header["$ref"].rpartition("/")[2] not in document["components"]["headers"]:
                yield f"{here}: {header['$ref']} does not exist"
        for media, content in response.get("content", {}).items():
            yield from _schema(f"{here}: {media}", content["schema"], document)
        if status.startswith("2"):
            if status in ("201", "202") and "Location" not in response.get("headers", {}):
                yield f"{here}: no header Location"
        elif status == "304":
            if "ETag" not in response.get("headers", {}):
                yield f"{here}: no header ETag"
        elif status not in STANDARD:
            yield f"{here}: no status of a problem"
        elif not response.get("content", {}).get("application/problem+json", {}).get("examples"):
            yield f"{here}: no example of its problem document"
        for name, statuses in (("Retry-After", ("429", "503")), ("WWW-Authenticate", ("401",))):
            if status in statuses and name not in response.get("headers", {}):
                yield f"{here}: no header {name}"


def _parameter(where: str, parameter: Schema, document: Schema) -> Iterator[str]:
    if not parameter.get("description"):
        yield f"{where}: no description"
    if "example" not in parameter:
        yield f"{where}: no example"
    schema = parameter["schema"]
    if "enum" in schema:
        yield f"{where}: its enum has no name in SPECTACULAR_SETTINGS"
    if _is_number(schema) and not UNIT.search(parameter.get("description", "")):
        yield f"{where}: its description names no unit"
    yield from _schema(where, schema, document)


def _header(where: str, header: Schema) -> Iterator[str]:
    for word in ("description", "schema", "example"):
        if not header.get(word):
            yield f"{where}: no {word}"


def _enum(name: str, schema: Schema) -> Iterator[str]:
    for value in schema.get("enum", ()):
        if value != "" and f"`{value}` - " not in schema.get("description", ""):
            yield f"components.schemas.{name}: {value!r} has no meaning in tasks.api.enums"


def _schema(where: str, schema: Schema, document: Schema) -> Iterator[str]:
    """Gaps of the fields of a schema, and of those below it that have no name of their own."""
    for name, field in schema.get("properties", {}).items():
        yield from _field(f"{where}.{name}", field, document)
    for word in ("allOf", "oneOf", "anyOf"):
        for number, part in enumerate(schema.get(word, ())):
            yield from _schema(f"{where}.{word}[{number}]", part, document)
    for word in ("items", "additionalProperties"):
        if isinstance(part := schema.get(word), Mapping):
            yield from _schema(f"{where}.{word}", part, document)
    if "$ref" in schema and schema["$ref"].rpartition("/")[2] not in document["components"]["schemas"]:
        yield f"{where}: {schema['$ref']} does not exist"


def _field(where: str, field: Schema, document: Schema) -> Iterator[str]:
    description = field.get("description", "")
    if not description:
        yield f"{where}: no description (help_text)"
    if not _has_parts(field, document) and "examples" not in field:
        yield f"{where}: no example (EXAMPLES of its serializer)"
    if _is_number(field) and not UNIT.search(description):
        yield f"{where}: its description names no unit, and does not say what is counted"
    if "enum" in field or "enum" in field.get("items", {}):
        yield f"{where}: its enum has no name in SPECTACULAR_SETTINGS"
    yield from _schema(where, field, document)


def _is_number(schema: Schema) -> bool:
    types = schema.get("type", ())
    return bool({"integer", "number"} & set([types] if isinstance(types, str) else types))


def _has_parts(schema: Schema, document: Schema) -> bool:
    """Whether the schema is an object with fields, or a list of such: then these have the examples."""
    if "$ref" in schema:
        return _has_parts(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if schema.get("properties"):
        return True
    parts = [
        *schema.get("allOf", ()),
        *schema.get("oneOf", ()),
        *schema.get("anyOf", ()),
        *([schema["items"]] if "items" in schema else ()),
    ]
    return any(_has_parts(part, document) for part in parts)
