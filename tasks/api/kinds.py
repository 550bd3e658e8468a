"""The request for an operation in the schema: one component for each kind, made of what `tasks.plans` says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusters.access import LARGEST_KEY
from tasks.plans import PLANS, PlanKind

Schema = dict[str, Any]
_PARTS = ("items", "properties", "enum")
NAMES = {
    "phases": "InstallPhase",
    "on_failure": "FailedUpgrade",
    "default_storage_class": "CephStorageClass",
    "disks": "DiskToUse",
    "wipe": "DiskToWipe",
}
"""Names of the enums and objects that parameters are made of; of others, the parameter's own."""


def components() -> dict[str, Schema]:
    """The schemas of all requests, of their parameters, and of the enums in these."""
    found: dict[str, Schema] = {
        "OperationKind": {"type": "string", "enum": list(PLANS)},
        "NewOperationRequest": {
            "description": "What to do. `kind` says which parameters and secrets it takes.",
            "oneOf": [{"$ref": _reference(kind)} for kind in PLANS],
            "discriminator": {"propertyName": "kind", "mapping": {kind: _reference(kind) for kind in PLANS}},
        },
    }
    for kind, plan in PLANS.items():
        found[_named(kind, "Request")] = _request(plan)
        found[_named(kind, "Params")] = {
            "type": "object",
            "description": f"Parameters of `{kind}`. Null counts as left out.",
            "properties": {name: _nullable(_parameter(name, rule, found)) for name, rule in plan.params.items()},
            "additionalProperties": False,
        }
    return found


def _named(kind: str, part: str) -> str:
    return "".join(word.capitalize() for word in kind.split("-")) + f"Operation{part}"


def _reference(kind: str) -> str:
    return f"#/components/schemas/{_named(kind, 'Request')}"


def _request(plan: PlanKind) -> Schema:
    properties: Schema = {
        "kind": {"const": plan.kind, "description": f"{plan.title}.", "examples": [plan.kind]},
        "params": {
            "$ref": f"#/components/schemas/{_named(plan.kind, 'Params')}",
            "description": "Parameters; stored with the operation and shown.",
            "examples": [{}],
        },
        "dry_run": {
            "type": "boolean",
            "default": False,
            "description": "Only ask what is true already; change nothing.",
            "examples": [True],
        },
        "secrets": _secrets(plan.secrets),
    }
    return {
        "type": "object",
        "description": plan.description,
        "properties": properties,
        "required": ["kind"],
        "additionalProperties": False,
    }


def _secrets(secrets: Mapping[str, str]) -> Schema:
    text = {"type": "string", "writeOnly": True, "maxLength": LARGEST_KEY}
    return {
        "type": "object",
        "description": "Kept encrypted until they are in their place, and never shown."
        if secrets
        else "It takes none.",
        "properties": {name: {**text, "description": about, "examples": ["***"]} for name, about in secrets.items()},
        "additionalProperties": False,
        "writeOnly": True,
        "examples": [dict.fromkeys(secrets, "***")],
    }


def _parameter(name: str, rule: Mapping[str, Any], found: dict[str, Schema]) -> Schema:
    """A parameter, or a part of one; enums and objects in it become components of their own in `found`.

    The service matches a pattern against the whole text.
    """
    shown: Schema = {word: value for word, value in rule.items() if word not in _PARTS}
    if "pattern" in rule:
        shown["pattern"] = f"^(?:{rule['pattern']})$"
    if "items" in rule:
        shown["items"] = _parameter(name, rule["items"], found)
    if rule.get("default") not in (None, "", []):
        shown.setdefault("examples", [rule["default"]])
    own: Schema = {}
    if "enum" in rule:
        own = {"type": shown.pop("type"), "enum": list(rule["enum"])}
    elif "properties" in rule:
        own = {
            "type": shown.pop("type"),
            "description": rule.get("description", "A disk of a host."),
            "properties": {key: _parameter(key, one, found) for key, one in rule["properties"].items()},
            "required": list(rule.get("required", ())),
            "additionalProperties": False,
        }
    if own:
        component = NAMES.get(name, name.capitalize())
        found[component] = own
        shown = {"$ref": f"#/components/schemas/{component}", **shown}
        shown.pop("required", None)
    return shown


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        reference = {"$ref": schema["$ref"]}
        return {**{word: schema[word] for word in schema if word != "$ref"}, "oneOf": [reference, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}
