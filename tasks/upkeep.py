"""Operations that the service asks for itself, when they come round for a cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Q
from django.utils import timezone

from clusters import backups
from clusters.models import Cluster, Component
from tasks import engine, health, services
from tasks.models import ACTIVE, Operation
from tasks.plan import PlanError
from tasks.rounds import AT_ONCE, due

log = logging.getLogger(__name__)
ACTOR = "schedule"


def begin() -> dict[UUID, str]:
    """Ask for what has come due: at most `AT_ONCE` operations in one turn, and one at a time of an access key.

    Why a backup was refused, by cluster: it stays due, and is asked for again in the next turn.
    """
    begun, refused = 0, dict[UUID, str]()
    busy = set(
        Operation.objects.filter(requested_by=ACTOR, state__in=ACTIVE).values_list("cluster__access_key_id", flat=True)
    )
    for cluster, kind in _due(timezone.now()):
        if begun == AT_ONCE:
            break
        if cluster.access_key_id in busy:
            continue
        try:
            services.request_operation(cluster, kind, {}, actor=ACTOR)
        except (engine.Busy, services.LimitReached, PlanError) as error:
            log.info("cluster %s: %s is due and has to wait: %s", cluster.pk, kind, error)
            if kind == "backup":
                refused[cluster.pk] = str(error)
            continue
        busy.add(cluster.access_key_id)
        begun += 1
    return refused


def judge_backups(refused: Mapping[UUID, str]) -> None:
    """Say of clusters that are to be backed up how old their newest backup is; `refused` is what `begin` gave."""
    now = timezone.now()
    Component.objects.filter(name=backups.NAME, cluster__backup_hours=0).delete()
    rows = Cluster.objects.filter(state__in=health.FOLLOWING, backup_hours__gt=0).annotate(
        newest=Max("backups__taken_at")
    )
    for cluster in rows:
        waits = refused.get(cluster.pk, "")
        health.record(cluster.pk, backups.judge(cluster.newest, cluster.backup_hours, now, waits), now)


def _due(now: datetime) -> Iterator[tuple[Cluster, str]]:
    """Clusters and the kind that is due for them, those that waited longest first."""
    rows = (
        Cluster.objects.filter(state__in=health.FOLLOWING)
        .exclude(kubeconfig="")
        .annotate(drift_at=_last("drift"), backup_at=_last("backup"))
        .order_by("drift_at", "pk")
    )
    for cluster in rows:
        if cluster.backup_hours and due(cluster.pk, cluster.backup_at, cluster.backup_hours * 3600, now):
            yield cluster, "backup"
        if cluster.drift_hours and due(cluster.pk, cluster.drift_at, cluster.drift_hours * 3600, now):
            yield cluster, "drift"


def _last(kind: str) -> Max:
    return Max("operations__created_at", filter=Q(operations__kind=kind))
