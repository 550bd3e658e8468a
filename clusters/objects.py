"""The health of objects that are no workloads: custom resources, volumes, roles. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from clusters.catalog import ObjectRule
from clusters.readings import moment

JSON = Any


@dataclass(frozen=True)
class Piece:
    """One thing that a component's health is made of."""

    state: str
    text: str = ""


def matching(
    rule: ObjectRule, objects: Sequence[Mapping[str, JSON]], namespaces: Sequence[str]
) -> list[Mapping[str, JSON]]:
    """The objects that `rule` is about."""
    found = []
    for item in objects:
        meta = item.get("metadata") or {}
        inside = not rule.namespaced or not namespaces or meta.get("namespace") in namespaces
        if inside and fnmatchcase(meta.get("name", ""), rule.name):
            found.append(item)
    return found


def judge(rule: ObjectRule, item: Mapping[str, JSON], now: datetime) -> Piece:
    """The object's state by `rule`; one that has no status yet is progressing."""
    name = f"{rule.resource} {(item.get('metadata') or {}).get('name', '')}"
    if rule.fresh:
        seen = moment(_at(item, rule.fresh))
        if seen is not None and (now - seen).total_seconds() > rule.fresh_seconds:
            minutes = (now - seen).total_seconds() / 60
            return Piece("degraded", f"{name}: its status is {minutes:.0f} min old, so its operator does not run")
    if rule.state:
        value = _at(item, rule.state)
        if value in (None, ""):
            return Piece("progressing", f"{name}: no status yet")
        state = rule.states.get(str(value), "degraded")
        message = _message(_at(item, rule.message)) if rule.message and state != "healthy" else ""
        return Piece(state, "" if state == "healthy" else f"{name}: {value}{f' ({message})' if message else ''}")
    if rule.desired:
        desired, ready = _number(_at(item, rule.desired)), _number(_at(item, rule.ready))
        if desired is None or ready is None or ready < desired:
            return Piece("progressing", f"{name}: {ready or 0}/{desired if desired is not None else '?'}")
    return Piece("healthy")


def _at(item: Mapping[str, JSON], path: str) -> JSON:
    value: JSON = item
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _number(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _message(value: JSON) -> str:
    """A text, or Ceph's checks: ``{code: {severity, message}}``."""
    if isinstance(value, Mapping):
        parts = (f"{k}: {v.get('message', '') if isinstance(v, Mapping) else v}" for k, v in value.items())
        return "; ".join(parts)[:500]
    return str(value or "")[:500]
