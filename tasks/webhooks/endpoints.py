"""What a customer does with endpoints. Everything is kept in the audit, without secrets and paths of addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from clusters.customers import in_turn
from clusters.models import AccessKey
from tasks.services import audit
from tasks.webhooks import events, outbox
from tasks.webhooks.models import WebhookDelivery, WebhookEndpoint
from tasks.webhooks.signing import new_secret

MOST = 20  # endpoints of a customer
State = WebhookDelivery.State


class TooMany(Exception):
    """The customer has as many endpoints as it may have."""


class SwitchedOff(Exception):
    """Nothing is sent to the endpoint."""


@transaction.atomic
def create(key: AccessKey, fields: Mapping[str, Any], *, actor: str, source: str = "") -> WebhookEndpoint:
    """A new endpoint with a secret of its own. Raises `TooMany`."""
    in_turn(key.customer_id)
    if WebhookEndpoint.objects.filter(access_key__customer=key.customer_id).count() >= MOST:
        raise TooMany(f"You may have {MOST} webhooks.")
    made = WebhookEndpoint(access_key=key, secret=new_secret(), **fields)
    made.save(force_insert=True)
    made.refresh_from_db(fields=["created_at"])
    _audit("create", made, actor, source)
    return made


@transaction.atomic
def update(
    endpoint: WebhookEndpoint, key: AccessKey, fields: Mapping[str, Any], *, actor: str, source: str = ""
) -> WebhookEndpoint:
    """Change it; it is `key`'s from then on.

    Another address, or being switched on, begins anew what was counted against it.
    """
    row = _held(endpoint)
    given = {**fields, "access_key": key}
    changed = sorted(name for name, value in given.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, given[name])
    if "url" in changed or "active" in changed:
        changed_too = {"failures": 0, "failing_since": None, "rest_until": None, "sent_at": None, "note": ""}
        for name, value in changed_too.items():
            setattr(row, name, value)
        row.save(update_fields=[*changed, *changed_too])
        outbox.hint([row.pk])
    elif changed:
        row.save(update_fields=changed)
    if changed:
        _audit("update", row, actor, source, changed=changed)
    return row


def delete(endpoint: WebhookEndpoint, *, actor: str, source: str = "") -> None:
    """Forget it with all that is known of its deliveries."""
    # First nothing more is put on its way, for what happens to clusters must not wait until all is deleted.
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(active=False)
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        _audit("delete", row, actor, source)
        row.delete()


@transaction.atomic
def rotate(endpoint: WebhookEndpoint, overlap: timedelta, *, actor: str, source: str = "") -> WebhookEndpoint:
    """Give it another secret. For `overlap` requests are signed with the one before, too."""
    row = _held(endpoint)
    row.old_secret = row.secret if overlap else ""
    row.old_secret_until = timezone.now() + overlap if overlap else None
    row.secret = new_secret()
    row.save(update_fields=["secret", "old_secret", "old_secret_until"])
    _audit("rotate-secret", row, actor, source, overlap_seconds=int(overlap.total_seconds()))
    return row


@transaction.atomic
def ping(endpoint: WebhookEndpoint, *, actor: str, source: str = "") -> WebhookDelivery:
    """Send it a test, whatever types it wants. Raises `SwitchedOff`."""
    row = _sending(endpoint)
    WebhookEndpoint.objects.filter(pk=row.pk).update(rest_until=None, sent_at=None)
    (made,) = outbox.put([row.pk], events.PING, timezone.now(), {"webhook": {"id": str(row.pk)}})
    _audit("ping", row, actor, source)
    return made


@transaction.atomic
def replay(
    deliveries: QuerySet[WebhookDelivery], endpoint: WebhookEndpoint, *, actor: str, source: str = ""
) -> list[int]:
    """Send these of its deliveries again, soon and with all their tries: their ids. Raises `SwitchedOff`."""
    row = _sending(endpoint)
    chosen = deliveries.filter(endpoint=row).select_for_update(no_key=True, of=("self",)).order_by("pk")
    found = list(chosen.values_list("pk", flat=True))
    if found:
        WebhookDelivery.objects.filter(pk__in=found).update(
            state=State.PENDING, tries=0, due_at=timezone.now(), finished_at=None
        )
        WebhookEndpoint.objects.filter(pk=row.pk).update(rest_until=None, sent_at=None)
        outbox.hint([row.pk])
        _audit("replay", row, actor, source, deliveries=len(found))
    return found


def failed_since(endpoint: WebhookEndpoint, since: datetime) -> QuerySet[WebhookDelivery]:
    """Deliveries of what happened from `since` on that were given up."""
    return WebhookDelivery.objects.filter(endpoint=endpoint, state=State.FAILED, event__at__gte=since)


def _held(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def _sending(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    row = _held(endpoint)
    if not row.active:
        raise SwitchedOff(f"The webhook is switched off. {row.note}".strip())
    return row


def _audit(action: str, endpoint: WebhookEndpoint, actor: str, source: str, **more: Any) -> None:
    detail = {"webhook": str(endpoint.pk), "to": endpoint.origin, **more}
    audit(actor, f"webhook.{action}", source=source, detail=detail)
