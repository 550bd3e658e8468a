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
        # A longer one may hold a shorter one. No pattern is made of them: that would cost more than most texts.
        self._known = sorted(values, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._known:
            text = text.replace(value, MARK)
        for pattern in PATTERNS:
            text = pattern.sub(MARK, text)
        return text
