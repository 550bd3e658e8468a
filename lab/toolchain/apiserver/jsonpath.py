"""The little of JSONPath that printer columns of definitions use: ``.a.b[0].c`` and one filter."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(
    r"\.(?P<name>(?:[\w-]|\\\.)+)|\['(?P<quoted>[^']+)'\]|\[(?P<index>\d+|\*)\]"
    r"|\[\?\(@\.(?P<field>[\w.-]+)\s*==\s*[\"'](?P<value>[^\"']*)[\"']\)\]"
)


def find(obj: Any, path: str) -> list[Any]:
    """The values under `path`; none where a part is missing or the path is beyond this reader."""
    current = [obj]
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return []
        position = step.end()
        following: list[Any] = []
        for value in current:
            if step["name"] or step["quoted"]:
                name = (step["name"] or "").replace("\\.", ".") or step["quoted"]
                if isinstance(value, dict) and value.get(name) is not None:
                    following.append(value[name])
            elif step["index"] and isinstance(value, list):
                following += value if step["index"] == "*" else value[int(step["index"]) : int(step["index"]) + 1]
            elif step["field"] and isinstance(value, list):
                following += [item for item in value if str(_plain(item, step["field"])) == step["value"]]
        current = following
    return current


def _plain(obj: Any, path: str) -> Any:
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj
