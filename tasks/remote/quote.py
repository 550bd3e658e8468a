"""Text into POSIX shell source."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def quote(value: str) -> str:
    """One shell word that is exactly ``value``. Raises ValueError for a NUL byte, which no shell can hold."""
    if "\0" in value:
        raise ValueError("a NUL byte cannot be passed to a shell")
    return "'" + value.replace("'", "'\"'\"'") + "'"


def exports(env: Mapping[str, str]) -> str:
    """Lines that export the variables. Raises ValueError for a name that is none; never shows a value."""
    for name in env:
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is not a name of an environment variable")
    return "".join(f"export {name}={quote(value)}\n" for name, value in env.items())
