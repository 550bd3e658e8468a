"""``Authorization: Bearer sq_...``: a customer's access key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from clusters.api.guessing import Guard
from clusters.api.problems import Problem
from clusters.api.sources import source_of
from clusters.api.throttling import limit, requests_of, wait_after
from clusters.models import AccessKey, Customer
from clusters.secrets import access_key_prefix, hash_access_key
from clusters.statements import Given, Statement, columns_without, model_of

USED_EVERY = timedelta(minutes=1)
ASK = {"WWW-Authenticate": 'Bearer realm="sanqian"'}
COUNTED = "counted_for_its_key"
_NOBODY = "0" * 64


@dataclass(frozen=True)
class Caller:
    """Who asks, as Django's other parts want a user."""

    key: AccessKey
    wait: float = 0  # seconds, because the key asks too often
    is_authenticated: bool = True
    is_active: bool = True

    @property
    def pk(self) -> object:
        """What the throttle and the log know the caller by."""
        return self.key.pk

    def __str__(self) -> str:
        return actor(self.key)


def actor(key: AccessKey) -> str:
    """The access key as the audit names it; at most 200 characters, without anything secret."""
    return f"{key.customer.name[:180]} ({key.prefix})"


class AccessKeyAuthentication(BaseAuthentication):
    """DRF's authentication: `request.auth` is the AccessKey, `request.user` a `Caller`."""

    def authenticate(self, request: Request) -> tuple[Caller, AccessKey]:
        asked = request._request
        # A long poll looks several times, and is counted once.
        first = not getattr(asked, COUNTED, False)
        setattr(asked, COUNTED, True)
        key, wait = admitted(request.headers.get("Authorization", ""), source_of(request), count=first)
        return Caller(key, wait), key

    def authenticate_header(self, request: Request) -> str:
        return ASK["WWW-Authenticate"]


class AccessKeyScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = "clusters.api.authentication.AccessKeyAuthentication"
    name = "accessKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An access key: sq_..."}


def key_of(header: str, address: str) -> AccessKey:
    """The access key in an Authorization header that came from `address`. Raises `Problem`."""
    return admitted(header, address, count=False)[0]


def admitted(header: str, address: str, *, count: bool = True) -> tuple[AccessKey, float]:
    """The same, with a request counted; and the seconds to wait, 0 where it may go on. Raises `Problem`."""
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "bearer" or not value:
        hint = "Send the header 'Authorization: Bearer <access key>'."
        raise Problem("not-authenticated", "There is no access key in the request.", hint=hint, headers=ASK)
    prefix = access_key_prefix(value) if value.isascii() and value.isprintable() else None
    hashed = hash_access_key(value)
    guard = Guard(address, prefix)
    wait, requests = guard.admit(requests_of(hashed) if count and prefix and limit() else None)
    if wait:
        hint = f"Wait {wait} s, then send the right key. From other addresses it works meanwhile."
        headers = {"Retry-After": str(wait)}
        raise Problem("throttled", "Too many wrong access keys came from this address.", hint=hint, headers=headers)
    key = _found(prefix) if prefix else None
    if not hmac.compare_digest(hashed, key.hash if key else _NOBODY) or key is None:
        guard.failed()
        hint = "Copy it again, whole; a lost key is replaced by another admin key of yours, or by the operator."
        raise Problem("not-authenticated", "The access key is not known.", hint=hint, headers=ASK)
    guard.succeeded()
    now = timezone.now()
    if not key.active:
        hint = "Use another key; an admin key of yours, or the operator, issues one."
        raise Problem("not-authenticated", f"The access key {key.prefix} is switched off.", hint=hint, headers=ASK)
    if not key.usable(now):
        when = f"{key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""
        hint = "Use another key; an admin key of yours, or the operator, issues or prolongs one."
        raise Problem("access-key-expired", f"The access key {key.prefix} expired {when}.", hint=hint, headers=ASK)
    if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
        AccessKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return key, wait_after(requests)


def _found(prefix: str) -> AccessKey | None:
    """The access key of that prefix, with its customer."""
    for row in _by_prefix().run(prefix=prefix):
        key = model_of(AccessKey, row)
        key.customer = model_of(Customer, row.customer)
        return key
    return None


@cache
def _by_prefix() -> Statement:
    columns = columns_without(AccessKey, ["value"]) + columns_without(Customer, [], "customer__")
    return Statement(AccessKey.objects.filter(prefix=Given("prefix")).order_by().values_list(*columns))
