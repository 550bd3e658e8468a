"""Counts a worker's database statements: ``celery worker -I benchmarks.counting`` with ``SANQIAN_COUNT_INTO`` set.

The file gets the number of statements when the worker ends.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from celery import signals
from django.db.backends.signals import connection_created
from django.dispatch import receiver

_numbers = itertools.count()


def _count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    next(_numbers)
    return execute(sql, params, many, context)


@receiver(connection_created)
def _watch(connection: Any, **_: Any) -> None:
    if _count not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count)


@signals.worker_shutdown.connect
def _write(**_: Any) -> None:
    Path(os.environ["SANQIAN_COUNT_INTO"]).with_suffix(f".{os.getpid()}").write_text(str(next(_numbers)))
