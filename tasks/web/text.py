"""The output of hosts as plain text: line by line, with whose it is, without what would drive a terminal. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
LONGEST = 256 * 1024  # characters kept of a line whose end has not come

Source = tuple[str, str, int]


class Lines:
    """Puts chunks of several hosts together to whole lines; a line without an end is given out when it grows long."""

    def __init__(self) -> None:
        self._rest: dict[Source, str] = {}

    def feed(self, chunk: Mapping[str, Any]) -> str:
        """The lines that a chunk (`step`, `host`, `attempt`, `text`) completes."""
        source = (chunk["step"], chunk["host"], chunk["attempt"])
        *whole, rest = (self._rest.pop(source, "") + chunk["text"]).split("\n")
        if len(rest) > LONGEST:
            whole, rest = [*whole, rest], ""
        if rest:
            self._rest[source] = rest
        return "".join(_line(source, line) for line in whole)

    def rest(self) -> str:
        """The lines that never got an end."""
        return "".join(_line(source, text) for source, text in self._rest.items())


def _line(source: Source, line: str) -> str:
    step, host, attempt = source
    again = f" #{attempt}" if attempt > 1 else ""
    written = [part for part in line.split("\r") if part]  # of a line that overwrites itself the last writing
    return f"{step} {host}{again} | {CONTROLS.sub('', ESCAPES.sub('', written[-1] if written else ''))}\n"
