"""Requests a minute for each access key, counted in the cache. Without a cache, nobody is held up.

A request asks the cache once: `Guard.admit` counts it by the name that this module gives.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from clusters.models import AccessKey

log = logging.getLogger(__name__)
WINDOW = 60
# After a failure the cache is left alone for so long (seconds): a request must not wait for one that is down.
REST = 10.0
# Of a key's hash, in the names of counts.
DIGITS = 20
T = TypeVar("T")


class AccessKeyThrottle(BaseThrottle):
    """DRF's throttle; the limit is ``DEFAULT_THROTTLE_RATES["access-key"]``, for example ``600/min``."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, AccessKey):
            self._wait = getattr(request.user, "wait", 0.0)
        return not self._wait

    def wait(self) -> float | None:
        return self._wait or None


class _Breaker:
    """Until when the cache is left alone, by the monotonic clock."""

    until = 0.0


def limit() -> int:
    """Requests a minute; 0 for no limit."""
    rate = api_settings.DEFAULT_THROTTLE_RATES.get("access-key") or "0"
    return int(str(rate).partition("/")[0])


def wait_for(key: AccessKey) -> float:
    """Count one request of `key`: the seconds to wait, 0 when it may go on."""
    return wait_after(of_cache(lambda: counted([requests_of(key.hash)], 2 * WINDOW)[0], 0)) if limit() else 0


def requests_of(hashed: str) -> str:
    """The name under which requests with the key of this hash are counted now."""
    return f"requests:{hashed[:DIGITS]}:{int(time.time() // WINDOW)}"


def wait_after(count: int) -> float:
    """The seconds to wait after so many requests in this minute, 0 for none."""
    most = limit()
    return WINDOW - time.time() % WINDOW if most and count > most else 0


def counted(names: Sequence[str], seconds: int) -> list[int]:
    """Count one more of each name, which is forgotten `seconds` after the first: how many there are."""
    with store().pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.incr(name)
            pipeline.expire(name, seconds, nx=True)
        return [int(count) for count in pipeline.execute()[::2]]


def store() -> Redis:
    """The cache's server. Django's cache is another for each request, with a connection that it has to make."""
    cache = settings.CACHES["default"]
    return _connected(re.split("[;,]", cache["LOCATION"])[0], tuple(cache.get("OPTIONS", {}).items()))


@lru_cache(maxsize=4)
def _connected(address: str, options: tuple[tuple[str, Any], ...]) -> Redis:
    return Redis.from_url(address, **dict(options))


def of_cache(ask: Callable[[], T], otherwise: T) -> T:
    """What `ask` finds in the cache; `otherwise` where the cache does not answer, which is logged."""
    if time.monotonic() < _Breaker.until:
        return otherwise
    try:
        return ask()
    except (RedisError, OSError) as error:
        _Breaker.until = time.monotonic() + REST
        log.warning("nothing is counted, the cache does not answer: %s", error)
        return otherwise
