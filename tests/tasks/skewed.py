"""``python -m tests.tasks.skewed ...``: Celery on a machine whose clock is wrong by SKEW_SECONDS, process wide."""

from __future__ import annotations

import datetime
import os
import runpy
import time
from typing import Any

SKEW = float(os.environ["SKEW_SECONDS"])
_time, _datetime = time.time, datetime.datetime


class _AnyDatetime(type(_datetime)):  # type: ignore[misc]
    """What C code makes is a datetime as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _datetime)


class Skewed(_datetime, metaclass=_AnyDatetime):
    """The class as everybody will import it."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _datetime.now(tz) + datetime.timedelta(seconds=SKEW)

    @classmethod
    def utcnow(cls) -> Any:
        return _datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=SKEW)


if __name__ == "__main__":
    time.time = lambda: _time() + SKEW
    time.time_ns = lambda: int(time.time() * 1e9)
    datetime.datetime = Skewed  # type: ignore[misc]
    runpy.run_module("celery", run_name="__main__")
