"""Drives one step for one slice: the only place where the engine's rows meet the hosts."""

from __future__ import annotations

from tasks.driver.remains import clear
from tasks.driver.slice import Next, drive
from tasks.driver.turn import Slots

__all__ = ["Next", "Slots", "clear", "drive"]
