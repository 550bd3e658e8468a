"""The part of Go's text/template and of Sprig that the lab's charts use; anything else is refused by name.

Known are ``{{ pipeline }}``, ``{{ if }}``, ``{{ else if }}``, ``{{ else }}``, ``{{ end }}``, comments, ``-`` trimming,
and the functions of `_FUNCTIONS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from lab.toolchain.common.objects import Obj

_ACTION = re.compile(
    r"(?P<before>\s*)\{\{(?P<left>-(?=\s))?(?P<body>.*?)(?P<right>(?<=\s)-)?\}\}(?P<after>\s*)", re.DOTALL
)
_WORD = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|\||[^\s|]+')


class TemplateError(Exception):
    """The template cannot be parsed or executed."""


@dataclass
class _Branch:
    condition: list[str]
    body: list[Any] = field(default_factory=list)


def render(text: str, scope: Obj, name: str) -> str:
    """The text with `scope` (Values, Release, Chart ...) put in. Raises `TemplateError` naming file and line."""
    return _execute(_parse(text, name), scope, name)


def _parse(text: str, name: str) -> list[Any]:
    """A tree of texts, (line, words) and lists of `_Branch`."""
    root: list[Any] = []
    open_: list[tuple[list[Any], list[_Branch]]] = []
    at, here = 0, root
    for match in _ACTION.finditer(text):
        line = text.count("\n", 0, match.start("body")) + 1
        before = "" if match["left"] else match["before"]
        here.append(text[at : match.start()] + before)
        at = match.end() if match["right"] else match.start("after")
        body = match["body"].strip()
        if body.startswith("/*"):
            continue
        words = _WORD.findall(body)
        verb = words[0] if words else ""
        if verb == "if":
            branches = [_Branch(words[1:])]
            here.append((line, branches))
            open_.append((here, branches))
            here = branches[0].body
        elif verb in ("else", "end") and not open_:
            raise TemplateError(f"parse error at ({name}:{line}): unexpected {{{{{verb}}}}}")
        elif verb == "else":
            open_[-1][1].append(_Branch(words[2:] if words[1:2] == ["if"] else ["true"]))
            here = open_[-1][1][-1].body
        elif verb == "end":
            here, _ = open_.pop()
        elif not words:
            raise TemplateError(f"parse error at ({name}:{line}): missing value for command")
        else:
            here.append((line, words))
    if open_:
        raise TemplateError(f"parse error at ({name}:{text.count(chr(10)) + 1}): unexpected EOF")
    here.append(text[at:])
    return root


def _execute(nodes: list[Any], scope: Obj, name: str) -> str:
    out = []
    for node in nodes:
        if isinstance(node, str):
            out.append(node)
            continue
        line, what = node
        try:
            if isinstance(what[0], _Branch):
                chosen = next((b for b in what if _pipeline(b.condition, scope)), None)
                out.append(_execute(chosen.body, scope, name) if chosen else "")
            else:
                out.append(_text(_pipeline(what, scope)))
        except (LookupError, TypeError, ValueError) as error:
            raise TemplateError(f"template: {name}:{line}: executing {name!r}: {error}") from error
    return "".join(out)


def _pipeline(words: list[str], scope: Obj) -> Any:
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    value: Any = None
    for index, command in enumerate(commands):
        if not command:
            raise ValueError("missing value for command")
        piped = [value] if index else []
        function = _FUNCTIONS.get(command[0])
        if function is not None:
            value = function(*(_operand(word, scope) for word in command[1:]), *piped)
        elif index or len(command) > 1:
            raise LookupError(f'function "{command[0]}" not defined in the SIMULATED helm')
        else:
            value = _operand(command[0], scope)
    return value


def _operand(word: str, scope: Obj) -> Any:
    if word[0] in '"`':
        return word[1:-1] if word[0] == "`" else word[1:-1].encode().decode("unicode_escape")
    if word in ("true", "false"):
        return word == "true"
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    if not re.fullmatch(r"\$?(\.[\w-]*)+", word):
        raise LookupError(f'function "{word}" not defined in the SIMULATED helm')
    value: Any = scope
    for step in filter(None, word.lstrip("$").split(".")):
        if value is None:
            raise LookupError(f"nil pointer evaluating interface {{}}.{step} in <{word}>")
        if not isinstance(value, dict):
            raise LookupError(f"can't evaluate field {step} in type {type(value).__name__} in <{word}>")
        value = value.get(step)
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _to_yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=True, width=10_000).removesuffix("\n...\n").rstrip("\n")


def _indent(spaces: int, text: Any) -> str:
    return "\n".join(" " * spaces + line for line in _text(text).split("\n"))


def _index(value: Any, *steps: Any) -> Any:
    """Go's own: the element of a list, or of a map, and so on inwards."""
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else value[step]
    return value


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "default": lambda fallback, value=None: value or fallback,
    "quote": lambda value: '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"') + '"',
    "toYaml": _to_yaml,
    "toJson": lambda value: json.dumps(value, separators=(",", ":")),
    "indent": _indent,
    "nindent": lambda spaces, text: "\n" + _indent(spaces, text),
    "not": lambda value: not value,
    "eq": lambda first, *others: any(first == other for other in others),
    "ne": lambda first, second: first != second,
    "and": lambda *values: next((v for v in values if not v), values[-1]),
    "or": lambda *values: next((v for v in values if v), values[-1]),
    "int": lambda value: int(value or 0),
    "toString": _text,
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "index": _index,
}
