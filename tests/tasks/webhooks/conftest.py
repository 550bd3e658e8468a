"""Fixtures: receivers on loopback, endpoints that lead to them, and a cluster whose changes are told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from threading import Event
from typing import Any

import pytest
from django.conf import LazySettings

from clusters.models import AccessKey, Cluster, Customer
from tasks.webhooks import delivery, endpoints, outbox
from tasks.webhooks.models import WebhookEndpoint
from tests.tasks.webhooks.receiver import Receiver, receiving

LOOPBACK = [ip_network("127.0.0.0/8")]
_names = itertools.count(1)
Endpoint = Callable[..., WebhookEndpoint]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(autouse=True)
def _allowed(settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    settings.WEBHOOK_TIMEOUT = 60.0
    settings.WEBHOOK_RETRIES = [300.0, 600.0, 900.0, 1200.0]


@pytest.fixture
def cluster(db: None) -> Cluster:
    key = AccessKey.objects.issue(Customer.objects.create(name=f"customer {next(_names)}"))[0]
    return Cluster.objects.create(access_key=key, name="c1")


@pytest.fixture
def endpoint(cluster: Cluster, receiver: Receiver) -> Endpoint:
    def make(**fields: Any) -> WebhookEndpoint:
        return endpoints.create(cluster.access_key, {"url": receiver.url, **fields}, actor="test")

    return make


def happens(cluster: Cluster, name: str = "coredns") -> None:
    """A component's health changes."""
    outbox.health_changed(cluster.pk, "component", datetime.now(UTC), name, "healthy", "degraded", "why")


def turn(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """A worker's turn, at once, however long the endpoint was to be left alone; the endpoint as it is then."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(rest_until=None)
    while delivery.deliver(endpoint.pk, Event()):
        pass
    endpoint.refresh_from_db()
    return endpoint
