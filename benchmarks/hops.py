"""A Celery task that answers each message with the next one: the peer of `benchmarks.engine`."""

from __future__ import annotations

import time

import redis
from celery import shared_task
from django.conf import settings

KEY = "benchmark-hops"


def client() -> redis.Redis:
    return redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])


@shared_task
def hop(left: int) -> None:
    client().rpush(KEY, time.time())
    if left:
        hop.apply_async((left - 1,), queue="control")
