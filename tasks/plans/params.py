"""Parameters of operations against their description (the part of JSON Schema that they need). Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from tasks.plan import JSON, PlanError

_TYPES: dict[str, tuple[type[Any], ...]] = {
    "string": (str,),
    "array": (list, tuple),
    "object": (dict,),
    "integer": (int,),
    "boolean": (bool,),
}


def checked(schema: Mapping[str, Mapping[str, JSON]], given: Mapping[str, JSON]) -> dict[str, JSON]:
    """`given` with defaults filled in. Raises `PlanError` naming the parameter."""
    for name in given:
        if name not in schema:
            raise PlanError(f"There is no parameter {name!r}.", field=str(name), fix=_nearest(str(name), list(schema)))
    result = {name: rule["default"] for name, rule in schema.items() if "default" in rule}
    for name, value in given.items():
        if value is not None:
            _check(name, schema[name], value)
            result[name] = value
    return result


def _check(where: str, rule: Mapping[str, Any], value: JSON) -> None:
    kind = rule["type"]
    if not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        raise PlanError(f"{where} must be of type {kind}.", field=where, fix=str(rule.get("description", "")))
    if "enum" in rule and value not in rule["enum"]:
        names = [str(name) for name in rule["enum"]]
        raise PlanError(f"{where}: {value!r} is not known.", field=where, fix=_nearest(str(value), names))
    if "pattern" in rule and not re.fullmatch(rule["pattern"], value):
        raise PlanError(f"{where}: {value!r} is not usable.", field=where, fix=str(rule.get("description", "")))
    low, high = rule.get("minimum"), rule.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        raise PlanError(f"{where} must lie between {low} and {high}.", field=where)
    if kind == "array":
        for n, item in enumerate(value):
            _check(f"{where}[{n}]", rule["items"], item)
    if kind == "object":
        for key, item in value.items():
            if key not in rule["properties"]:
                raise PlanError(
                    f"{where} has no field {key!r}.",
                    field=f"{where}.{key}",
                    fix=_nearest(str(key), list(rule["properties"])),
                )
            _check(f"{where}.{key}", rule["properties"][key], item)
        for key in rule.get("required", ()):
            if key not in value:
                fix = str(rule["properties"][key].get("description", ""))
                raise PlanError(f"{where} does not say its {key}.", field=f"{where}.{key}", fix=fix)


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Choose from: {', '.join(known)}." if known else "It takes no parameters."
