"""The leases of one process, held together."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.db.models.functions import Now
from psycopg_pool import PoolTimeout

from clusters.models import AccessKey, Cluster
from tasks import engine
from tasks.driver import holding
from tasks.driver.holding import Hold
from tasks.models import Step
from tests.tasks.engine.making import claim, create
from tests.workers import until

STOP = threading.Event()
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    monkeypatch.setattr(holding, "ASK_SECONDS", 0.02)
    settings.LEASE_SECONDS = 0.4


@pytest.fixture
def cluster(access_key: AccessKey) -> Cluster:
    return Cluster.objects.create(access_key=access_key, name="without-hosts")


def test_leases_are_renewed_and_a_cancel_is_heard(cluster: Cluster) -> None:
    first, second = create(cluster), create(cluster, mutating=False)
    for operation in (first, second):
        engine.advance(operation.pk)
    began = time.monotonic()
    leases, stop = [claim(first), claim(second)], threading.Event()
    with holding.holding(leases[0], began, STOP) as one, holding.holding(leases[1], began, stop) as two:
        leased = Step.objects.filter(pk__in=[lease.step.pk for lease in leases]).values_list("lease_until", flat=True)
        ends = max(leased)
        until(lambda: min(leased.all()) > ends)
        assert one.sure and two.sure
        engine.request_cancel(first.pk)
        assert one.news.wait(20) and one.cancelling
        assert not two.cancelling and not two.lost and not two.news.is_set()
        stop.set()
        assert two.news.wait(20)


def test_leases_are_renewed_while_all_other_connections_are_in_use(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    leased = Step.objects.filter(pk=lease.step.pk).values_list("lease_until", flat=True)

    def renewed() -> bool:
        return leased.get() > first

    with holding.holding(lease, time.monotonic(), STOP):
        first = leased.get()
        until(renewed)
        pool, taken = connection.pool, []  # type: ignore[attr-defined]
        try:
            with pytest.raises(PoolTimeout):
                while True:
                    taken.append(pool.getconn(timeout=0.5))
            first = leased.get()
            until(renewed)
        finally:
            for one in taken:
                pool.putconn(one)
    assert taken


def test_a_lease_that_another_has_taken_is_lost(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    Step.objects.update(lease_until=Now() - timedelta(seconds=1), lease_epoch=lease.epoch + 1)
    with holding.holding(lease, 0, STOP) as held:
        assert held.news.wait(20) and held.lost
        assert not held.sure


def test_who_stood_still_is_not_sure(cluster: Cluster) -> None:
    operation = create(cluster)
    engine.advance(operation.pk)
    lease = claim(operation)
    assert Hold(lease, time.monotonic(), STOP).sure
    assert not Hold(lease, time.monotonic() - settings.LEASE_SECONDS, STOP).sure
