"""A POST repeated with the same key is carried out once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from clusters import registry
from clusters.models import Cluster, IdempotentRequest
from tests.api import Api, customer_api, hosts, problem

pytestmark = pytest.mark.integration
BODY = {"name": "demo", "hosts": hosts()}


def test_a_repeat_gets_the_first_answer(api: Api) -> None:
    first = api.post("clusters", BODY, Idempotency_Key="k1")
    again = api.post("clusters", BODY, Idempotency_Key="k1")
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Cluster.objects.count() == 1


def test_another_body_is_refused(api: Api) -> None:
    api.post("clusters", BODY, Idempotency_Key="k1")
    problem(api.post("clusters", {**BODY, "name": "x"}, Idempotency_Key="k1"), 422, "idempotency-mismatch")
    assert customer_api().post("clusters", {**BODY, "name": "x"}, Idempotency_Key="k1").status_code == 201


def test_a_refused_request_may_be_corrected(api: Api) -> None:
    problem(api.post("clusters", {**BODY, "name": "Not good"}, Idempotency_Key="k1"), 400, "invalid")
    assert not IdempotentRequest.objects.exists()
    assert api.post("clusters", BODY, Idempotency_Key="k1").status_code == 201


def test_after_a_day_the_key_is_free(api: Api) -> None:
    api.post("clusters", BODY, Idempotency_Key="k1")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert api.post("clusters", {**BODY, "name": "x"}, Idempotency_Key="k1").status_code == 201
    assert IdempotentRequest.objects.count() == 1


def test_the_answer_that_is_kept_has_no_secret(api: Api) -> None:
    body = {**BODY, "password": "kept-nowhere"}
    api.post("clusters", body, Idempotency_Key="k1")
    kept = IdempotentRequest.objects.get()
    assert "kept-nowhere" not in f"{kept.body}{kept.headers}{kept.fingerprint}"


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
def test_a_key_that_is_none(api: Api, key: str) -> None:
    problem(api.post("clusters", BODY, Idempotency_Key=key), 400, "invalid")


@pytest.mark.django_db(transaction=True)
def test_a_repeat_during_the_first_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    api = customer_api()
    inside, let_go = threading.Event(), threading.Event()
    create: Callable[..., Cluster] = registry.create

    def slowly(*args: Any, **kwargs: Any) -> Cluster:
        inside.set()
        assert let_go.wait(30)
        return create(*args, **kwargs)

    monkeypatch.setattr(registry, "create", slowly)
    answers: list[Any] = []

    def first() -> None:
        answers.append(api.post("clusters", BODY, Idempotency_Key="k1"))
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert inside.wait(30)
        answer = customer_as(api).post("clusters", BODY, Idempotency_Key="k1")
        problem(answer, 409, "idempotency-conflict")
        assert answer["Retry-After"]
    finally:
        let_go.set()
        thread.join()
    assert answers[0].status_code == 201
    assert customer_as(api).post("clusters", BODY, Idempotency_Key="k1").json() == answers[0].json()
    assert Cluster.objects.count() == 1


def customer_as(api: Api) -> Api:
    """The same customer on another connection."""
    return Api(api.value, api.key)
