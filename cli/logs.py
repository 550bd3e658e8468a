"""The output of hosts, line by line, with whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli.text import harmless


class Lines:
    """Puts chunks of several hosts together to whole lines, each with its host (and step) in front."""

    def __init__(self, *, with_step: bool, with_host: bool) -> None:
        self.with_step, self.with_host = with_step, with_host
        self._rest: dict[tuple[str, str, int], str] = {}

    def feed(self, chunk: Mapping[str, Any]) -> list[str]:
        """The lines that a chunk (`step`, `host`, `attempt`, `text`) completes."""
        source = (str(chunk.get("step")), str(chunk.get("host")), int(chunk.get("attempt") or 1))
        *lines, rest = (self._rest.pop(source, "") + str(chunk.get("text") or "")).split("\n")
        if rest:
            self._rest[source] = rest
        return [self._prefix(source) + harmless(line) for line in lines]

    def rest(self) -> list[str]:
        """The lines that have no end yet."""
        lines = [self._prefix(source) + harmless(text) for source, text in self._rest.items()]
        self._rest.clear()
        return lines

    def _prefix(self, source: tuple[str, str, int]) -> str:
        step, host, attempt = source
        parts = [step] if self.with_step else []
        parts += [host] if self.with_host else []
        again = f" #{attempt}" if attempt > 1 else ""
        return f"{' '.join(parts)}{again} | " if parts else ""
