"""The programs that run on hosts: shell files of this package."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def host_program(name: str) -> str:
    """The text of a shell file without comments and indentation: it is sent with every call."""
    text = resources.files("tasks.remote").joinpath(name).read_text(encoding="utf-8")
    return "".join(line.lstrip() + "\n" for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#")
