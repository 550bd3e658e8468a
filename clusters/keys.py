"""A customer's access keys, as the customer manages them: issued, changed, rotated, revoked.

Whoever asks does so by a key of scope admin of the same customer, and gives no more than that key has: none lives
longer than it, and limits are its own. Each change locks the customer, so that two together do not take away the last
two keys of scope admin.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from clusters.customers import AccessKey, Scope, in_turn
from clusters.models import Cluster, ClusterState

LIMITS = ("max_clusters", "max_hosts", "max_operations")
LONGEST_OVERLAP = timedelta(days=30)


class LastAdminKey(Exception):
    """The customer would have no key of scope admin any more."""


class Refused(Exception):
    """A field has a value that this key cannot give."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.field, self.fix = field, fix


class Rotated(Exception):
    """The key has a successor already."""

    def __init__(self, successor: AccessKey) -> None:
        super().__init__(f"The access key was rotated already; its successor is {successor.prefix}.")
        self.successor = successor


@transaction.atomic
def issue(by: AccessKey, *, name: str, scope: Scope, expires_at: datetime | None) -> tuple[AccessKey, str]:
    """A new key and its value, with the limits of `by`. Raises `Refused`."""
    in_turn(by.customer_id)
    _check_end(by, expires_at)
    limits = {limit: getattr(by, limit) for limit in LIMITS}
    return AccessKey.objects.issue(by.customer, name=name, scope=scope, expires_at=expires_at, **limits)


@transaction.atomic
def change(by: AccessKey, key: AccessKey, changes: Mapping[str, Any], *, force: bool = False) -> AccessKey:
    """`key` with another name, scope or end. Raises `Refused`, `LastAdminKey`."""
    in_turn(by.customer_id)
    key = _fresh(key)
    if "expires_at" in changes and changes["expires_at"] != key.expires_at:
        _check_end(by, changes["expires_at"])
        if key.successor_id is not None:
            raise Refused("expires_at", "A rotated key ends with its overlap.", "Change its successor, or revoke it.")
    scope, end = changes.get("scope", key.scope), changes.get("expires_at", key.expires_at)
    if scope != Scope.ADMIN or _sooner(end, key.expires_at):
        _keep_an_admin_key(key, force=force)
    for field, value in changes.items():
        setattr(key, field, value)
    key.save(update_fields=list(changes))
    return key


@transaction.atomic
def revoke(by: AccessKey, key: AccessKey, *, force: bool = False) -> AccessKey:
    """`key` opens nothing any more. Raises `LastAdminKey`."""
    in_turn(by.customer_id)
    key = _fresh(key)
    _keep_an_admin_key(key, force=force)
    key.active = False
    key.save(update_fields=["active"])
    return key


@transaction.atomic
def rotate(
    by: AccessKey, key: AccessKey, overlap: timedelta, *, force: bool = False, **given: datetime | None
) -> tuple[AccessKey, str, list[Cluster]]:
    """The successor of `key`, its value, and the clusters that it has taken over.

    It may what `key` might. It ends when `key` would have, or at the `expires_at` given; `key` ends with the overlap.
    Raises `Refused`, `Rotated`, `LastAdminKey` where the successor is to end sooner.
    """
    in_turn(by.customer_id)
    key = _fresh(key)
    if key.successor is not None:
        raise Rotated(key.successor)
    now = timezone.now()
    ended = key.expires_at is not None and key.expires_at <= now
    end = given.get("expires_at", by.expires_at if ended else key.expires_at)
    _check_end(by, end)
    if _sooner(end, key.expires_at):
        _keep_an_admin_key(key, force=force)
    limits = {limit: getattr(key, limit) for limit in LIMITS}
    successor, value = AccessKey.objects.issue(key.customer, name=key.name, scope=key.scope, expires_at=end, **limits)
    until = now + overlap
    key.successor = successor
    key.expires_at = min(key.expires_at, until) if key.expires_at else until
    key.save(update_fields=["successor", "expires_at"])
    held = Cluster.objects.filter(access_key=key)
    taken = list(held.exclude(state=ClusterState.REMOVED).only("pk", "name").order_by("name"))
    held.update(access_key=successor, updated_at=now)
    return successor, value, taken


def newest(key: AccessKey) -> AccessKey:
    """The key, or what it was rotated to: what is registered in the overlap must not hold a key that ends soon."""
    while True:
        row = AccessKey.objects.filter(pk=key.pk).values("successor")
        following = AccessKey.objects.defer("value").filter(pk__in=row).first()
        if following is None:
            return key
        key = following


def _fresh(key: AccessKey) -> AccessKey:
    """The row as it is under the lock."""
    return AccessKey.objects.defer("value").select_related("customer").get(pk=key.pk)


def _check_end(by: AccessKey, end: datetime | None) -> None:
    """Raises `Refused` for an end in the past, or behind that of the key which gives it."""
    if end is not None and end <= timezone.now():
        raise Refused("expires_at", "This time is past.", "Give a time to come; revoke a key that is to end now.")
    if by.expires_at is not None and _sooner(by.expires_at, end):
        raise Refused(
            "expires_at",
            f"The access key that you use ends {by.expires_at:%Y-%m-%d %H:%M} UTC, and gives none that lives longer.",
            "Give an earlier time, or use a key that lives longer; an operator issues one.",
        )


def _keep_an_admin_key(key: AccessKey, *, force: bool) -> None:
    """Raises `LastAdminKey` where `key` opens something and no other of scope admin would remain.

    One that was rotated does not count: it ends soon.
    """
    if force or key.scope != Scope.ADMIN or not key.usable(timezone.now()):
        return
    others = AccessKey.objects.usable().filter(customer=key.customer_id, scope=Scope.ADMIN, successor=None)
    if not others.exclude(pk=key.pk).exists():
        raise LastAdminKey


def _sooner(one: datetime | None, other: datetime | None) -> bool:
    """Whether an end comes before another; None is never."""
    return one is not None and (other is None or one < other)
