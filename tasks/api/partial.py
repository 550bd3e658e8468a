"""How the schema describes answers to ``?fields=``: the whole, or a part of it in which nothing is required."""

from __future__ import annotations

from typing import Any

from clusters.api.showing import FIELDS

REF = "#/components/schemas/"


def allow_parts(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook for the finished document."""
    schemas = result["components"]["schemas"]
    for operation in (one for methods in result["paths"].values() for one in methods.values()):
        if not any(one["name"] == FIELDS and one["in"] == "query" for one in operation.get("parameters", ())):
            continue
        content = operation["responses"]["200"]["content"]["application/json"]
        listed = schemas[content["schema"]["$ref"].removeprefix(REF)]["properties"].get("results")
        where, key = (listed, "items") if listed else (content, "schema")
        if "$ref" in where[key]:  # else another list of the same rows had it changed
            name = where[key]["$ref"].removeprefix(REF)
            part = {word: value for word, value in schemas[name].items() if word != "required"}
            text = "The fields that the request asked for."
            schemas[f"{name}Part"] = {**part, "description": text}
            where[key] = {"anyOf": [where[key], {"$ref": f"{REF}{name}Part"}]}
    return result
