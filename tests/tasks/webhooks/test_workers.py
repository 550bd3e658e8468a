"""Webhooks sent by real workers: slow servers hold up nobody else, and what a killed worker had sent is sent again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from clusters.models import Cluster
from tasks.database import with_own_connection
from tasks.webhooks import delivery, endpoints
from tasks.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests.tasks.webhooks.conftest import Endpoint, happens
from tests.tasks.webhooks.receiver import Receiver, receiving
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration
State = WebhookDelivery.State


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    made = Fleet(
        SANQIAN_WEBHOOK_ALLOW_PRIVATE="127.0.0.0/8",
        SANQIAN_WEBHOOK_TIMEOUT="5",
        SANQIAN_WEBHOOK_RETRIES=",".join(["1"] * 9),
        SANQIAN_WEBHOOK_SECONDS="1",
    )
    yield made
    made.stop()


def test_deleting_an_endpoint_waits_for_a_change_that_tells_it(
    transactional_db: None, cluster: Cluster, endpoint: Endpoint
) -> None:
    one = endpoint()
    deleting = threading.Thread(
        target=with_own_connection(lambda row: endpoints.delete(row, actor="test")), args=(one,)
    )

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            return cursor.fetchone() is not None

    with transaction.atomic():
        happens(cluster)
        deleting.start()
        until(waits, what="deleting waits")
    deleting.join(60)
    assert not deleting.is_alive()
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()
    assert WebhookEvent.objects.exists()


def test_a_server_that_hangs_holds_up_nobody_and_a_killed_worker_loses_nothing(
    fleet: Fleet, cluster: Cluster, endpoint: Endpoint, receiver: Receiver
) -> None:
    let_go = threading.Event()
    receiver.wait = lambda _: let_go.wait(60)
    slow = endpoint()
    with receiving() as other:
        quick = endpoint(url=other.url)
        first = fleet.worker(2)
        for name in ("one", "two", "three"):
            happens(cluster, name)
        taken = WebhookDelivery.objects.filter(state=State.SUCCEEDED)
        until(lambda: taken.filter(endpoint=quick).count() == 3 and receiver.requests, what=fleet.log())
        assert [request.json["data"]["name"] for request in other.requests] == ["one", "two", "three"]
        assert len(receiver.requests) == 1
        # Between sending and recording.
        first.send_signal(signal.SIGKILL)
        first.wait()
        let_go.set()
        fleet.worker(2)
        fleet.beat()
        until(lambda: taken.filter(endpoint=slow).count() == 3, 120, fleet.log())
        ids = [request.headers["webhook-id"] for request in receiver.requests]
        assert ids.count(ids[0]) >= 2
        assert len(set(ids)) == 3
        lost = WebhookAttempt.objects.get(delivery__endpoint=slow, error=delivery.LOST)
        assert lost.delivery.event.message == ids[0]
        assert WebhookAttempt.objects.filter(delivery__endpoint=quick).count() == 3
