"""Ranges of host names: ``master[1:3]`` is master1, master2, master3."""

from __future__ import annotations

import re

from clusters.inventory.model import MAX_HOSTS

_RANGE = re.compile(r"(?P<head>[^\[\]]*)\[(?P<first>[0-9]{1,9}):(?P<last>[0-9]{1,9})\](?P<tail>[^\[\]]*)")
_NEARLY = re.compile(r"([^\[\]]*)\[\s*([0-9]{1,9})\s*(?:-|\.\.|,|:|：|~)\s*([0-9]{1,9})\s*\]([^\[\]]*)")


class RangeError(ValueError):
    """A range that means nothing. `fix` says what to write instead."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def expand(text: str) -> tuple[str, ...]:
    """The names that `text` stands for: itself, or one for each number of its range, both ends included.

    A first number with leading zeros sets the width: ``worker[08:10]`` is worker08, worker09, worker10.
    Raises `RangeError`.
    """
    if not re.search(r"[\[\]]", text):
        return (text,)
    match = _RANGE.fullmatch(text)
    if match is None:
        near = _NEARLY.fullmatch(text)
        example = "{}[{}:{}]{}".format(*near.groups()) if near else "worker[1:3]"
        raise RangeError(f"'{text}' is no range of host names.", f"Write it as {example}.")
    head, first, last, tail = match.group("head", "first", "last", "tail")
    padded = len(first) > 1 and first.startswith("0")
    width = len(first) if padded else 0
    if len(last) > 1 and last.startswith("0") and len(last) != width:
        raise RangeError(
            f"The ends of the range '{text}' have different widths.",
            f"Write both with the same number of digits: {head}[{first.zfill(len(last))}:{last}]{tail}.",
        )
    low, high = int(first), int(last)
    if low > high:
        raise RangeError(f"The range '{text}' runs backwards.", f"Write it as {head}[{last}:{first}]{tail}.")
    if high - low >= MAX_HOSTS:
        raise RangeError(
            f"The range '{text}' has {high - low + 1} names.", f"A cluster has at most {MAX_HOSTS} hosts; shorten it."
        )
    return tuple(f"{head}{number:0{width}d}{tail}" for number in range(low, high + 1))
