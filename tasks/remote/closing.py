"""Closes links, and gives back what they were made of.

Paramiko's and Fabric's objects hold one another, some 40 KiB a link, and the collector by itself looks at what was
long in use once in hours.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence

from tasks.remote.link import Link

LITTER = 300  # closed links

_closed = 0


def close_all(dead: Sequence[Link]) -> None:
    """Close them, outside of any lock."""
    global _closed
    for link in dead:
        link.close()
    _closed += len(dead)


def sweep() -> None:
    """Collect what closed links have left, where it is much. May take half a second."""
    global _closed
    if _closed >= LITTER:
        _closed = 0
        gc.collect()
