"""A chart's values: files, ``--set``, and how they are laid over each other."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lab.toolchain.common.objects import Obj, clone
from lab.toolchain.helm.errors import HelmError


def given(files: Iterable[str], sets: Iterable[str], texts: Iterable[str]) -> Obj:
    """The values of ``-f``, then ``--set``, then ``--set-string``. Raises `HelmError`."""
    found: Obj = {}
    for name in files:
        found = merge(found, _file(name))
    for expressions, typed in ((sets, True), (texts, False)):
        for expression in expressions:
            put_all(found, expression, typed=typed)
    return found


def _file(name: str) -> Obj:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
    except OSError as error:
        raise HelmError(f"open {name}: {(error.strerror or '').lower()}") from error
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise HelmError(f"failed to parse {name}: error converting YAML to JSON: yaml: {error}") from error
    if loaded is not None and not isinstance(loaded, dict):
        raise HelmError(f"failed to parse {name}: json: cannot unmarshal {type(loaded).__name__} into a map of values")
    return loaded or {}


def merge(base: Obj, over: Obj) -> Obj:
    """`over` on top of `base`: maps are merged, everything else is replaced, null removes."""
    found = clone(base)
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merge(found[key], value)
        else:
            found[key] = clone(value)
    return found


def put_all(target: Obj, expression: str, *, typed: bool = True) -> None:
    """``a.b=1,c[0]=x,d={x,y}`` put into `target`. Raises `HelmError`."""
    for part in _split(expression, ","):
        key, equals, text = part.partition("=")
        if not equals or not key:
            raise HelmError(f'failed parsing --set data: key "{part}" has no value')
        _put(target, _path(key, part), _value(text, typed))


def _split(text: str, separator: str) -> list[str]:
    """Split at separators that are neither escaped by a backslash nor within braces."""
    parts, depth, escaped = [""], 0, False
    for character in text:
        if escaped or character == "\\":
            escaped = not escaped
            parts[-1] += character
            continue
        depth += (character == "{") - (character == "}")
        if character == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part]


def _path(key: str, part: str) -> list[str | int]:
    path: list[str | int] = []
    for step in _split(key, "."):
        match = re.fullmatch(r"(?P<name>(?:\\.|[^\[\\])*)(?P<places>(?:\[\d+\])*)", step)
        if match is None:
            raise HelmError(f"failed parsing --set data: error parsing index in {part!r}")
        if match["name"]:
            path.append(re.sub(r"\\(.)", r"\1", match["name"]))
        path += [int(place) for place in re.findall(r"\d+", match["places"])]
    return path


def _put(target: Any, path: list[str | int], value: Any) -> None:
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        target += [None] * (step + 1 - len(target))
    if not rest:
        if value is None and isinstance(target, dict):
            target[step] = None
        else:
            target[step] = value
        return
    empty: Any = [] if isinstance(rest[0], int) else {}
    held = target[step] if isinstance(step, int) else target.get(step)
    if not isinstance(held, type(empty)):
        target[step] = held = empty
    _put(held, rest, value)


def _value(text: str, typed: bool) -> Any:
    if text.startswith("{") and text.endswith("}"):
        return [_value(item, typed) for item in _split(text[1:-1], ",")]
    plain = re.sub(r"\\(.)", r"\1", text)
    if not typed:
        return plain
    if plain in ("true", "false"):
        return plain == "true"
    if plain == "null":
        return None
    if re.fullmatch(r"0|-?[1-9]\d*", plain):
        return int(plain)
    return plain
