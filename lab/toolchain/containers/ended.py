"""How a program ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    stdout: str = ""
    stderr: str = ""
    code: int = 0
