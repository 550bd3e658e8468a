"""The patch types of the API: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge, server-side apply.

Strategic merge follows kubernetes/community sig-api-machinery/strategic-merge-patch.md for the lists of
`MERGE_KEYS`; every other list is replaced. Server-side apply is reduced: lists of `MERGE_KEYS` are merged, fields
that a manager applied before and leaves out now are removed, conflicts between managers are not detected.
"""

from __future__ import annotations

from typing import Any

from lab.toolchain.apiserver.errors import bad_request
from lab.toolchain.common.objects import Obj, clone

# the name of the list -> the field that tells its items apart
MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "ports": ("containerPort", "port"),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "addresses": ("type",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "webhooks": ("name",),
    "taints": ("key",),
}
# lists of plain values that are merged as sets
MERGE_SETS = frozenset({"finalizers"})


def json_patch(obj: Obj, operations: Any) -> Obj:
    """RFC 6902. Raises `ApiError` 400 or 422 by way of `bad_request`."""
    if not isinstance(operations, list):
        raise bad_request("json patch: expected a list of operations")
    document: Any = clone(obj)
    for operation in operations:
        op, path = operation["op"], operation["path"]
        if op in ("move", "copy"):
            value = _resolve(document, operation["from"])
            if op == "move":
                document = _apply(document, "remove", operation["from"], None)
            document = _apply(document, "add", path, clone(value) if isinstance(value, dict) else value)
        elif op == "test":
            if _resolve(document, path) != operation["value"]:
                raise bad_request(f"json patch: testing value {path} failed")
        else:
            document = _apply(document, op, path, operation.get("value"))
    if not isinstance(document, dict):
        raise bad_request("json patch: the result is no object")
    return document


def _tokens(path: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]


def _resolve(document: Any, path: str) -> Any:
    for token in _tokens(path):
        try:
            document = document[int(token)] if isinstance(document, list) else document[token]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise bad_request(f"json patch: no such path {path}") from error
    return document


def _apply(document: Any, op: str, path: str, value: Any) -> Any:
    tokens = _tokens(path)
    if not tokens:
        return value
    parent = _resolve(document, "".join("/" + t.replace("~", "~0").replace("/", "~1") for t in tokens[:-1]))
    last = tokens[-1]
    try:
        if isinstance(parent, list):
            if op == "add":
                parent.insert(len(parent) if last == "-" else int(last), value)
            elif op == "remove":
                parent.pop(int(last))
            else:
                parent[int(last)] = value
        elif op == "remove":
            del parent[last]
        elif op == "replace" and last not in parent:
            raise KeyError(last)
        else:
            parent[last] = value
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise bad_request(f"json patch: cannot {op} {path}") from error
    return document


def merge_patch(obj: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    out = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge_patch(out.get(key), value)
    return out


def strategic(obj: Any, patch: Any) -> Any:
    """Strategic merge of `patch` into `obj`, with ``$patch``, ``$retainKeys`` and the ``$deleteFromPrimitiveList``s."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    if patch.get("$patch") == "delete":
        return None
    out = dict(obj) if isinstance(obj, dict) else {}
    if "$retainKeys" in patch:
        out = {k: v for k, v in out.items() if k in patch["$retainKeys"]}
    for key, value in patch.items():
        if key in ("$patch", "$retainKeys") or key.startswith("$setElementOrder/"):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            out[name] = [item for item in out.get(name) or [] if item not in value]
        elif value is None:
            out.pop(key, None)
        elif isinstance(value, list):
            out[key] = _merge_list(key, out.get(key) or [], value)
        elif isinstance(value, dict):
            merged = strategic(out.get(key), value)
            if merged is None:
                out.pop(key, None)
            else:
                out[key] = merged
        else:
            out[key] = value
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            _reorder(out, key.partition("/")[2], order)
    return out


def merge_key(name: str, items: list[Any]) -> str | None:
    """The key of a merged list, or None where the list is replaced as a whole."""
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for candidate in MERGE_KEYS.get(name, ()):
        if all(candidate in item for item in items if item.get("$patch") != "replace"):
            return candidate
    return None


def _merge_list(name: str, old: list[Any], patch: list[Any]) -> list[Any]:
    if name in MERGE_SETS:
        return old + [item for item in patch if item not in old]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    key = merge_key(name, patch)
    if key is None:
        return patch
    out = list(old)
    for item in patch:
        where = next((i for i, have in enumerate(out) if isinstance(have, dict) and have.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if where is not None:
                out.pop(where)
        elif where is None:
            out.append(item)
        else:
            out[where] = strategic(out[where], item)
    return out


def _reorder(obj: Obj, name: str, order: list[Any]) -> None:
    items = obj.get(name)
    if not isinstance(items, list):
        return
    key = merge_key(name, items)
    wanted = [entry.get(key) if isinstance(entry, dict) else entry for entry in order]

    def place(item: Any) -> int:
        value = item.get(key) if isinstance(item, dict) and key else item
        return wanted.index(value) if value in wanted else len(wanted)

    obj[name] = sorted(items, key=place)


def server_side_apply(obj: Obj, applied: Obj, before: Obj | None) -> Obj:
    """`obj` with `applied` laid over it and what only `before` (this manager's last configuration) had removed."""
    base = clone(obj)
    if before is not None:
        _remove_missing(base, before, applied)
    merged: Obj = strategic(base, applied)
    return merged


def _remove_missing(base: Any, before: Any, applied: Any) -> None:
    if not (isinstance(base, dict) and isinstance(before, dict)):
        return
    for key, old in before.items():
        new = applied.get(key) if isinstance(applied, dict) else None
        if key in ("apiVersion", "kind") or key not in base:
            continue
        if new is None:
            if isinstance(old, dict) and isinstance(base[key], dict):
                _remove_missing(base[key], old, {})
                if not base[key]:
                    del base[key]
            else:
                del base[key]
        elif isinstance(old, list) and isinstance(new, list) and isinstance(base[key], list):
            field = merge_key(key, old)
            if field is None:
                continue
            kept = {item.get(field) for item in new if isinstance(item, dict)}
            dropped = {item[field] for item in old} - kept
            base[key] = [item for item in base[key] if item.get(field) not in dropped]
        else:
            _remove_missing(base[key], old, new)
