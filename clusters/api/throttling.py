"""Requests a minute for each access key, counted in the cache. Without a cache, nobody is held up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from clusters.models import AccessKey

log = logging.getLogger(__name__)
WINDOW = 60
COUNTED = "counted_for_its_key"
# After a failure the cache is left alone for so long (seconds): a request must not wait for one that is down.
REST = 10.0
T = TypeVar("T")


class AccessKeyThrottle(BaseThrottle):
    """DRF's throttle; the limit is ``DEFAULT_THROTTLE_RATES["access-key"]``, for example ``600/min``."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        asked = request._request
        # A long poll looks several times.
        if isinstance(request.auth, AccessKey) and not getattr(asked, COUNTED, False):
            setattr(asked, COUNTED, True)
            self._wait = wait_for(request.auth)
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
    most = limit()
    if not most:
        return 0
    now = time.time()
    count = of_cache(lambda: counted(f"requests:{key.pk}:{int(now // WINDOW)}", 2 * WINDOW), 0)
    return WINDOW - now % WINDOW if count > most else 0


def counted(name: str, seconds: float) -> int:
    """Count one more of `name`, which is forgotten `seconds` after the first: how many there are."""
    cache.add(name, 0, seconds)
    try:
        return int(cache.incr(name))
    except ValueError:  # evicted between the two
        return 0


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
