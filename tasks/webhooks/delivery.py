"""Sending what is due to an endpoint, one after the other.

Whoever sends holds the endpoint's lease, so nothing is sent twice at once, and an endpoint that is slow keeps one
worker's slot busy at most. A try is stored before it is made, with the time of the next one: what a worker that is
killed had sent is sent again, under the same id.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from tasks.database import patient, release
from tasks.models import AuditEvent
from tasks.webhooks import schedule, signing
from tasks.webhooks.address import Refused, target
from tasks.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tasks.webhooks.sending import Answer, post

State = WebhookDelivery.State

SLICE_SECONDS = 10.0  # after which another endpoint gets the slot
RESEND_SECONDS = 30  # a message that has not led to a claim after so long is taken for lost
AWAY = 3  # tries in a row that an endpoint must have refused to count as having been away
GONE = 410
SHARE = 4  # endpoints of one customer that are sent to at once: hanging servers of one hold up no other
_CLAIM = """
UPDATE tasks_webhookendpoint mine
SET lease_epoch = lease_epoch + 1, sent_at = NULL, lease_until = statement_timestamp() + make_interval(secs => %s)
FROM clusters_accesskey owner
WHERE mine.id = %s AND owner.id = mine.access_key_id AND mine.active
AND (lease_until IS NULL OR lease_until < statement_timestamp())
AND (rest_until IS NULL OR rest_until <= statement_timestamp())
AND %s > (
    SELECT count(*) FROM tasks_webhookendpoint other
    JOIN clusters_accesskey its ON its.id = other.access_key_id
    WHERE its.customer_id = owner.customer_id AND other.lease_until > statement_timestamp()
)
RETURNING lease_epoch
"""
OFF = "The endpoint is switched off."
LOST = "The worker was lost; whether it arrived is not known."
NO_KEY = "The access key that made it is revoked; change the webhook with another one."


@dataclass
class Try:
    """A try that is about to be made: by whom it may be recorded, and all that sending needs."""

    endpoint: WebhookEndpoint
    attempt: WebhookAttempt
    now: datetime  # by the database's clock
    begun: float  # by the monotonic clock, before the lease was renewed


def lease_seconds() -> float:
    """For how long an endpoint is held without news; a try takes a third of it at most."""
    return 3 * settings.WEBHOOK_TIMEOUT


def deliver(endpoint_id: UUID, stopping: threading.Event) -> bool:
    """Send what is due to the endpoint for one slice: whether more is due now."""
    epoch = claim(endpoint_id)
    if epoch is None:
        return False
    until = time.monotonic() + SLICE_SECONDS
    try:
        while time.monotonic() < until and not stopping.is_set():
            begun = begin(endpoint_id, epoch)
            if begun is None:
                return False
            release()
            answer = send(begun)
            if answer is None or not end(begun, epoch, answer):
                return False
        return True
    finally:
        _give_back(endpoint_id, epoch)


@patient
def due() -> list[UUID]:
    """Endpoints with something to send that nobody sends. Whoever gets one has it alone for a while.

    What was on its way to endpoints that were switched off meanwhile is ended.
    """
    _close(WebhookDelivery.objects.filter(endpoint__active=False), OFF)
    pending = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state=State.PENDING, due_at__lte=Now())
    with transaction.atomic():
        rows = WebhookEndpoint.objects.filter(
            Exists(pending),
            Q(lease_until=None) | Q(lease_until__lt=Now()),
            Q(rest_until=None) | Q(rest_until__lte=Now()),
            Q(sent_at=None) | Q(sent_at__lt=Now() - timedelta(seconds=RESEND_SECONDS)),
            active=True,
        ).select_for_update(skip_locked=True, no_key=True, of=("self",))
        found = list(rows.values_list("pk", flat=True))
        WebhookEndpoint.objects.filter(pk__in=found).update(sent_at=Now())
    return found


@patient
def claim(endpoint_id: UUID) -> int | None:
    """Take the endpoint's lease: its epoch, or None where another has it, it rests, or its customer has enough."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [lease_seconds(), endpoint_id, SHARE])
        row = cursor.fetchone()
    if row is None:
        # So that it is not taken for one whose message is under way.
        WebhookEndpoint.objects.filter(pk=endpoint_id).update(sent_at=None)
        return None
    epoch: int = row[0]
    return epoch


@patient
def begin(endpoint_id: UUID, epoch: int) -> Try | None:
    """Renew the lease and store the next try; None where the lease is lost or nothing is due."""
    began = time.monotonic()
    with transaction.atomic():
        mine = WebhookEndpoint.objects.select_for_update(no_key=True, of=("self",)).select_related("access_key")
        endpoint = mine.defer("access_key__value").filter(pk=endpoint_id, lease_epoch=epoch, active=True).first()
        if endpoint is None or endpoint.lease_until is None:
            return None
        now = _now()
        if not endpoint.access_key.active:
            _close(endpoint.deliveries.all(), NO_KEY)
            return None
        # Of a try that was never ended the worker was lost.
        unknown = WebhookAttempt.objects.filter(delivery__endpoint=endpoint, finished_at=None)
        unknown.update(finished_at=Now(), error=LOST)
        _close(endpoint.deliveries.filter(due_at__lte=Now(), tries__gt=len(settings.WEBHOOK_RETRIES)), LOST)
        pending = endpoint.deliveries.filter(state=State.PENDING, due_at__lte=Now()).order_by("pk")
        delivery = pending.select_related("event").select_for_update(no_key=True, of=("self",)).first()
        if delivery is None:
            return None
        delivery.tries += 1
        delivery.attempts_made += 1
        delivery.due_at = now + timedelta(seconds=_pause(delivery) or lease_seconds())
        delivery.save(update_fields=["tries", "attempts_made", "due_at"])
        attempt = WebhookAttempt.objects.create(delivery=delivery, number=delivery.attempts_made)
        held = WebhookEndpoint.objects.filter(pk=endpoint_id)
        held.update(lease_until=Now() + timedelta(seconds=lease_seconds()))
        return Try(endpoint, attempt, now, began)


