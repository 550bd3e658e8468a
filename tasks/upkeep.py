"""Operations that the service asks for itself, when they come round for a cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, Q
from django.utils import timezone

from clusters.models import Cluster
from tasks import engine, health, services
from tasks.models import ACTIVE, Operation
from tasks.plan import PlanError
from tasks.rounds import AT_ONCE, due

log = logging.getLogger(__name__)
ACTOR = "schedule"


def begin() -> None:
    """Ask for what has come due: at most `AT_ONCE` operations in one turn, and one at a time of an access key."""
    begun = 0
    busy = set(
        Operation.objects.filter(requested_by=ACTOR, state__in=ACTIVE).values_list("cluster__access_key_id", flat=True)
    )
    for cluster, kind in _due(timezone.now()):
        if begun == AT_ONCE:
            return
        if cluster.access_key_id in busy:
            continue
        try:
            services.request_operation(cluster, kind, {}, actor=ACTOR)
        except (engine.Busy, services.LimitReached, PlanError) as error:
            log.info("cluster %s: %s is due and has to wait: %s", cluster.pk, kind, error)
            continue
        busy.add(cluster.access_key_id)
        begun += 1


def _due(now: datetime) -> Iterator[tuple[Cluster, str]]:
    """Clusters and the kind that is due for them, those that waited longest first."""
    rows = (
        Cluster.objects.filter(state__in=health.FOLLOWING)
        .exclude(kubeconfig="")
        .annotate(drift_at=Max("operations__created_at", filter=Q(operations__kind="drift")))
        .order_by("drift_at", "pk")
    )
    for cluster in rows:
        if cluster.drift_hours and due(cluster.pk, cluster.drift_at, cluster.drift_hours * 3600, now):
            yield cluster, "drift"
