"""The Celery tasks: short, repeatable, and only hints. What is to be done, the engine reads from the rows."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from celery import Task, shared_task, signals
from celery.concurrency.thread import TaskPool as ThreadPool
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError

from tasks import driver, engine, queues

log = logging.getLogger(__name__)
STOPPING = threading.Event()
SWITCH_SECONDS = 0.1
CONNECTIONS, CONNECTION_SECONDS = 8, 60.0


@signals.worker_init.connect
def _share_connections(**_: Any) -> None:
    # Hundreds of slices need the database for milliseconds each. Few that use it and many that wait in line are
    # faster than many at once, and whoever fails for want of a connection only has to begin anew.
    pool = connection.settings_dict["OPTIONS"]["pool"]
    pool.update(max_size=min(pool["max_size"], CONNECTIONS), timeout=CONNECTION_SECONDS)


@signals.worker_shutting_down.connect
def _stop_slices(**_: Any) -> None:
    STOPPING.set()


@signals.worker_ready.connect
def _know_slots(sender: Any, **_: Any) -> None:
    # Only threads share a process; a slice in a process of its own has the one slot there is.
    if isinstance(sender.pool, ThreadPool):
        driver.Slots.limit = sender.pool.limit
        # Hundreds of threads that ask for the interpreter every 5 ms spend half of all time on asking. They get it
        # soon enough: whoever has it lets go of it at each statement's and each command's wait.
        sys.setswitchinterval(SWITCH_SECONDS)
        # What the worker is made of stays; to look through it again and again costs as much as some of the work.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)


@signals.before_task_publish.connect
def _note_time(headers: dict[str, Any], **_: Any) -> None:
    # Else nobody could tell how long a message has been waiting.
    headers["sent_at"] = time.time()


@shared_task
def advance(operation_id: str) -> None:
    """Move an operation on, and have its ready steps driven."""
    move_on(UUID(operation_id))


@shared_task
def drive(step_id: int) -> None:
    """Drive a step for one slice."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"
    claimed = time.monotonic()
    lease = engine.claim(step_id, owner)
    if lease is None:
        return
    what = driver.drive(lease, STOPPING, claimed)
    if what == "again":
        send_steps([step_id])
    elif what == "advance":
        # Here, not by a message: it would wait behind others, for less work than itself is.
        move_on(lease.operation.pk)


@shared_task
def reconcile() -> None:
    """Send again whatever nothing moves: lost messages, expired leases, due retries."""
    for overdue in engine.end_overdue():
        send_cancel(overdue, engine.cancelling_steps(overdue))
    operations, steps = engine.reconcile(queues.longest_wait())
    for operation in operations:
        send(advance, str(operation))
    send_steps(steps)


@shared_task
def check_clusters() -> None:
    """Have every installed cluster's health read."""
    from tasks import health

    for cluster_id in health.clusters_to_check():
        send(check_cluster, str(cluster_id))


@shared_task
def check_cluster(cluster_id: str) -> None:
    """Read one cluster's health."""
    from tasks import health

    health.check_cluster(UUID(cluster_id))


@shared_task
def check_certificates() -> None:
    """Have certificates read whose last reading is old."""
    from tasks import certificates

    for cluster_id in certificates.clusters_due():
        send(read_certificates, str(cluster_id))


@shared_task
def read_certificates(cluster_id: str) -> None:
    """Read one cluster's certificates."""
    from tasks import certificates

    certificates.check(UUID(cluster_id))


@shared_task
def upkeep() -> None:
    """Ask for the operations that come round by themselves, and say where backups are missing."""
    from tasks import upkeep

    upkeep.judge_backups(upkeep.begin())


@shared_task
def send_webhooks() -> None:
    """Have sent what is due to customers' servers."""
    from tasks.webhooks import delivery

    for endpoint_id in delivery.due():
        send(deliver, str(endpoint_id))


@shared_task
def deliver(endpoint_id: str) -> None:
    """Send to one endpoint for one slice."""
    from tasks.webhooks import delivery

    if delivery.deliver(UUID(endpoint_id), STOPPING):
        send(deliver, endpoint_id)


@shared_task
def clear_hosts() -> None:
    """Clear hosts of what ended jobs have left there."""
    while not STOPPING.is_set() and (ended := engine.remains()):
        driver.clear(ended)


@shared_task
def prune() -> None:
    """Delete what is older than it need be."""
    deleted = engine.prune(
        log_days=settings.LOG_DAYS, health_days=settings.HEALTH_DAYS, webhook_days=settings.WEBHOOK_DAYS
    )
    log.info("pruned: %s", deleted)


def move_on(operation_id: UUID) -> None:
    """Advance the operation, and have driven what is to be driven now. Should it fail, the reconciler does it."""
    steps = engine.advance(operation_id)
    send_steps(steps)
    if not steps and (cluster := engine.changed_cluster(operation_id)):
        send(check_cluster, str(cluster))


def send_cancel(operation_id: UUID, steps: Iterable[int]) -> None:
    """Have a cancelled operation's running steps ended, before other work."""
    for step in steps:
        send(drive, step, priority=0)
    send(advance, str(operation_id), priority=0)


def send_steps(steps: Sequence[int]) -> None:
    """Have steps driven, so that no customer's many hold up another's few."""
    for step, priority in engine.priorities(steps) if steps else ():
        send(drive, step, priority)


def send(task: Task, argument: Any, priority: int = 5) -> None:
    """Send a message; without a broker it is left to the reconciler. Redis serves priority 0 first."""
    try:
        task.apply_async((argument,), priority=priority)
    except OperationalError as error:
        log.warning("the broker does not take %s(%s): %s; it is sent again later", task.name, argument, error)
