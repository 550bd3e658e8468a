"""What is to be told, stored in the transaction of the change itself: neither is there without the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from tasks.models import Operation, OperationState
from tasks.webhooks import events
from tasks.webhooks.models import WebhookDelivery, WebhookEvent

# The endpoints are held against being deleted meanwhile, which would break the change itself; only deleting waits.
_WANTED = """
SELECT endpoint.id, cluster.name FROM clusters_cluster cluster
JOIN clusters_accesskey maker ON maker.customer_id = cluster.customer_id AND maker.active
JOIN tasks_webhookendpoint endpoint ON endpoint.access_key_id = maker.id AND endpoint.active
WHERE cluster.id = %s AND (endpoint.event_types = '{}' OR %s = ANY(endpoint.event_types))
FOR KEY SHARE OF endpoint
"""


def operation_changed(operation: Operation, states: Iterable[str], at: datetime) -> None:
    """The operation has come into `states`, one after the other."""
    for state in states:
        # That it waits for its retry is not told; that it goes on is.
        again = state == OperationState.QUEUED and operation.attempt > 1
        if not again and (kind := events.OF_OPERATION.get(state)):
            _tell(
                operation.cluster_id,
                kind,
                at,
                events.operation_data(
                    operation.pk, operation.kind, state, operation.attempt, operation.dry_run, operation.error
                ),
            )


def health_changed(
    cluster_id: UUID, subject: str, at: datetime, name: str, old_state: str, new_state: str, reason: str
) -> None:
    """The health of a `subject` of HealthEvent has changed."""
    _tell(cluster_id, events.OF_SUBJECT[subject], at, events.health_data(name, old_state, new_state, reason))


def put(endpoints: Iterable[UUID], kind: str, at: datetime, data: Mapping[str, Any]) -> list[WebhookDelivery]:
    """Store an event on its way to these endpoints, and have workers told of them after the commit."""
    event = WebhookEvent.objects.create(type=kind, at=at, body=events.body(kind, at, data))
    made = WebhookDelivery.objects.bulk_create(WebhookDelivery(endpoint_id=one, event=event) for one in endpoints)
    hint([one.endpoint_id for one in made])
    return made


def hint(endpoints: Iterable[UUID]) -> None:
    """After the commit, have a worker look at these endpoints. Were that lost, the beat finds them."""
    transaction.on_commit(partial(_send, [str(one) for one in endpoints]), robust=True)


def _tell(cluster_id: UUID, kind: str, at: datetime, data: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WANTED, [cluster_id, str(kind)])
        wanted = cursor.fetchall()
    if wanted:
        told = {"cluster": {"id": str(cluster_id), "name": wanted[0][1]}, **data}
        put((endpoint for endpoint, _ in wanted), str(kind), at, told)


def _send(endpoints: Iterable[str]) -> None:
    from tasks import jobs  # it imports the engine, which imports this

    for endpoint in endpoints:
        jobs.send(jobs.deliver, endpoint)
