"""Wrong passwords of operators are held up, in the admin and over REST together."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from clusters.api import throttling
from tests.api import problem
from tests.tasks.api.test_fleet import URL, basic

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
MOST, WORD, HERE, THERE = 3, "long enough for this", "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def _few(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WRONG_PASSWORDS = MOST
    cache.clear()
    # Another test may have left the cache alone.
    monkeypatch.setattr(throttling._Breaker, "until", 0.0)
    for name in ("op", "other"):
        User.objects.create_superuser(name, password=WORD)


def tried(word: str, address: str, name: str = "op", **more: str) -> str:
    """How a login in the admin ends: `in`, `wrong`, or `wait`."""
    answer = Client(REMOTE_ADDR=address, **more).post("/admin/login/", {"username": name, "password": word})
    if answer.status_code == 302:
        return "in"
    return "wait" if "Too many wrong passwords" in answer.content.decode() else "wrong"


def test_an_address_is_held_up_and_others_are_not(caplog: pytest.LogCaptureFixture) -> None:
    assert tried(WORD, HERE, "other") == "in"
    assert [tried("guess", HERE) for _ in range(MOST + 1)] == ["wrong"] * MOST + ["wait"]
    assert tried(WORD, HERE) == "wait"
    # Who was let in from there before is let in, and so is anybody from elsewhere.
    assert tried(WORD, HERE, "other") == tried(WORD, THERE) == "in"
    said = problem(Client(REMOTE_ADDR=HERE).get(URL, headers=basic("op", WORD)), 429, "throttled")
    assert "Wait" in said["hint"]
    held = [line for line in caplog.messages if "guessing is held up" in line]
    assert len(held) == 1 and HERE in held[0] and "'op'" not in held[0]


def test_guesses_over_rest_count_too(settings: Any) -> None:
    for _ in range(MOST):
        problem(Client(REMOTE_ADDR=HERE).get(URL, headers=basic("op", "guess")), 401, "not-authenticated")
    answer = Client(REMOTE_ADDR=HERE).get(URL, headers=basic("op", WORD))
    problem(answer, 429, "throttled")
    assert 1 <= int(answer["Retry-After"]) <= 301
    assert tried(WORD, HERE) == "wait"
    # A name that is hunted from many addresses: one try from each, and the right word from any other.
    assert [tried("guess", THERE) for _ in range(2)] == ["wrong", "wait"]
    assert tried(WORD, "198.51.100.7") == "in"
    settings.WRONG_PASSWORDS = 0
    assert tried(WORD, HERE) == "in"


def test_behind_a_proxy_it_is_the_clients_address(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    guesser, other = ({"HTTP_X_FORWARDED_FOR": one} for one in ("1.1.1.1, 203.0.113.9", "1.1.1.1, 203.0.113.10"))
    assert [tried("guess", HERE, **guesser) for _ in range(MOST + 1)] == ["wrong"] * MOST + ["wait"]
    assert tried(WORD, HERE, **other) == "in"
