"""Flags the way spf13/pflag reads them: anywhere between the arguments, ``--name value``, ``--name=value``, ``-nx``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lab.toolchain.helm.errors import HelmError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Flag:
    """`kind`: switch, text, many (may be repeated), number or duration (value in seconds)."""

    name: str
    kind: str = "text"
    short: str = ""
    default: Any = None

    @property
    def start(self) -> Any:
        if self.default is not None:
            return self.default
        return {"switch": False, "text": "", "many": [], "number": 0, "duration": 300.0}[self.kind]


class Values(dict[str, Any]):
    """{name of the flag: its value}, and the names of those that were given."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        super().__init__({flag.name: flag.start for flag in flags})
        self.given: set[str] = set()


def parse(argv: Sequence[str], flags: Iterable[Flag]) -> tuple[list[str], Values]:
    """(arguments, flags). Raises `HelmError` with pflag's words."""
    known = {f"--{flag.name}": flag for flag in flags}
    known |= {f"-{flag.short}": flag for flag in known.values() if flag.short}
    values = Values(known.values())
    arguments: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return [*arguments, *words], values
        if word.startswith("--"):
            _long(word, words, known, values)
        elif word.startswith("-") and len(word) > 1:
            _short(word, words, known, values)
        else:
            arguments.append(word)
    return arguments, values


def _long(word: str, words: Iterator[str], known: dict[str, Flag], values: Values) -> None:
    name, equals, text = word.partition("=")
    flag = known.get(name)
    if flag is None:
        raise HelmError(f"unknown flag: {name}")
    if flag.kind == "switch":
        _put(flag, text if equals else "true", name, values)
    else:
        _put(flag, text if equals else _next(words, f"flag needs an argument: {name}"), name, values)


def _short(word: str, words: Iterator[str], known: dict[str, Flag], values: Values) -> None:
    rest = word[1:]
    while rest:
        name, rest = f"-{rest[0]}", rest[1:]
        flag = known.get(name)
        if flag is None:
            raise HelmError(f"unknown shorthand flag: {name[1]!r} in {word}")
        if flag.kind != "switch":
            text = rest or _next(words, f"flag needs an argument: {name[1]!r} in {word}")
            _put(flag, text.removeprefix("="), name, values)
            return
        _put(flag, "true", name, values)


def _next(words: Iterator[str], message: str) -> str:
    try:
        return next(words)
    except StopIteration:
        raise HelmError(message) from None


def _put(flag: Flag, text: str, name: str, values: Values) -> None:
    values.given.add(flag.name)
    try:
        if flag.kind == "many":
            values[flag.name] = [*values[flag.name], text]
        else:
            values[flag.name] = _READ[flag.kind](text)
    except ValueError as error:
        raise HelmError(f'invalid argument "{text}" for "{name}" flag: {error}') from None


def duration(text: str) -> float:
    """Seconds of a Go duration such as ``10m0s``. Raises ValueError."""
    if text == "0":
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError(f'time: missing unit in duration "{text}"')
    if not re.fullmatch(rf"(?:{_DURATION.pattern})+", text):
        raise ValueError(f'time: invalid duration "{text}"')
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return text.lower() in ("true", "1")


def _number(text: str) -> int:
    if not re.fullmatch(r"-?\d+", text):
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


_READ: dict[str, Callable[[str], Any]] = {"switch": _switch, "text": str, "number": _number, "duration": duration}
