"""YAML text -> nodes that know their line, column and path, within bounds of size, depth and alias expansion.

Plain scalars are understood as kk's YAML library does (YAML 1.1 booleans, no dates); `Node.text` keeps what was
written, so that a password ``012345`` stays that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLStreamError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from clusters.inventory.model import JSON, Finding, Place

MAX_NODES = 50_000
MAX_DEPTH = 40
MAX_DOCUMENTS = 10

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_STANDARD = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Node:
    """A value and where it was written. `value` is a dict or list of nodes, or a scalar; `text` a scalar as written.

    `keys` says where each key of a mapping was written. `size` counts the node and all below, aliases in full.
    """

    value: Any
    place: Place
    text: str = ""
    keys: Mapping[str, Place] = field(default_factory=dict)
    size: int = 1

    def plain(self) -> JSON:
        """The value as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class Unreadable(Exception):
    """Text that is no usable YAML; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def compose(text: str, shifts: Mapping[int, int] | None = None) -> tuple[list[Node], list[Finding]]:
    """The YAML documents of `text`, and findings that do not prevent reading on (keys given twice).

    `shifts` maps a line (from 1) to the number of columns a repair took away at its beginning.
    Raises `Unreadable`.
    """
    composer = _Composer(text, shifts or {})
    try:
        return list(composer.documents()), composer.findings
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = composer.place("", mark) if mark else Place("")
        raise Unreadable(place.finding("error", "yaml", f"This is no valid YAML: {_problem(error)}.", _FIX)) from error
    except ReaderError as error:
        before = text[: error.position]
        place = Place("", before.count("\n") + 1, len(before) - before.rfind("\n"))
        character = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"The character U+{character:04X} is not allowed in YAML."
        raise Unreadable(place.finding("error", "character", message, "Delete it.")) from error
    except YAMLStreamError as error:
        raise Unreadable(Place("").finding("error", "yaml", f"This is no valid YAML: {error}.", _FIX)) from error


_FIX = "Compare this line and the one above with a sample: indentation, ':' with a space behind it, closed quotes."


def _problem(error: MarkedYAMLError) -> str:
    return " ".join(part for part in (error.context, error.problem) if part)


class _Composer:
    def __init__(self, text: str, shifts: Mapping[int, int]) -> None:
        self.events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
        self.shifts = shifts
        self.findings: list[Finding] = []
        self.anchors: dict[str, Node | None] = {}
        self.total = 0

    def place(self, path: str, mark: Any) -> Place:
        line = mark.line + 1
        return Place(path, line, mark.column + 1 + self.shifts.get(line, 0))

    def documents(self) -> Iterator[Node]:
        documents = 0
        for event in self.events:
            if isinstance(event, StreamStartEvent | DocumentEndEvent | StreamEndEvent):
                continue
            if not isinstance(event, DocumentStartEvent):
                raise TypeError(f"{event!r} outside a document")
            documents += 1
            if documents > MAX_DOCUMENTS:
                message = f"The file has more than {MAX_DOCUMENTS} documents."
                fix = "Send the cluster's configuration only."
                place = self.place("", event.start_mark)
                raise Unreadable(place.finding("error", "too-large", message, fix))
            self.anchors.clear()
            yield self.node(next(self.events), "", 0)

    def node(self, event: Any, path: str, depth: int) -> Node:
        place = self.place(path, event.start_mark)
        if depth > MAX_DEPTH:
            raise Unreadable(
                place.finding("error", "too-deep", f"Nested more than {MAX_DEPTH} levels deep.", "Flatten the file.")
            )
        if isinstance(event, AliasEvent):
            return self.alias(event, place)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, ScalarEvent):
            node = self.scalar(event, place)
        elif isinstance(event, SequenceStartEvent):
            self.check_tag(event, place, "seq")
            node = self.sequence(place, depth)
        else:
            self.check_tag(event, place, "map")
            node = self.mapping(place, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def count(self, nodes: int, place: Place) -> None:
        self.total += nodes
        if self.total > MAX_NODES:
            raise Unreadable(
                place.finding(
                    "error",
                    "too-large",
                    f"The file has more than {MAX_NODES} values, counting what its aliases (*name) repeat.",
                    "Remove aliases of aliases, or split the file.",
                )
            )

    def alias(self, event: Any, place: Place) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            known = event.anchor in self.anchors
            message = f"The alias *{event.anchor} " + ("contains itself." if known else "has no anchor before it.")
            fix = "Write the value out." if known else f"Mark the value it repeats with &{event.anchor}."
            raise Unreadable(place.finding("error", "alias", message, fix))
        self.count(node.size, place)
        return node

    def check_tag(self, event: Any, place: Place, expected: str) -> None:
        if event.tag not in (None, "!", _STANDARD + expected):
            raise Unreadable(_tagged(event.tag, place))

    def scalar(self, event: Any, place: Place) -> Node:
        self.count(1, place)
        check_text(event.value, place)
        tag = None if event.tag in (None, "!") else event.tag
        if tag is None:
            value = event.value if event.style or event.tag else resolve(event.value)
        elif tag == _STANDARD + "str":
            value = event.value
        elif tag in {_STANDARD + kind for kind in ("int", "float", "bool", "null")}:
            value = resolve(event.value)
        else:
            raise Unreadable(_tagged(tag, place))
        return Node(value, place, event.value)

    def sequence(self, place: Place, depth: int) -> Node:
        self.count(1, place)
        items: list[Node] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self.node(event, f"{place.path}[{len(items)}]", depth + 1))
        return Node(items, place, size=1 + sum(item.size for item in items))

    def mapping(self, place: Place, depth: int) -> Node:
        self.count(1, place)
        items: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self.events), MappingEndEvent):
            at = self.place(place.path, event.start_mark)
            if not isinstance(event, ScalarEvent):
                raise Unreadable(
                    at.finding("error", "key", "A key must be a plain word.", "Write the key as text, before a ':'.")
                )
            key = event.value
            check_text(key, at)
            at = Place(f"{place.path}.{key}" if place.path else key, at.line, at.column)
            node = self.node(next(self.events), at.path, depth + 1)
            if key == "<<" and not event.style:
                merged += self.merge(node, at)
            elif key in items:
                message = f"The key '{key}' is given twice, first on line {keys[key].line}."
                self.findings.append(at.finding("error", "duplicate-key", message, "Keep one of the two."))
            else:
                items[key], keys[key] = node, at
        for other in merged:
            for key, node in other.value.items():
                items.setdefault(key, node)
                keys.setdefault(key, other.keys[key])
        return Node(items, place, keys=keys, size=1 + sum(node.size for node in items.values()))

    def merge(self, node: Node, at: Place) -> list[Node]:
        nodes = node.value if isinstance(node.value, list) else [node]
        if not all(isinstance(one.value, dict) for one in nodes):
            raise Unreadable(
                at.finding("error", "merge", "'<<' merges mappings only.", "Point it at a mapping: <<: *name.")
            )
        return list(nodes)


def check_text(text: str, place: Place) -> None:
    """Raise `Unreadable` for characters that can be written in YAML or JSON, but neither stored nor sent."""
    if found := _UNSTORABLE.search(text):
        message = f"The text has the character U+{ord(found[0]):04X}, which cannot be stored."
        raise Unreadable(place.finding("error", "character", message, "Delete it."))


def _tagged(tag: Any, place: Place) -> Finding:
    return place.finding("error", "tag", f"The YAML tag {tag} is not accepted.", "Remove it.")


def resolve(text: str) -> JSON:
    """The value of a plain scalar: null, boolean, integer, float, or else the text itself."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    digits = text.replace("_", "")
    if len(digits) <= 40 and _INTEGER.fullmatch(text):
        body = digits.lstrip("+-")
        octal = len(body) > 1 and body[0] == "0" and body.isdigit()
        if not octal:
            return int(digits, 0)
        if not set(body) & set("89"):
            return int(digits, 8)
    if len(digits) <= 40 and _FLOAT.fullmatch(text):
        number = float(digits)
        return number if abs(number) != float("inf") else text
    return text


def wrap(data: JSON, path: str = "") -> Node:
    """JSON data as nodes without lines. Raises `Unreadable`: nested too deep, characters that cannot be stored."""
    return _wrap(data, path, 0)


def _wrap(data: JSON, path: str, depth: int) -> Node:
    place = Place(path)
    if depth > MAX_DEPTH:
        raise Unreadable(
            place.finding("error", "too-deep", f"Nested more than {MAX_DEPTH} levels deep.", "Flatten the data.")
        )
    if isinstance(data, Mapping):
        paths = {str(key): f"{path}.{key}" if path else str(key) for key in data}
        for key, where in paths.items():
            check_text(key, Place(where))
        items = {str(key): _wrap(value, paths[str(key)], depth + 1) for key, value in data.items()}
        return Node(items, place, keys={key: Place(where) for key, where in paths.items()})
    if isinstance(data, list | tuple):
        return Node([_wrap(value, f"{path}[{n}]", depth + 1) for n, value in enumerate(data)], place)
    if isinstance(data, str):
        check_text(data, place)
    return Node(data, place, "" if data is None else str(data))
