"""Who is let in, how often, and with what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from clusters.models import AccessKey
from tests.api import Api, customer_api, hosts, problem, register

pytestmark = pytest.mark.integration


def test_a_wrong_secret_behind_a_known_prefix(api: Api) -> None:
    wrong = api.value[:-4] + ("aaaa" if not api.value.endswith("aaaa") else "bbbb")
    problem(Api(wrong).get("whoami"), 401, "not-authenticated")


def test_whoami(api: Api) -> None:
    register(api)
    said = api.get("whoami").json()
    assert api.key is not None
    assert said["access_key"]["prefix"] == api.key.prefix
    assert said["customer"] == {"name": api.key.customer.name}
    assert said["limits"] == {"clusters": 20, "hosts_per_cluster": 200, "operations": 10}
    assert said["usage"] == {"clusters": 1, "operations": 0}
    assert said["version"]
    assert api.value not in str(said)


def test_the_last_use_is_noted_once_a_minute(api: Api) -> None:
    def noted() -> Any:
        return AccessKey.objects.get().last_used_at

    api.get("whoami")
    first = noted()
    assert first is not None
    api.get("whoami")
    assert noted() == first
    AccessKey.objects.update(last_used_at=first - timedelta(minutes=2))
    api.get("whoami")
    assert noted() >= first


def test_too_many_requests_wait(api: Api, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"access-key": "3/min"}}
    answers = [api.get("whoami") for _ in range(7)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    # The count begins anew with each minute, so seven requests cannot all pass.
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert problem(refused, 429, "throttled")["hint"]
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert customer_api().get("whoami").status_code == 200


def test_without_a_cache_requests_pass(api: Api) -> None:
    nowhere = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    with override_settings(CACHES=nowhere):
        assert api.get("whoami").status_code == 200
        assert api.post("clusters", {"name": "demo", "hosts": hosts()}).status_code == 201


@pytest.mark.parametrize(
    ("sent", "status", "slug"),
    [
        (b"{", 400, "invalid"),
        (b'{"name": "\xff"}', 400, "invalid"),
        (b'{"name": "a\\u0000b"}', 400, "invalid"),
        (b'{"name": "\\ud800"}', 400, "invalid"),
        (b"[" * 100_000, 400, "invalid"),
        (b'{"name": NaN}', 400, "invalid"),
        (b"[]", 400, "invalid"),
        (b'{"name": ' + b"1" * 5000 + b"}", 400, "invalid"),
        (b'{"name": 1e999}', 400, "invalid"),
        (b'"' + b"x" * (2 * 1024 * 1024 + 1) + b'"', 413, "too-large"),
    ],
)
def test_bodies_that_are_no_json(api: Api, sent: bytes, status: int, slug: str) -> None:
    for headers in ({}, {"Idempotency-Key": "k"}):
        answer = api._client.post(
            "/api/v1/clusters",
            data=sent,
            content_type="application/json",
            headers={"Authorization": f"Bearer {api.value}", **headers},
        )
        assert problem(answer, status, slug)["detail"]


def test_addresses_that_are_none(api: Api) -> None:
    for path in ("nothing", "clusters/1", "clusters/../x", "clusters/%00", "operations/x", "clusters/"):
        problem(api.get(path), 404, "not-found")
    problem(api.get("/api/v2/clusters"), 404, "not-found")
    problem(api.delete("clusters"), 405, "method-not-allowed")
    cluster = register(api)
    problem(api.get(f"clusters/{cluster.pk}/nodes/%00"), 404, "not-found")
    problem(api.get("clusters?name=%00"), 400, "invalid")
