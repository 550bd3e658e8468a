"""Marked secrets, and whether a text holds one of them in any shape. Written apart from `tasks.redaction`."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus


def spellings(secret: str) -> set[str]:
    """The secret, or where it has several lines each of them, as somebody might write it."""
    found: set[str] = set()
    for line in secret.splitlines():
        if len(line) < 8 or line.startswith("-----"):
            continue
        found |= {line, quote(line), quote(line, safe=""), quote_plus(line), json.dumps(line)[1:-1], html.escape(line)}
        for before in ("", "x", "xx"):
            # Whole groups of three bytes that are the secret's alone.
            inner = line.encode()[(3 - len(before)) % 3 :]
            found.add(base64.b64encode(inner[: len(inner) // 3 * 3]).decode())
    return found


class Marks:
    """`secrets` by what they are."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._spelt = {name: sorted(spellings(secret)) for name, secret in secrets.items()}
        assert all(self._spelt.values())

    def found_in(self, text: str | bytes) -> set[str]:
        """The names of the secrets that `text` holds."""
        read = text.decode(errors="replace") if isinstance(text, bytes) else text
        return {name for name, spelt in self._spelt.items() if any(one in read for one in spelt)}

    def leaks(self, texts: Iterable[tuple[str, str | bytes]]) -> list[str]:
        """Where something is found, and what."""
        return [f"{where}: {', '.join(sorted(names))}" for where, text in texts if (names := self.found_in(text))]
