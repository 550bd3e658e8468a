"""Database connections of threads: given back to the process's pool whenever a thread does not need one."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import connection

from clusters.database import LOST, drop_lost

A = TypeVar("A")
R = TypeVar("R")
P = ParamSpec("P")
log = logging.getLogger(__name__)

PATIENCE = 15.0  # seconds for which a lost connection is made good, as while PostgreSQL is restarted
PAUSE = 0.25  # seconds


def release() -> None:
    """Give this thread's connection back; the next query takes one again. Nothing inside a transaction."""
    if not connection.in_atomic_block:
        connection.close()


def with_own_connection(do: Callable[[A], R]) -> Callable[[A], R]:
    """`do`, for a thread of its own."""

    def done(argument: A) -> R:
        try:
            return do(argument)
        finally:
            release()

    return done


def patient(do: Callable[P, R]) -> Callable[P, R]:
    """`do`, begun anew when its connection is lost: for transitions, whose guards find what was done already.

    Within a transaction of the caller it is not repeated, for what came before it in there is lost as well.
    """

    @functools.wraps(do)
    def done(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return do(*args, **kwargs)
        until: float | None = None
        while True:
            try:
                return do(*args, **kwargs)
            except LOST as error:
                now = time.monotonic()
                until = until or now + PATIENCE
                if not drop_lost() or now >= until:
                    raise
                log.warning("%s: the database connection was lost, trying again: %s", do.__name__, error)
            time.sleep(PAUSE)

    return done
