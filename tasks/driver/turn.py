"""How long a slice may last, and how often it stores what it learns: by how many there are in this process.

A slice lasts `SLICE_SECONDS` when other steps wait for its slot, and goes on where none does: leaving the slot and
claiming the step again would cost more than all else that is done for a step that only waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

LONGEST_SECONDS = 300.0
SPARE = 0.1  # the share of slots that is left to steps that come
# Seconds between two writings of what was learnt: with few slices, for each further one (so that a process writes
# about fifty times a second), and at most.
BEAT, BEAT_EACH, BEAT_MOST = 0.25, 0.02, 10.0


class Slots:
    """The slices of this process, and how many steps it can drive at once (0: not known)."""

    _lock = threading.Lock()
    limit = 0
    active = 0

    @classmethod
    @contextmanager
    def taken(cls) -> Iterator[None]:
        """A slice, for the length of the block."""
        with cls._lock:
            cls.active += 1
        try:
            yield
        finally:
            with cls._lock:
                cls.active -= 1

    @classmethod
    def free(cls) -> bool:
        """Whether steps that come find a slot."""
        return cls.active < cls.limit * (1 - SPARE)


def beat() -> float:
    """Seconds between two writings: output is stored in larger pieces where many steps write."""
    return min(BEAT_MOST, max(BEAT, Slots.active * BEAT_EACH))


@dataclass(frozen=True)
class Turn:
    """One slice's time; `deadline` (monotonic) is its end when others wait."""

    began: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float:
        return self.began + settings.SLICE_SECONDS

    def left(self) -> float:
        """Seconds, not above 0 when it is over."""
        end = self.began + LONGEST_SECONDS if Slots.free() else self.deadline
        return end - time.monotonic()
