"""Takes secrets out of text before it is stored. Pure."""

from __future__ import annotations

import base64
import functools
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
SHORTEST = 4  # characters; a shorter value would blank out ordinary words
SHORTEST_CODED = 8  # characters of base64, of which short ones are in every hash
WRAPPED = (57, 48)  # bytes that base64 (76 columns) and openssl (64 columns) put on a line

# What looks like a secret although nobody told us its value.
PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----)?"),
    re.compile(r"\bsq_[0-9a-f]{10}_[A-Za-z0-9_-]{32,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"),
    re.compile(r"(?i)(?<=\bauthorization: )(?:bearer|basic) \S+"),
    re.compile(r"(?i)(?<=\bpassword[=:] )\S+|(?<=\bpassword[=:])[^\s,;\"']+"),
    re.compile(r"(?i)(?<=--password[ =])\S+"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
)


class Redactor:
    """Replaces `secrets`, what else they are written as, and what looks like a secret with ``[redacted]``."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {shape for secret in set(secrets) for shape in shapes(secret)}
        # A longer one may hold a shorter one. No pattern is made of them: that would cost more than most texts.
        self._known = sorted(values, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._known:
            text = text.replace(value, MARK)
        for pattern in PATTERNS:
            text = pattern.sub(MARK, text)
        return text

    def data(self, told: dict[str, Any]) -> dict[str, Any]:
        """`told` with its texts redacted."""
        return {name: self(value) if isinstance(value, str) else value for name, value in told.items()}


@functools.lru_cache(maxsize=2048)  # each slice asks for those of its cluster
def shapes(secret: str) -> frozenset[str]:
    """How `secret` and its lines may stand in a text: plain, quoted for shell, JSON, HTML and URL, and in base64."""
    found: set[str] = set()
    for value in (secret, *secret.splitlines()):
        value = value.strip()
        if len(value) < SHORTEST or value.startswith("-----"):
            continue
        found |= {value, quote(value, safe=""), quote(value), quote_plus(value)}
        found |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value)}
        found |= {value.replace("'", "'\"'\"'"), value.replace("'", "'\\''"), value.replace("'", "\\'")}
        found.add(base64.b64encode(value.encode()).decode().rstrip("="))
        found.update(_within_base64(value.encode()))
    found.update(_wrapped(secret.encode()))
    return frozenset(found)


def _within_base64(value: bytes) -> Iterator[str]:
    """The letters that stand for `value` alone wherever it begins in what was coded: with other bytes around it."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + value).decode()
        # A letter stands for six bits; those at the ends are shared with the neighbours.
        letters = coded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        if len(letters) >= SHORTEST_CODED:
            yield letters
            yield letters.replace("+", "-").replace("/", "_")


def _wrapped(text: bytes) -> Iterator[str]:
    """The lines of a longer text's base64."""
    for width in WRAPPED:
        for start in range(0, len(text) if len(text) > width else 0, width):
            line = base64.b64encode(text[start : start + width]).decode().rstrip("=")
            if len(line) >= SHORTEST_CODED:
                yield line
