"""Webhooks over REST: the secret is shown once, nobody meets another's, and each refusal names field and fix."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from clusters.models import AccessKey, IdempotentRequest
from tasks.models import AuditEvent
from tasks.webhooks import endpoints, events, outbox
from tasks.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tests.api import Api, customer_api, problem, register

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
URL = "https://hooks.example.com/3k?token=of-the-path"


def made(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("webhooks", {"url": URL, **fields})
    assert answer.status_code == 201, answer.content
    created: dict[str, Any] = answer.json()
    return created


def delivered(api: Api, hook: dict[str, Any]) -> WebhookDelivery:
    """A change of health that was refused once and then given up."""
    cluster = register(api, name=f"c{WebhookDelivery.objects.count()}")
    outbox.health_changed(cluster.pk, "component", datetime.now(UTC), "kruise", "healthy", "degraded", "why")
    row = WebhookDelivery.objects.get(endpoint=hook["id"], event__body__contains=str(cluster.pk))
    now = timezone.now()
    WebhookAttempt.objects.create(
        delivery=row, number=1, finished_at=now, seconds=0.1, status=500, error="status 500", answer="<h1>no</h1>"
    )
    WebhookDelivery.objects.filter(pk=row.pk).update(
        state="failed", tries=1, attempts_made=1, status=500, error="status 500", finished_at=now
    )
    return row


def test_the_secret_is_in_the_answer_to_its_creation_and_its_rotation_alone(api: Api) -> None:
    answer = api.post("webhooks", {"url": URL}, Idempotency_Key="k1")
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/webhooks/{answer.json()['id']}"
    assert answer["Cache-Control"] == "no-store"
    first = answer.json()
    row = WebhookEndpoint.objects.get(pk=first["id"])
    assert first["secret"] == row.secret
    again = api.post("webhooks", {"url": URL}, Idempotency_Key="k1")
    assert (again.json(), again["Idempotency-Replayed"]) == (first, "true")

    path = f"webhooks/{first['id']}"
    rotated = api.post(f"{path}/rotate-secret", {"overlap_seconds": 60}, Idempotency_Key="k2").json()
    row.refresh_from_db()
    assert rotated["secret"] == row.secret != first["secret"] == row.old_secret
    assert rotated["old_secret_until"]
    for shown in (api.get(path), api.get("webhooks"), api.patch(path, {"description": "mine"})):
        assert shown.status_code == 200
        assert "whsec_" not in shown.content.decode()
        assert first["id"] in shown.content.decode()
    kept = IdempotentRequest.objects.values_list("body", "headers")
    assert len(kept) == 2
    assert "whsec_" not in str(list(kept))
    assert api.post(f"{path}/rotate-secret").json()["secret"] not in (first["secret"], rotated["secret"])
    audited = str(list(AuditEvent.objects.values_list("action", "detail")))
    assert "webhook.create" in audited
    assert "webhook.rotate-secret" in audited
    assert "of-the-path" not in audited
    assert "whsec_" not in audited


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "https://user:word@example.com/"}, "url"),
        ({"url": "https://example.com:25/"}, "url"),
        ({"url": URL, "event_types": ["operation.exploded"]}, "event_types[0]"),
        ({"url": URL, "event_types": "all"}, "event_types"),
        ({"url": URL, "adress": "x"}, "adress"),
        ({"url": URL, "secret": "whsec_mine"}, "secret"),
        ({"url": URL, "active": "perhaps"}, "active"),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: dict[str, Any], field: str) -> None:
    errors = problem(api.post("webhooks", body), 400, "invalid")["errors"]
    assert field in [error["field"] for error in errors]
    hook = made(api)
    if body:
        problem(api.patch(f"webhooks/{hook['id']}", body), 400, "invalid")


def test_it_is_changed_switched_off_and_deleted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = made(api, event_types=["operation.failed", "operation.failed"])
    assert hook["event_types"] == ["operation.failed"]
    path = f"webhooks/{hook['id']}"
    WebhookEndpoint.objects.update(active=False, note="410", failures=3)
    changed = api.patch(path, {"active": True, "event_types": []}).json()
    assert (changed["active"], changed["note"], changed["failures"], changed["event_types"]) == (True, "", 0, [])
    api.patch(path, {"active": False})
    problem(api.post(f"{path}/ping"), 409, "conflict")
    problem(api.post(f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}), 409, "conflict")
    monkeypatch.setattr(endpoints, "MOST", 1)
    assert problem(api.post("webhooks", {"url": URL}), 403, "limit-reached")["limit"] == 1
    assert api.delete(path).status_code == 204
    problem(api.get(path), 404, "not-found")
    types = api.get("webhook-event-types").json()
    assert [one["type"] for one in types] == list(events.EventType)
    problem(api.post(f"{path}/replay", {}), 404, "not-found")


def test_deliveries_are_listed_shown_and_sent_again(api: Api) -> None:
    hook = made(api)
    path = f"webhooks/{hook['id']}"
    row = delivered(api, hook)
    ping = api.post(f"{path}/ping")
    assert ping.status_code == 202
    assert ping["Location"].endswith(f"{path}/deliveries/{ping.json()['id']}")

    listed = api.get(f"{path}/deliveries").json()["results"]
    assert [(one["type"], one["state"]) for one in listed] == [
        ("webhook.ping", "pending"), ("component.health_changed", "failed"),
    ]  # fmt: skip
    assert listed[0]["next_attempt_at"]
    assert listed[1]["next_attempt_at"] is None
    assert [one["id"] for one in api.get(f"{path}/deliveries?state=failed").json()["results"]] == [row.pk]
    assert [one["id"] for one in api.get(f"{path}/deliveries?type=component.health_changed").json()["results"]] == [
        row.pk
    ]
    problem(api.get(f"{path}/deliveries?state=lost"), 400, "invalid")

    shown = api.get(f"{path}/deliveries/{row.pk}").json()
    assert shown["message_id"] == row.event.message
    assert shown["body"]["data"]["name"] == "kruise"
    assert shown["attempts"][0]["answer"] == "<h1>no</h1>"
    again = api.post(f"{path}/deliveries/{row.pk}/replay")
    assert (again.status_code, again.json()["state"], again.json()["attempts_made"]) == (202, "pending", 1)
    for missing in ("0", "x", "9" * 30, str(row.pk + 100)):
        problem(api.get(f"{path}/deliveries/{missing}"), 404, "not-found")

    WebhookDelivery.objects.filter(pk=row.pk).update(state="failed")
    since = (timezone.now() + timedelta(hours=1)).isoformat()
    assert api.post(f"{path}/replay", {"since": since}).json() == {"replayed": 0}
    assert api.post(f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}).json() == {"replayed": 1}
    assert problem(api.post(f"{path}/replay"), 400, "invalid")["errors"][0]["field"] == "since"


def test_anothers_is_as_unknown_as_none(api: Api) -> None:
    hook = made(api)
    row = delivered(api, hook)
    stranger = customer_api()
    own = made(stranger)
    assert api.key is not None
    second, value = AccessKey.objects.issue(api.key.customer)
    assert [one["id"] for one in Api(value).get("webhooks").json()["results"]] == [hook["id"]]
    assert api.get(f"webhooks/{hook['id']}").json()["access_key"] == api.key.prefix
    assert Api(value).patch(f"webhooks/{hook['id']}", {}).json()["access_key"] == second.prefix
    paths = [("get", ""), ("patch", ""), ("delete", ""), ("get", "/deliveries"), ("get", f"/deliveries/{row.pk}")]
    paths += [("post", end) for end in ("/ping", "/rotate-secret", "/replay", f"/deliveries/{row.pk}/replay")]
    for method, end in paths:
        for ident in (hook["id"], str(uuid.uuid4()), "x"):
            body = ({"since": "2026-01-01T00:00:00Z"},) if method == "post" else ({},) if method == "patch" else ()
            problem(getattr(stranger, method)(f"webhooks/{ident}{end}", *body), 404, "not-found")
    problem(stranger.get(f"webhooks/{own['id']}/deliveries/{row.pk}"), 404, "not-found")
    assert [one["id"] for one in stranger.get("webhooks").json()["results"]] == [own["id"]]
    assert WebhookEndpoint.objects.filter(pk=hook["id"], active=True, old_secret_until=None).exists()
