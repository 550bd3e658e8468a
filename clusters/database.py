"""Database connections that broke: PostgreSQL was restarted, or another server took over from it."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError, connection

LOST = (OperationalError, InterfaceError)


def drop_lost() -> bool:
    """After an error: whether this thread's connection is gone. Then the process's other dead ones go with it.

    A connection of the pool is found dead only by using it, so without this each would cost an error.
    """
    raw = connection.connection
    if connection.in_atomic_block or (raw is not None and not raw.closed):
        return False
    connection.close()
    if pool := getattr(connection, "pool", None):
        pool.check()
    return True
