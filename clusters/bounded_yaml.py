"""YAML of others as plain data, within bounds of size, depth and what aliases repeat. Pure.

A YAML library's own loader lets a few hundred bytes of merge keys take minutes and gigabytes, and a few thousand
brackets end in RecursionError.
"""

from __future__ import annotations

from clusters.inventory.document import Unreadable, compose
from clusters.inventory.model import JSON

LARGEST = 4 * 1024 * 1024  # characters


class BadYAML(ValueError):
    """Text that is no YAML, or too much of it. `line` is 0 where it cannot be told. The message quotes no value."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def load(text: str, largest: int = LARGEST) -> JSON:
    """The first document of `text`; None where there is none. Raises `BadYAML`."""
    if len(text) > largest:
        raise BadYAML(f"it is larger than {largest // 1024} KiB")
    try:
        documents, found = compose(text)
    except Unreadable as error:
        bounds = {"too-large": "it has too many values", "too-deep": "it is nested too deeply"}
        raise BadYAML(bounds.get(error.finding.code, "it is no YAML"), error.finding.line) from None
    if found:
        raise BadYAML("a key is given twice", found[0].line)
    return documents[0].plain() if documents else None
