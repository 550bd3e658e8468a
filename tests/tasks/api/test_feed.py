"""What has changed, and whether anybody works: for the holder of a key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from clusters.models import HealthEvent
from tasks import serving
from tasks.models import Event, Operation
from tests.api import Api, customer_api, problem, register

pytestmark = pytest.mark.integration


def told(operation: Operation, seq: int, state: str, at: datetime, **more: Any) -> None:
    data = {"state": state, "progress": 0, "attempt": 1, "error": {}, **more}
    Event.objects.create(operation=operation, seq=seq, at=at, kind="operation", data=data)


def test_health_and_operations_of_all_clusters_in_their_order(
    api: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    one, two, others = register(api, "one"), register(api, "two"), register(customer_api(), "others")
    HealthEvent.objects.create(cluster=two, name="kruise", new_state="unhealthy", reason="why", at=now)
    HealthEvent.objects.create(cluster=others, name="kruise", new_state="unhealthy", at=now)
    HealthEvent.objects.create(cluster=one, name="loki", new_state="healthy", at=now - timedelta(hours=2))
    operation = Operation.objects.create(cluster=one, kind="install", state="failed", finished_at=now)
    fault = {"step": "kubernetes", "host": "m1", "message": "no"}
    told(operation, 1, "running", now - timedelta(seconds=30))
    told(operation, 2, "running", now - timedelta(seconds=20), progress=40)
    told(operation, 3, "failed", now - timedelta(seconds=10), error=fault)

    with django_assert_max_num_queries(6):
        answer = api.get("events").json()

    seen = [(row["cluster"]["name"], row["subject"], row["old_state"], row["new_state"]) for row in answer["results"]]
    assert seen == [
        ("one", "operation", "", "running"),
        ("one", "operation", "running", "failed"),
        ("two", "component", "", "unhealthy"),
    ]
    assert answer["results"][1]["reason"] == "kubernetes m1: no"
    assert answer["results"][1]["operation"] == str(operation.pk)
    later = api.get(f"events?since={(now - timedelta(seconds=5)).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}").json()
    assert [row["id"] for row in later["results"]] == [answer["results"][2]["id"]]
    assert len(api.get(f"events?cluster={one.pk}&limit=1").json()["results"]) == 1


def test_it_refuses_what_it_does_not_understand(api: Api) -> None:
    others = register(customer_api(), "others")
    problem(api.get("events?since=yesterday"), 400, "invalid")
    problem(api.get("events?since=2026-01-01T00:00:00"), 400, "invalid")
    problem(api.get("events?limit=none"), 400, "invalid")
    problem(api.get(f"events?cluster={others.pk}"), 404, "not-found")


def test_a_customer_sees_whether_anybody_works(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    serving.forget()
    answer = api.get("service").json()
    assert answer["broker"] is True
    assert {queue["name"]: queue["served"] for queue in answer["queues"]} == {
        "control": False,
        "provision": False,
        "health": False,
        "webhooks": False,
    }
    assert (answer["waiting"], answer["oldest_seconds"]) == (0, None)

    def away() -> dict[str, bool]:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(serving, "_ask", away)
    assert api.get("service").json()["broker"] is True  # the last answer is fresh enough
    serving.forget()
    answer = api.get("service").json()
    assert answer["broker"] is False
    assert {queue["served"] for queue in answer["queues"]} == {None}