def send(one: Try) -> Answer | None:
    """Make the try; None where this worker stood still for so long that another one may be making it."""
    endpoint, event = one.endpoint, one.attempt.delivery.event
    using = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and endpoint.old_secret_until > one.now:
        using.append(endpoint.old_secret)
    headers = signing.signed(event.message, one.now, event.body, using)
    seconds = settings.WEBHOOK_TIMEOUT
    if time.monotonic() - one.begun > lease_seconds() - 2 * seconds:
        return None
    try:
        where = target(endpoint.url)
    except Refused as error:  # the rules have become stricter since it was stored
        return Answer(0.0, error=f"{error.message} {error.fix}")
    return post(where, headers, event.body, seconds=seconds, allowed=settings.WEBHOOK_ALLOW_PRIVATE)


@patient
def end(one: Try, epoch: int, answer: Answer) -> bool:
    """Record what became of the try: whether the endpoint takes more."""
    with transaction.atomic():
        rows = WebhookEndpoint.objects.select_for_update(no_key=True).defer("secret", "old_secret")
        endpoint = rows.filter(pk=one.endpoint.pk, lease_epoch=epoch).first()
        delivery = WebhookDelivery.objects.select_for_update(no_key=True).filter(pk=one.attempt.delivery_id).first()
        if endpoint is None or delivery is None:
            return False
        now = _now()
        open_ = WebhookAttempt.objects.filter(pk=one.attempt.pk, finished_at=None)
        told = {"seconds": answer.seconds, "status": answer.status, "error": answer.error[:500]}
        if not open_.update(finished_at=now, answer=answer.text, **told):
            return answer.taken
        delivery.status, delivery.error = answer.status, answer.error[:500]
        if answer.taken:
            _taken(endpoint, delivery, now)
        else:
            _refused(endpoint, delivery, answer, now)
        delivery.save(update_fields=["state", "status", "error", "due_at", "finished_at"])
        endpoint.save(
            update_fields=["active", "note", "failures", "failing_since", "delivered_at", "rest_until", "lease_until"]
        )
        if not endpoint.active:
            _close(endpoint.deliveries.all(), OFF)
        return answer.taken


def switch_off(endpoint: WebhookEndpoint, note: str) -> None:
    """The service sends no more to it, unsaved, and says why."""
    endpoint.active, endpoint.note = False, note[:300]
    AuditEvent.objects.create(
        actor="service",
        action="webhook.switched-off",
        detail={"webhook": str(endpoint.pk), "to": endpoint.origin, "note": endpoint.note},
    )


def _taken(endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime) -> None:
    delivery.state, delivery.finished_at = State.SUCCEEDED, now
    if endpoint.failures >= AWAY:
        # It is back: what has been waiting for hours goes now.
        endpoint.deliveries.filter(state=State.PENDING, due_at__gt=now).update(due_at=now)
    endpoint.failures, endpoint.failing_since, endpoint.rest_until, endpoint.delivered_at = 0, None, None, now


def _refused(endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: Answer, now: datetime) -> None:
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    rest = schedule.rest(endpoint.failures, settings.WEBHOOK_RETRIES)
    if asked := schedule.asked_pause(answer.retry_after, now):
        rest = max(rest, asked)
        delivery.due_at = max(delivery.due_at, now + timedelta(seconds=asked))
    endpoint.rest_until = now + timedelta(seconds=rest)
    if answer.status == GONE:
        delivery.state, delivery.finished_at = State.FAILED, now
        switch_off(endpoint, "It answered 410 Gone: it wants no more.")
    elif _pause(delivery) is None:
        delivery.state, delivery.finished_at = State.FAILED, now
        days = settings.WEBHOOK_GIVE_UP_DAYS
        if now - endpoint.failing_since >= timedelta(days=days):
            since = f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
            switch_off(endpoint, f"It has taken nothing since {since}. Last: {answer.error}")


def _pause(delivery: WebhookDelivery) -> float | None:
    return schedule.pause(delivery.tries, settings.WEBHOOK_RETRIES, random.random())  # noqa: S311 - no secret


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def _close(deliveries: QuerySet[WebhookDelivery], why: str) -> None:
    """End those of `deliveries` that are on their way."""
    deliveries.filter(state=State.PENDING).update(state=State.FAILED, error=why, finished_at=Now())


def _give_back(endpoint_id: UUID, epoch: int) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint_id, lease_epoch=epoch).update(lease_until=None)
