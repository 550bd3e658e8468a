"""A lock for many threads that each hold it for microseconds."""

from __future__ import annotations

import threading
import time
from typing import Any

PAUSE = 0.002  # seconds; whoever holds the lock is done by then, if he has not been interrupted
FEW = (
    4  # threads that ask again so soon; more of them ask as much less often, or their asking would be all that is done
)


class PromptLock:
    """A reentrant lock that only a running thread takes.

    A thread that sleeps until a lock is handed to it has it, from then on, while it waits for the interpreter, too; and
    all others wait for that. Among hundreds of threads each handing over takes milliseconds, for microseconds of work.
    """

    def __init__(self) -> None:
        lock: Any = threading.RLock()
        self._lock = lock
        self._waiting: set[int] = set()
        self.release = lock.release
        # What `threading.Condition` asks of a reentrant lock.
        self._release_save = lock._release_save
        self._is_owned = lock._is_owned

    def acquire(self) -> None:
        if self._lock.acquire(blocking=False):
            return
        me = threading.get_ident()
        self._waiting.add(me)
        while not self._lock.acquire(blocking=False):
            time.sleep(PAUSE * max(1.0, len(self._waiting) / FEW))
        self._waiting.discard(me)

    def _acquire_restore(self, state: Any) -> None:
        times, _ = state
        for _ in range(times):
            self.acquire()

    def condition(self) -> threading.Condition:
        """One to wait for under this lock."""
        lock: Any = self
        return threading.Condition(lock)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
