"""Small pieces of text: durations, ages, remote output made harmless."""

from __future__ import annotations

import re
from datetime import datetime

from cli.language import tr

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def duration(seconds: float) -> str:
    """Seconds as people read them: `4s`, `3m12s`, `1h04m`, `2d03h`. Negative counts as none."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def per_cent(progress: float) -> str:
    """Progress without rounding up: 100 % is done, and nothing else is."""
    return f"{int(progress)}%"


def bytes_size(value: object) -> str:
    """Bytes as people read them: `32GiB`; `-` where there are none."""
    if not isinstance(value, int | float) or not value:
        return "-"
    size, units = float(value), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.3g}{units[0]}"


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `10m` or `2h30m`. Raises `ValueError` on anything else, and on zero."""
    pieces = _DURATION.findall(text.strip())
    if not pieces or "".join(number + unit for number, unit in pieces) != text.strip():
        raise ValueError(tr("{value} is no duration; write for example 90, 90s, 10m or 2h30m", value=repr(text)))
    if len(pieces) > 1 and any(not unit for _, unit in pieces):
        raise ValueError(tr("{value} is no duration; give every number a unit, for example 2h30m", value=repr(text)))
    seconds = sum(float(number) * _UNITS[unit or "s"] for number, unit in pieces)
    if seconds <= 0:
        raise ValueError(tr("the duration must be more than zero"))
    return seconds


def moment(value: object) -> datetime | None:
    """The time of an API field (ISO 8601 with a zone), or None where the field is empty."""
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def age(value: object, now: datetime) -> str:
    """How long ago an API field's time is, `-` where it is empty."""
    then = moment(value)
    return duration((now - then).total_seconds()) if then else "-"


def harmless(line: str) -> str:
    """One line of a host's output without escapes and control characters, so that it cannot drive the terminal.

    Of a line that overwrites itself with carriage returns, the last writing remains.
    """
    visible = [part for part in line.rstrip("\r").split("\r") if part]
    return _CONTROLS.sub("", _ESCAPES.sub("", visible[-1] if visible else "").replace("\t", "    "))
