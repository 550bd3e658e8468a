"""Where a request came from."""

from __future__ import annotations

from typing import Any

from django.conf import settings

LONGEST = 64


def source_of(request: Any) -> str:
    """The client's address: the connection's, or before ``TRUSTED_PROXIES`` proxies the one that the first was told.

    A client may write anything into ``X-Forwarded-For``; only what the trusted proxies have added at its end counts.
    """
    way = [str(request.META.get("REMOTE_ADDR") or "")]
    if settings.TRUSTED_PROXIES:
        told = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",")
        way = [address for one in told if (address := one.strip())] + way
    return way[max(0, len(way) - 1 - settings.TRUSTED_PROXIES)][:LONGEST]
