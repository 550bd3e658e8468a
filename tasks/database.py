"""Database connections of threads: given back to the process's pool whenever a thread does not need one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import connection

A = TypeVar("A")
R = TypeVar("R")


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
