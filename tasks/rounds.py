"""What comes round for every cluster in hours or days. Pure.

The beat asks often and the rows say when it was done last, so that a beat that is restarted loses no round.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

AT_ONCE = 20  # clusters begun in one turn of the beat
SPREAD = 0.2


def due(cluster: UUID, last: datetime | None, every: float, now: datetime) -> bool:
    """Whether `every` seconds, and up to a fifth more by cluster so that not all come at once, have passed."""
    return last is None or (now - last).total_seconds() >= every * (1 + SPREAD * (cluster.int % 1000) / 1000)
