"""Changes of health, kept as events and told to those who want to know."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from clusters.models import HealthEvent
from tasks.webhooks import outbox


def tell(changes: Iterable[HealthEvent]) -> None:
    """Store them, in the transaction of the change itself."""
    now = timezone.now()
    for one in HealthEvent.objects.bulk_create(changes):
        outbox.health_changed(one.cluster_id, one.subject, now, one.name, one.old_state, one.new_state, one.reason)
