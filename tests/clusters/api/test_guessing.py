"""Wrong access keys are held up by address and by key; a right one from elsewhere never is."""

from __future__ import annotations

import hmac
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.test import RequestFactory, override_settings

from clusters.api import authentication, throttling
from clusters.api.authentication import key_of
from clusters.api.guessing import _network
from clusters.api.problems import Problem
from clusters.api.sources import source_of
from clusters.secrets import new_access_key
from tests.api import Api, customer_api, problem, register

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
MOST = 3


@pytest.fixture(autouse=True)
def _few(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WRONG_KEYS = MOST
    # Another test may have left the cache alone.
    monkeypatch.setattr(throttling._Breaker, "until", 0.0)


def wrong(api: Api, number: int = 0) -> str:
    """Another value of the same prefix."""
    return f"{api.value[:-6]}{number:06}"


def tried(value: str, address: str) -> str:
    """How a try ends: `ok`, or the problem's slug."""
    try:
        key_of(f"Bearer {value}", address)
    except Problem as error:
        if error.kind.slug == "throttled":
            assert 1 <= int(error.headers["Retry-After"]) <= 301
        return error.kind.slug
    return "ok"


def test_an_address_is_held_up_and_others_are_not(api: Api) -> None:
    other = customer_api()
    assert tried(other.value, "192.0.2.1") == "ok"
    results = [tried(new_access_key()[1], "192.0.2.1") for _ in range(MOST + 2)]
    assert results == ["not-authenticated"] * MOST + ["throttled"] * 2
    assert tried(api.value, "192.0.2.1") == "throttled"
    # A right key that was used from there before is another client's behind the same address.
    assert tried(other.value, "192.0.2.1") == "ok"
    assert tried(api.value, "192.0.2.2") == "ok"
    answers = [Api(new_access_key()[1]).get("whoami") for _ in range(MOST + 1)]
    assert problem(answers[-1], 429, "throttled")["hint"] and int(answers[-1]["Retry-After"]) > 0


def test_a_key_that_is_hunted_from_many_addresses(api: Api) -> None:
    hunted = [tried(wrong(api, number), f"192.0.2.{number}") for number in range(MOST)]
    assert hunted == ["not-authenticated"] * MOST
    # From now on each address has one try for it, and the right one is let in from any other.
    assert [tried(wrong(api, 9), "192.0.2.99") for _ in range(2)] == ["not-authenticated", "throttled"]
    assert tried(api.value, "192.0.2.99") == "throttled"
    assert tried(api.value, "198.51.100.7") == "ok"
    # From where it is known, mistakes are its own.
    ours = [tried(wrong(api, number), "198.51.100.7") for number in range(MOST + 1)]
    assert ours == ["not-authenticated"] * MOST + ["throttled"]


def test_handing_over_is_no_way_to_guess(api: Api) -> None:
    path = f"clusters/{register(api).pk}/access-key"
    answers = [api.post(path, {"access_key": wrong(customer_api(), n)}).status_code for n in range(MOST + 1)]
    assert answers == [400] * MOST + [429]


def test_without_a_cache_or_a_limit_nobody_is_held_up(
    api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    with override_settings(CACHES=nowhere):
        assert {tried(new_access_key()[1], "192.0.2.1") for _ in range(2 * MOST)} == {"not-authenticated"}
        assert tried(api.value, "192.0.2.1") == "ok"
    assert "the cache does not answer" in caplog.text
    monkeypatch.setattr(throttling._Breaker, "until", 0.0)
    cache.clear()
    settings.WRONG_KEYS = 0
    assert {tried(new_access_key()[1], "192.0.2.1") for _ in range(2 * MOST)} == {"not-authenticated"}


def test_hashes_are_compared_in_constant_time_whether_the_key_is_there_or_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(authentication, "hmac", SimpleNamespace(compare_digest=compare))
    for value in (api.value, wrong(api), new_access_key()[1], "no key"):
        tried(value, "192.0.2.1")
    assert compared == [(64, 64)] * 4


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.66, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.66, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (2, "", "192.0.2.1"),
        (1, " , ", "192.0.2.1"),
    ],
)
def test_only_what_trusted_proxies_add_says_where_a_request_came_from(
    settings: Any, proxies: int, told: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=told)
    assert source_of(request) == address


def test_what_counts_as_one_address() -> None:
    assert _network("2001:db8:1:2:3::4") == _network("2001:db8:1:2:ffff::1") != _network("2001:db8:1:3::1")
    assert _network("::ffff:192.0.2.1") == _network("192.0.2.1") == "192.0.2.1"
    assert _network("unix:") == _network("") == "elsewhere"
