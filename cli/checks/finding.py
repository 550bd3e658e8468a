"""A finding, and which of several is the worst."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cli.errors import Code


class Level(StrEnum):
    """How bad it is. `unknown` could not be found out."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `check` is its stable name; `fix` is empty where nothing is to be done."""

    check: str
    level: Level
    message: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is to be done."""
        return self.level is Level.OK


def well(check: str, message: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Level.OK, message)


def unknown(check: str, message: str, fix: str = "") -> Finding:
    """It could not be found out."""
    return Finding(check, Level.UNKNOWN, message, fix)


def warning(check: str, message: str, fix: str) -> Finding:
    """It works, and needs attention."""
    return Finding(check, Level.WARNING, message, fix)


def fault(check: str, message: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(check, Level.ERROR, message, fix)


def exit_code(findings: Iterable[Finding]) -> Code:
    """A fault is a failure; a warning is none."""
    return Code.FAILED if any(one.level is Level.ERROR for one in findings) else Code.OK
