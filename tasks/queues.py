"""The broker's queues, looked at without taking anything out."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from kombu.exceptions import OperationalError

SECONDS = 2
ENGINE = ("control", "provision", "health")
QUEUES = (*ENGINE, "webhooks")
PRIORITIES = 10
MOST_SECONDS = 300.0
# How asking the broker, or workers by way of it, fails while it is away.
DOWN = (redis.RedisError, OperationalError, OSError)


@dataclass(frozen=True)
class Waiting:
    """The messages of one queue: how many, and how long the oldest has waited (None without one), in seconds.

    A message bears the time when it was sent by its sender's clock.
    """

    queue: str
    depth: int
    oldest_seconds: float | None


def waiting() -> list[Waiting]:
    """All queues. Raises `redis.RedisError`, OSError."""
    client = broker()
    now = time.time()
    found = []
    for queue in QUEUES:
        # Celery keeps one list for each priority; it adds at the head and takes from the tail.
        names = [queue, *(f"{queue}\x06\x16{priority}" for priority in range(1, PRIORITIES))]
        depth = sum(int(client.llen(name)) for name in names)
        sent = [at for name in names if (at := _sent_at(client.lindex(name, -1))) is not None]
        found.append(Waiting(queue, depth, max(0.0, now - min(sent)) if sent else None))
    return found


def longest_wait() -> float:
    """Seconds for which the engine's oldest message has been waiting, 0 without one or without a broker.

    At most `MOST_SECONDS`: clocks may differ, and what is lost must not wait for ever.
    """
    try:
        return min(MOST_SECONDS, max(one.oldest_seconds or 0.0 for one in waiting() if one.queue in ENGINE))
    except (redis.RedisError, OSError):
        return 0.0


def _sent_at(message: bytes | str | None) -> float | None:
    if message is None:
        return None
    at = json.loads(message).get("headers", {}).get("sent_at")
    return float(at) if at is not None else None


@cache
def broker() -> redis.Redis:
    """A connection of short patience."""
    # Celery writes a Unix socket's address as redis+socket://PATH?virtual_host=N, redis as unix://PATH?db=N.
    url = settings.BROKER_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    return redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry_on_timeout=False)
