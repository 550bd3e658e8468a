"""Probes and figures."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tasks import queues
from tests.api import Api, customer_api, problem, register

pytestmark = pytest.mark.integration


def test_alive_without_anything() -> None:
    assert Client().get("/livez").json() == {"status": "ok"}


def test_ready_when_all_is_there(db: None) -> None:
    answer = Client().get("/readyz")
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "broker": "ok"}}
    problem(Api("").get("/api/v2/"), 404, "not-found")


def test_not_ready_without_the_broker(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis.from_url("redis://127.0.0.1:1/0")
    monkeypatch.setattr(queues, "broker", lambda: nowhere)
    said = problem(Client().get("/readyz"), 503, "unavailable")
    assert said["checks"]["broker"] == "does not answer"
    assert said["checks"]["database"] == "ok"
    assert Client().get("/metrics").status_code == 200


def test_not_ready_before_the_migrations(db: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="tasks").delete()
    said = problem(Client().get("/readyz"), 503, "unavailable")
    assert "manage.py migrate" in said["checks"]["migrations"]


def test_figures(db: None) -> None:
    register(customer_api())
    text = Client().get("/metrics").content.decode()
    assert 'sanqian_clusters{state="registered"} 1.0' in text
    assert 'sanqian_queue_length{queue="provision"}' in text
    assert "sanqian_lease_overdue_seconds 0.0" in text


def test_only_reading(db: None) -> None:
    answer: Any = Client().post("/livez")
    assert answer.status_code == 405
