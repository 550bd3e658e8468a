"""For the machines that watch the service: is it alive, is it ready, what are its figures. No access key needed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import redis
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from clusters.api.problems import Problem, problem_response
from clusters.database import drop_lost
from clusters.models import Cluster, Component
from tasks import queues
from tasks.models import ACTIVE, Operation, Step, StepState
from tasks.webhooks.models import WebhookDelivery

log = logging.getLogger(__name__)
DOWN = (DatabaseError, PoolTimeout, redis.RedisError, OSError)


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Requests can be served: database, migrations and broker are there."""
    checks = {name: _tried(check) for name, check in CHECKS.items()}
    if failed := {name: said for name, said in checks.items() if said != "ok"}:
        detail = "; ".join(f"{name}: {said}" for name, said in failed.items())
        problem = Problem("unavailable", detail, hint="The service's log says more.", checks=checks)
        return problem_response(problem, request.path)
    return JsonResponse({"status": "ok", "checks": checks})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus, read from the rows: they are the same whichever process answers."""
    registry = CollectorRegistry()
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Figures(Collector):
    """The service's figures at one moment."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _counted("sanqian_clusters", "Registered clusters.", ("state",), Cluster)
        yield _counted("sanqian_components", "Components on all clusters.", ("name", "state"), Component)
        yield _counted("sanqian_operations", "Operations.", ("kind", "state"), Operation)
        yield from _steps()
        yield _queues()
        yield from _webhooks()


def _counted(name: str, about: str, labels: tuple[str, ...], model: type[Model]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    rows = model._default_manager.order_by().values_list(*labels).annotate(n=Count("pk"))
    for *values, count in rows:
        family.add_metric([str(value) for value in values], count)
    return family


def _steps() -> Iterator[GaugeMetricFamily]:
    now = timezone.now()
    steps = Step.objects.filter(operation__state__in=ACTIVE, state__in=(StepState.READY, StepState.RUNNING))
    family = GaugeMetricFamily("sanqian_steps_active", "Steps that are ready or running.", labels=("state",))
    for state, count in steps.order_by().values_list("state").annotate(n=Count("pk")):
        family.add_metric([state], count)
    yield family
    oldest = steps.filter(lease_until__lt=now).aggregate(at=Min("lease_until"))["at"]
    waiting = (now - oldest).total_seconds() if oldest else 0
    yield GaugeMetricFamily("sanqian_lease_overdue_seconds", "How long the oldest expired lease is over.", waiting)


def _queues() -> GaugeMetricFamily:
    family = GaugeMetricFamily("sanqian_queue_length", "Messages waiting for a worker.", labels=("queue",))
    try:
        for one in queues.waiting():
            family.add_metric([one.queue], one.depth)
    except DOWN as error:
        log.warning("the broker's queues cannot be counted: %s", error)
    return family


def _webhooks() -> Iterator[GaugeMetricFamily]:
    pending = WebhookDelivery.objects.filter(state=WebhookDelivery.State.PENDING)
    found = pending.aggregate(n=Count("pk"), at=Min("due_at"))
    yield GaugeMetricFamily("sanqian_webhook_deliveries_pending", "Webhooks on their way.", found["n"])
    overdue = max(0.0, (timezone.now() - found["at"]).total_seconds()) if found["at"] else 0
    yield GaugeMetricFamily("sanqian_webhook_overdue_seconds", "How long the oldest could have been sent.", overdue)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} to be applied: run `manage.py migrate`" if plan else "ok"


def _ping() -> str:
    queues.broker().ping()
    return "ok"


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "migrations": _migrations, "broker": _ping}


def _tried(check: Callable[[], str]) -> str:
    """What the check says, or that it failed; the reason may name hosts and goes to the log alone."""
    try:
        return check()
    except DOWN as error:
        log.warning("not ready: %s", error)
        drop_lost()
        return "does not answer"
