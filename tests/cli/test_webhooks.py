"""`3kctl webhooks` against a played service."""

from __future__ import annotations

from typing import Any

import pytest

from cli.commands import webhooks
from cli.errors import Code
from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService

ID = "3f2b6c1e-0000-4000-8000-000000000001"
HOOK: dict[str, Any] = {
    "id": ID,
    "url": "https://hooks.example.com/3k",
    "description": "",
    "event_types": [],
    "active": True,
    "access_key": "8b4ac51bdc",
    "note": "",
    "failures": 0,
    "failing_since": None,
    "delivered_at": "2026-01-01T00:00:00Z",
    "old_secret_until": None,
    "created_at": "2026-01-01T00:00:00Z",
}
DELIVERY: dict[str, Any] = {
    "id": 7,
    "message_id": "msg_1",
    "type": "operation.failed",
    "happened_at": "2026-01-01T00:00:00Z",
    "state": "failed",
    "attempts_made": 10,
    "next_attempt_at": None,
    "status": 500,
    "error": "It answered with status 500.",
    "finished_at": "2026-01-04T00:00:00Z",
}
ATTEMPT = {
    "number": 1,
    "finished_at": "2026-01-01T00:00:01Z",
    "seconds": 0.25,
    "status": 204,
    "error": "",
    "answer": "",
}


@pytest.fixture
def hooked(service: PlayedService) -> PlayedService:
    service.answers["GET webhooks"] = {"next": None, "previous": None, "results": [HOOK]}
    return service


def test_they_are_listed_added_changed_and_deleted(run: Run, hooked: PlayedService) -> None:
    for verb in (["webhooks"], ["webhooks", "list"]):
        out = run(*verb).out
        assert ID in out
        assert "https://hooks.example.com/3k" in out
    hooked.answers["POST webhooks"] = {**HOOK, "secret": "whsec_once"}
    assert "whsec_once" in run("webhooks", "add", HOOK["url"], "--event", "operation.failed").out
    assert hooked.bodies("POST", "webhooks")[0]["event_types"] == ["operation.failed"]
    assert run("webhooks", "show", "-o", "json").json() == HOOK
    hooked.answers[f"PATCH webhooks/{ID}"] = HOOK
    assert run("webhooks", "set", "3f2b", "active=false", 'event_types=["operation.failed"]').code == 0
    assert hooked.bodies("PATCH", ID) == [{"active": False, "event_types": ["operation.failed"]}]
    hooked.answers[f"DELETE webhooks/{ID}"] = None
    assert run("webhooks", "delete", HOOK["url"]).code == 0
    assert run("webhooks", "show", "0000").code == Code.NOT_FOUND
    hooked.answers["GET webhooks"] = {"next": None, "previous": None, "results": []}
    assert "no webhook yet" in run("webhooks").out
    assert run("webhooks", "show").code == Code.NOT_FOUND


def test_a_ping_waits_for_its_first_attempt(run: Run, hooked: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "POLL_SECONDS", 0)
    path = f"webhooks/{ID}/deliveries/7"
    pending = {**DELIVERY, "state": "pending", "attempts": []}
    hooked.answers[f"POST webhooks/{ID}/ping"] = pending
    hooked.once[f"GET {path}"] = [(200, {}, pending), (200, {}, pending)]
    hooked.answers[f"GET {path}"] = {**DELIVERY, "state": "succeeded", "status": 204, "attempts": [ATTEMPT]}
    assert "Taken with status 204 in 0.25 s." in run("webhooks", "ping").out
    refused = {**ATTEMPT, "status": 500, "error": "It answered with status 500.", "answer": "no room"}
    hooked.answers[f"GET {path}"] = {**pending, "status": 500, "attempts": [refused]}
    failed = run("webhooks", "ping")
    assert failed.code == Code.FAILED
    assert "status 500. It said: no room" in failed.err
    hooked.answers[f"GET {path}"] = pending
    monkeypatch.setattr(webhooks, "PING_SECONDS", 0)
    waiting = run("webhooks", "ping")
    assert waiting.code == Code.TIMEOUT
    assert "queue webhooks" in waiting.err


def test_deliveries_are_listed_and_sent_again(run: Run, hooked: PlayedService) -> None:
    hooked.answers[f"GET webhooks/{ID}/deliveries"] = {"next": None, "results": [DELIVERY]}
    assert "operation.failed" in run("webhooks", "deliveries", "--state", "failed").out
    assert hooked.requests[-1].query == {"state": "failed", "limit": "20"}
    rows = [{**DELIVERY, "id": number} for number in range(250)]
    pages = [{"next": "http://x/?cursor=abc&limit=200", "results": rows[:200]}, {"next": None, "results": rows[200:]}]
    hooked.once[f"GET webhooks/{ID}/deliveries"] = [(200, {}, page) for page in pages]
    assert [one["id"] for one in run("webhooks", "deliveries", "--limit", "240", "-o", "json").json()] == [*range(240)]
    assert hooked.requests[-1].query == {"cursor": "abc", "limit": "200"}
    hooked.answers[f"POST webhooks/{ID}/deliveries/7/replay"] = DELIVERY
    assert "1 sent again" in run("webhooks", "replay", "--delivery", "7").out
    hooked.answers[f"POST webhooks/{ID}/replay"] = {"replayed": 3}
    for since in ("12h", "2026-01-01T00:00+00:00"):
        assert "3 sent again" in run("webhooks", "replay", "--since", since).out
    assert hooked.bodies("POST", f"{ID}/replay")[1] == {"since": "2026-01-01T00:00:00+00:00"}
    for wrong in (["--since", "yesterday"], ["--since", "2026-01-01T00:00"], [], ["--since", "1h", "--delivery", "7"]):
        assert run("webhooks", "replay", *wrong).code == Code.USAGE


def test_a_secret_is_rotated_and_types_are_listed(run: Run, hooked: PlayedService) -> None:
    path = f"POST webhooks/{ID}/rotate-secret"
    hooked.answers[path] = {"id": ID, "secret": "whsec_new", "old_secret_until": "2026-01-02T00:00:00Z"}
    out = run("webhooks", "rotate-secret", "--overlap", "1h").out
    assert "whsec_new" in out
    assert "2026-01-02" in out
    hooked.answers[path] = {"id": ID, "secret": "whsec_new", "old_secret_until": None}
    assert "until" not in run("webhooks", "rotate-secret", "--at-once").out
    run("webhooks", "rotate-secret")
    assert hooked.bodies("POST", "rotate-secret") == [{"overlap_seconds": 3600}, {"overlap_seconds": 0}, {}]
    hooked.answers["GET webhook-event-types"] = [{"type": "operation.failed", "description": "It ended."}]
    assert "operation.failed" in run("webhooks", "types").out
