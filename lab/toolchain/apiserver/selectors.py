"""Label and field selectors as they appear in query strings and in objects."""

from __future__ import annotations

import re
from typing import Any

from lab.toolchain.apiserver.errors import bad_request
from lab.toolchain.common.objects import Obj, labels

_SET = re.compile(r"^\s*(?P<key>\S+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*$")


def _parts(text: str) -> list[str]:
    """Split at commas that are not inside parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def labels_match(selector: str, obj: Obj) -> bool:
    """Whether the object's labels fit a selector such as ``a=b,c!=d,e in (f,g),h,!i``."""
    have = labels(obj)
    for part in _parts(selector):
        found = _SET.match(part)
        if found:
            values = {v.strip() for v in found["values"].split(",")}
            inside = have.get(found["key"]) in values
            if inside != (found["op"] == "in"):
                return False
        elif "!=" in part:
            key, _, value = part.partition("!=")
            if have.get(key.strip()) == value.strip():
                return False
        elif "=" in part:
            key, _, value = part.replace("==", "=").partition("=")
            if have.get(key.strip()) != value.strip():
                return False
        elif part.startswith("!"):
            if part[1:].strip() in have:
                return False
        elif part not in have:
            return False
    return True


def object_selects(selector: Obj | None, have: dict[str, str]) -> bool:
    """Whether labels fit a LabelSelector object; an empty one fits nothing here, as workloads need one."""
    if not selector:
        return False
    if any(have.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(expression_matches(term, have) for term in selector.get("matchExpressions") or [])


def expression_matches(term: Obj, have: dict[str, str]) -> bool:
    key, operator, values = term["key"], term["operator"], term.get("values") or []
    if operator == "In":
        return have.get(key) in values
    if operator == "NotIn":
        return have.get(key) not in values
    if operator == "Exists":
        return key in have
    if operator == "DoesNotExist":
        return key not in have
    if operator in ("Gt", "Lt"):
        text = have.get(key, "")
        if not text.lstrip("-").isdigit():
            return False
        return int(text) > int(values[0]) if operator == "Gt" else int(text) < int(values[0])
    return False


def _field(obj: Obj, path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fields_match(selector: str, obj: Obj) -> bool:
    """Whether the object's fields fit a selector such as ``metadata.name=x,status.phase!=Running``."""
    for part in _parts(selector):
        found = re.match(r"^([^!=]+)(==|=|!=)(.*)$", part)
        if not found:
            raise bad_request(f'unable to parse field selector: "{part}"')
        path, operator, value = found.groups()
        if (_field(obj, path.strip()) == value) != (operator != "!="):
            return False
    return True
