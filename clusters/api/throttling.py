"""Requests a minute for each access key, counted in the cache. Without a cache, nobody is held up."""

from __future__ import annotations

import logging
import time
from typing import Any

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
    if not most or time.monotonic() < _Breaker.until:
        return 0
    now = time.time()
    name = f"requests:{key.pk}:{int(now // WINDOW)}"
    try:
        cache.add(name, 0, 2 * WINDOW)
        count = cache.incr(name)
    except ValueError:  # evicted between the two
        return 0
    except (RedisError, OSError) as error:
        _Breaker.until = time.monotonic() + REST
        log.warning("requests are not counted, the cache does not answer: %s", error)
        return 0
    return WINDOW - now % WINDOW if count > most else 0
