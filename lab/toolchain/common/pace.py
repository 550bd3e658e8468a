"""How fast the simulated programs work."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path

SPEED_FILE = Path("/etc/lab/speed")


@lru_cache(maxsize=1)
def speed() -> float:
    """The divisor of every pause: ``LAB_SPEED``, else the first line of /etc/lab/speed, else 1."""
    text = os.environ.get("LAB_SPEED", "")
    if not text and SPEED_FILE.is_file():
        text = SPEED_FILE.read_text().strip()
    try:
        value = float(text or "1")
    except ValueError as error:
        raise SystemExit(f"LAB_SPEED: {text!r} is not a number; use 1, or more to go faster.") from error
    if value <= 0:
        raise SystemExit(f"LAB_SPEED: {text!r} must be above 0; use 100 to make pauses vanish.")
    return value


def pause(seconds: float) -> None:
    """Sleep `seconds` at speed 1."""
    time.sleep(seconds / speed())


def scaled(seconds: float, at_least: float = 0.05) -> float:
    """`seconds` at the present speed, for loops that must not spin."""
    return max(seconds / speed(), at_least)
