"""Whether anybody works: which queues have a worker. Asked at most once in a while, whoever wants to know."""

from __future__ import annotations

import logging
import threading
import time

from celery import current_app

from tasks.queues import DOWN, QUEUES

log = logging.getLogger(__name__)
# How long workers may take to answer, and how long an answer is taken for true (seconds).
PATIENCE, FRESH = 1.0, 15.0


class _Asked:
    """The last answer of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until, self._answer = 0.0, dict[str, bool]()

    def read(self) -> dict[str, bool]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._answer = _ask()
                self._until = time.monotonic() + FRESH
            return self._answer

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_asked = _Asked()
forget = _asked.forget


def served() -> dict[str, bool] | None:
    """For each queue whether a worker that answers serves it; None where the broker does not answer."""
    try:
        return _asked.read()
    except DOWN as error:
        log.warning("workers are not known: %s", error)
        return None


def _ask() -> dict[str, bool]:
    answers = current_app.control.inspect(timeout=PATIENCE).active_queues() or {}
    names = {queue["name"] for queues in answers.values() for queue in queues}
    return {name: name in names for name in QUEUES}
