"""The shape of Kubernetes objects and small helpers on them."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
from typing import Any

Obj = dict[str, Any]


def now() -> str:
    """The time as Kubernetes writes it: RFC 3339 in UTC, whole seconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def age_seconds(text: str) -> float:
    return (datetime.datetime.now(datetime.UTC) - parse_time(text)).total_seconds()


def human_age(text: str | None) -> str:
    """The short age of kubectl's AGE column (k8s.io/apimachinery duration.HumanDuration, reduced)."""
    if not text:
        return "<unknown>"
    seconds = int(max(0, age_seconds(text)))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y"


def meta(obj: Obj) -> Obj:
    found: Obj = obj.setdefault("metadata", {})
    return found


def labels(obj: Obj) -> dict[str, str]:
    return obj.get("metadata", {}).get("labels") or {}


def dig(obj: Any, *path: str, default: Any = None) -> Any:
    """The value under `path`, or `default` where any part is missing or null."""
    for part in path:
        if not isinstance(obj, dict) or obj.get(part) is None:
            return default
        obj = obj[part]
    return obj


def digest(value: Any, length: int = 10) -> str:
    """A short stable hash of a JSON value, in characters that Kubernetes uses for generated names."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    number = int.from_bytes(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:16], "big")
    out = ""
    for _ in range(length):
        number, rest = divmod(number, len(alphabet))
        out += alphabet[rest]
    return out


def clone(obj: Obj) -> Obj:
    return copy.deepcopy(obj)


def set_condition(obj: Obj, type_: str, status: str, reason: str = "", message: str = "") -> bool:
    """Set a condition of ``status.conditions``; True when it changed."""
    conditions: list[Obj] = obj.setdefault("status", {}).setdefault("conditions", [])
    wanted = {"type": type_, "status": status, "reason": reason, "message": message}
    for condition in conditions:
        if condition["type"] == type_:
            if all(condition.get(key, "") == value for key, value in wanted.items()):
                return False
            if condition["status"] != status:
                condition["lastTransitionTime"] = now()
            condition.update(wanted)
            return True
    conditions.append({**wanted, "lastTransitionTime": now()})
    return True


def condition_true(obj: Obj, type_: str) -> bool:
    return any(
        c.get("type") == type_ and c.get("status") == "True" for c in dig(obj, "status", "conditions", default=[])
    )
