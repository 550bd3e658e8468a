"""The log store: bounded per job, both ends kept, and pruned with age."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, Q
from django.db.models.functions import Now

from clusters.models import HealthEvent, IdempotentRequest
from tasks.models import ACTIVE, Event, HostJob, LogChunk, Operation
from tasks.webhooks.models import WebhookDelivery, WebhookEvent

BATCH = 5000  # rows a statement, so that no lock lasts long
CHECKS = 8  # how often within its limit a log's length is looked at


def trim(job: HostJob, coming: int) -> None:
    """Leave out the middle of a log that is to grow by `coming` bytes beyond its limit.

    What is left out becomes one chunk that says so, with the bytes' place and number, so offsets stay true.
    """
    limit = settings.LOG_LIMIT_BYTES
    stride = max(1, limit // CHECKS)
    if job.offset + coming <= limit or job.offset // stride == (job.offset + coming) // stride:
        return
    middle = LogChunk.objects.filter(job=job, offset__gte=limit // 2, offset__lt=job.offset - limit // 2)
    rows = list(middle.order_by("offset").values_list("pk", "offset", "size"))
    if len(rows) < 2:
        return
    first, begin, _ = rows[0]
    size = sum(size for _, _, size in rows)
    text = f"\n[{size} bytes from byte {begin} on were left out: this log is longer than {limit} bytes]\n"
    LogChunk.objects.filter(pk=first).update(size=size, text=text)
    LogChunk.objects.filter(pk__in=[pk for pk, _, _ in rows[1:]]).delete()


def prune(*, log_days: float, health_days: float, webhook_days: float) -> dict[str, int]:
    """Delete what is older than it need be: rows deleted, by kind.

    Logs and events go `log_days` after their operation's end; operations, steps, errors and the audit stay. Of
    webhooks an event goes with its deliveries, but not before they have ended.
    """
    old = Operation.objects.exclude(state__in=ACTIVE).filter(finished_at__lt=Now() - timedelta(days=log_days))
    done = Q(operation__in=old.values("pk"))
    return {
        "log chunks": _delete(LogChunk, done),
        "events": _delete(Event, done),
        "health events": _delete(HealthEvent, Q(at__lt=Now() - timedelta(days=health_days))),
        "webhook events": _delete(WebhookEvent, _over(webhook_days)),
        "idempotent requests": _delete(IdempotentRequest, Q(created_at__lt=Now() - timedelta(hours=24))),
    }


def _delete(model: type[Model], which: Q) -> int:
    deleted = 0
    while pks := list(model._default_manager.filter(which).values_list("pk", flat=True)[:BATCH]):
        deleted += model._default_manager.filter(pk__in=pks).delete()[0]
    return deleted


def _over(days: float) -> Q:
    under_way = WebhookDelivery.objects.filter(event=OuterRef("pk"), state=WebhookDelivery.State.PENDING)
    return Q(~Exists(under_way), at__lt=Now() - timedelta(days=days))
