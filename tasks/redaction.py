"""Takes secrets out of text before it is stored. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

MARK = "[redacted]"
SHORTEST = 4  # characters; a shorter value would blank out ordinary words

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
    """Replaces `secrets`, their lines, their base64 and what looks like a secret with ``[redacted]``."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values: set[str] = set()
        for secret in secrets:
            for value in (secret, *secret.splitlines()):
                value = value.strip()
                if len(value) >= SHORTEST:
                    values.add(value)
                    values.add(base64.b64encode(value.encode()).decode().rstrip("="))
        longest_first = sorted(values, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if values else None

    def __call__(self, text: str) -> str:
        if self._known:
            text = self._known.sub(MARK, text)
        for pattern in PATTERNS:
            text = pattern.sub(MARK, text)
        return text
