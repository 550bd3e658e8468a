"""From a change to a customer's server: stored with it, signed, tried again, given up, sent again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from clusters.models import AccessKey, Cluster, Component, Customer
from tasks import engine, health
from tasks.models import AuditEvent
from tasks.webhooks import delivery, endpoints
from tasks.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests.tasks.engine.making import claim, create, spec
from tests.tasks.webhooks.conftest import Endpoint, happens, turn
from tests.tasks.webhooks.receiver import Receiver

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
State = WebhookDelivery.State


def soon() -> None:
    """What waits for its next try is due."""
    WebhookDelivery.objects.filter(state=State.PENDING).update(due_at=timezone.now())


def verified(headers: Mapping[str, str], body: bytes, secret: str) -> Any:
    return Webhook(secret).verify(body, dict(headers))


def test_an_operation_is_told_from_its_beginning_to_its_end(
    cluster: Cluster, endpoint: Endpoint, receiver: Receiver
) -> None:
    one = endpoint()
    operation = create(cluster, spec("a"), during="installing", success="ready", failure="failed")
    engine.advance(operation.pk)
    engine.fail(claim(operation, "a"), {"kind": "exit", "message": "no", "tail": ["a line"], "host": "h1"})
    engine.advance(operation.pk)
    engine.retry(operation.pk)
    engine.advance(operation.pk)
    engine.request_cancel(operation.pk)
    engine.advance(operation.pk)
    assert not receiver.requests
    turn(one)
    assert receiver.types == [
        "operation.created", "cluster.state_changed", "operation.started", "cluster.state_changed", "operation.failed",
        "cluster.state_changed", "operation.started", "cluster.state_changed", "operation.cancelled",
    ]  # fmt: skip
    told = [verified(request.headers, request.body, one.secret)["data"] for request in receiver.requests]
    assert {data["cluster"]["id"] for data in told} == {str(cluster.pk)}
    assert told[0]["operation"] == {
        "id": str(operation.pk), "kind": "test", "state": "queued", "attempt": 1, "dry_run": False,
    }  # fmt: skip
    assert (told[1]["old_state"], told[1]["new_state"]) == ("registered", "installing")
    assert told[4]["error"] == {"step": "a", "host": "h1", "kind": "exit", "message": "no"}
    assert told[6]["operation"]["attempt"] == 2
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(receiver.requests)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.requests[0].headers, receiver.requests[1].body, one.secret)


def test_what_is_rolled_back_is_not_told(cluster: Cluster, endpoint: Endpoint) -> None:
    endpoint()
    with pytest.raises(RuntimeError), transaction.atomic():
        create(cluster)
        assert WebhookDelivery.objects.count() == 1
        raise RuntimeError("the request failed")
    assert not WebhookEvent.objects.exists()


def test_health_is_told_by_what_changes_it(cluster: Cluster, endpoint: Endpoint, receiver: Receiver) -> None:
    one = endpoint()
    now = timezone.now()
    Component.objects.create(cluster=cluster, name="drift", state="healthy", details={"announced": "healthy"})
    found = health.ComponentHealth("drift", "degraded", reason="differs")
    health.record(cluster.pk, found, now)
    turn(one)
    assert receiver.types == ["component.health_changed"]
    assert receiver.requests[0].json["data"] == {
        "cluster": {"id": str(cluster.pk), "name": "c1"},
        "name": "drift", "old_state": "healthy", "new_state": "degraded", "reason": "differs",
    }  # fmt: skip


def test_only_who_wants_and_may_hear_it_is_told(cluster: Cluster, endpoint: Endpoint) -> None:
    endpoint(event_types=["component.health_changed"])
    endpoint(event_types=["operation.failed"])
    endpoints.update(endpoint(), cluster.access_key, {"active": False}, actor="test")
    other = AccessKey.objects.issue(Customer.objects.create(name="another"))[0]
    endpoints.create(other, {"url": "https://hooks.example.com/"}, actor="test")
    happens(cluster)
    assert WebhookDelivery.objects.count() == 1
    # Another key of the customer tells of the same clusters, and its own end ends it.
    second = AccessKey.objects.issue(cluster.access_key.customer)[0]
    endpoints.create(second, {"url": "https://hooks.example.com/"}, actor="test")
    happens(cluster)
    assert WebhookDelivery.objects.count() == 3
    AccessKey.objects.filter(pk=cluster.access_key_id).update(active=False)
    happens(cluster)
    assert WebhookDelivery.objects.count() == 4
    AccessKey.objects.update(active=False)
    happens(cluster)
    assert WebhookEvent.objects.count() == 3


def test_what_is_refused_is_tried_again_under_the_same_id(
    cluster: Cluster, endpoint: Endpoint, receiver: Receiver
) -> None:
    one = endpoint()
    receiver.replies = [(500, {}, b"no room"), (503, {"Retry-After": "50000"}, b""), 200]
    happens(cluster)
    turn(one)
    row = WebhookDelivery.objects.get()
    assert (row.state, row.status, row.tries) == (State.PENDING, 500, 1)
    assert row.due_at - row.attempts.get().started_at > timedelta(seconds=200)
    turn(one)
    assert len(receiver.requests) == 1  # it is not due yet
    soon()
    turn(one)
    row.refresh_from_db()
    second = row.attempts.get(number=2).finished_at
    assert second is not None
    assert one.rest_until is not None
    assert row.due_at == one.rest_until == second + timedelta(seconds=50_000)  # as asked for
    assert one.failures == 2
    assert one.failing_since is not None
    assert delivery.claim(one.pk) is None
    soon()
    turn(one)
    row.refresh_from_db()
    assert (row.state, row.status, row.error) == (State.SUCCEEDED, 200, "")
    assert (one.failures, one.failing_since, one.rest_until) == (0, None, None)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    shown = list(row.attempts.values_list("number", "status", "answer", "error"))
    assert shown[0] == (1, 500, "no room", "It answered with status 500.")
    assert [number for number, *_ in shown] == [1, 2, 3]
    assert not row.attempts.filter(finished_at=None).exists()


def test_it_is_given_up_after_the_last_try_and_the_endpoint_after_days(
    cluster: Cluster, endpoint: Endpoint, receiver: Receiver, settings: LazySettings
) -> None:
    settings.WEBHOOK_RETRIES = [1.0]
    one = endpoint()
    receiver.replies = [500] * 5
    happens(cluster)
    for _ in range(2):
        soon()
        turn(one)
    assert WebhookDelivery.objects.get().state == State.FAILED
    assert turn(one).active
    happens(cluster)
    happens(cluster)
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=6))
    for _ in range(2):
        soon()
        turn(one)
    one.refresh_from_db()
    assert not one.active
    assert "has taken nothing since" in one.note
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.FAILED}
    (event,) = AuditEvent.objects.filter(action="webhook.switched-off")
    assert event.actor == "service"
    assert "of-the-path" not in str(event.detail)
    happens(cluster)
    assert WebhookDelivery.objects.count() == 3
    again = endpoints.update(one, cluster.access_key, {"active": True}, actor="test")
    assert (again.note, again.failures, again.failing_since) == ("", 0, None)


def test_who_is_gone_is_told_no_more(cluster: Cluster, endpoint: Endpoint, receiver: Receiver) -> None:
    one = endpoint()
    receiver.replies = [410]
    happens(cluster)
    happens(cluster)
    assert not turn(one).active
    assert "410" in one.note
    assert len(receiver.requests) == 1
    assert list(WebhookDelivery.objects.values_list("state", "error")) == [
        (State.FAILED, delivery.OFF),
        (State.FAILED, "It answered with status 410."),
    ]


def test_a_withdrawn_key_ends_what_was_on_its_way(cluster: Cluster, endpoint: Endpoint, receiver: Receiver) -> None:
    one = endpoint()
    happens(cluster)
    AccessKey.objects.update(active=False)
    turn(one)
    assert not receiver.requests
    assert WebhookDelivery.objects.get().error == delivery.NO_KEY
    # Another key takes it over.
    second = AccessKey.objects.issue(cluster.access_key.customer)[0]
    endpoints.update(one, second, {}, actor="test")
    happens(cluster)
    turn(one)
    assert len(receiver.requests) == 1


def test_a_server_that_comes_back_gets_at_once_what_waited_for_hours(
    cluster: Cluster, endpoint: Endpoint, receiver: Receiver
) -> None:
    one = endpoint()
    receiver.replies = [500] * delivery.AWAY
    for _ in range(delivery.AWAY):
        happens(cluster)
        turn(one)
    WebhookDelivery.objects.update(due_at=timezone.now() + timedelta(hours=9))
    happens(cluster, "the newest")
    turn(one)
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.SUCCEEDED}
    assert receiver.requests[3].json["data"]["name"] == "the newest"
    assert len(receiver.requests) == 3 + 1 + 3


def test_one_worker_at_a_time_sends_to_an_endpoint(cluster: Cluster, endpoint: Endpoint, receiver: Receiver) -> None:
    one = endpoint()
    happens(cluster)
    epoch = delivery.claim(one.pk)
    assert epoch is not None
    assert delivery.claim(one.pk) is None
    assert one.pk not in delivery.due()
    late = delivery.begin(one.pk, epoch)
    assert late is not None
    # Its worker stands still; the lease ends, and another one sends.
    WebhookEndpoint.objects.update(lease_until=F("created_at"))
    soon()
    assert delivery.due() == [one.pk]
    assert delivery.due() == []
    turn(one)
    assert len(receiver.requests) == 1
    # When it wakes it neither sends nor records.
    late.begun -= delivery.lease_seconds()
    assert delivery.send(late) is None
    assert delivery.end(late, epoch, delivery.Answer(0.1, 500, "late")) is False
    assert delivery.begin(one.pk, epoch) is None
    assert WebhookDelivery.objects.get().state == State.SUCCEEDED
    assert list(WebhookAttempt.objects.values_list("number", "status", "error")) == [
        (1, None, delivery.LOST),
        (2, 204, ""),
    ]


def test_a_customers_hanging_servers_leave_room_for_others(
    cluster: Cluster, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SHARE", 1)
    first, second = endpoint(), endpoint()
    happens(cluster)
    assert set(delivery.due()) == {first.pk, second.pk}
    epoch = delivery.claim(first.pk)
    assert epoch is not None
    assert delivery.claim(second.pk) is None
    other = AccessKey.objects.issue(Customer.objects.create(name="another"))[0]
    others = endpoints.create(other, {"url": "https://hooks.example.com/"}, actor="test")
    assert delivery.claim(others.pk) is not None
    # Whose turn it was not yet is asked for again soon.
    assert delivery.due() == [second.pk]
    delivery._give_back(first.pk, epoch)
    assert delivery.claim(second.pk) is not None


def test_both_secrets_sign_while_they_overlap(cluster: Cluster, endpoint: Endpoint, receiver: Receiver) -> None:
    one = endpoint()
    old = one.secret
    new = endpoints.rotate(one, timedelta(hours=1), actor="test").secret
    happens(cluster)
    turn(one)
    for secret in (old, new):
        verified(receiver.requests[0].headers, receiver.requests[0].body, secret)
    WebhookEndpoint.objects.update(old_secret_until=timezone.now())
    happens(cluster)
    turn(one)
    verified(receiver.requests[1].headers, receiver.requests[1].body, new)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.requests[1].headers, receiver.requests[1].body, old)
    assert endpoints.rotate(one, timedelta(), actor="test").old_secret == ""
    assert not AuditEvent.objects.filter(detail__icontains="whsec").exists()


def test_what_failed_since_then_is_sent_again(cluster: Cluster, endpoint: Endpoint, receiver: Receiver) -> None:
    one = endpoint()
    for name in ("old", "new"):
        happens(cluster, name)
    turn(one)
    WebhookDelivery.objects.update(state=State.FAILED, tries=9)
    since = timezone.now()
    WebhookEvent.objects.filter(body__contains='"old"').update(at=since - timedelta(hours=1))
    WebhookEvent.objects.filter(body__contains='"new"').update(at=since)
    assert len(endpoints.replay(endpoints.failed_since(one, since), one, actor="test")) == 1
    turn(one)
    assert [request.json["data"]["name"] for request in receiver.requests] == ["old", "new", "new"]
    row = WebhookDelivery.objects.get(event__body__contains='"new"')
    assert (row.state, row.tries, row.attempts_made) == (State.SUCCEEDED, 1, 2)
    assert endpoints.replay(endpoints.failed_since(one, timezone.now()), one, actor="test") == []
    WebhookEndpoint.objects.update(active=False)
    with pytest.raises(endpoints.SwitchedOff):
        endpoints.replay(one.deliveries.all(), one, actor="test")


def test_old_events_go_but_not_those_on_their_way(cluster: Cluster, endpoint: Endpoint) -> None:
    one = endpoint()
    for _ in range(3):
        happens(cluster)
    first, second, _ = WebhookDelivery.objects.order_by("pk")
    WebhookEvent.objects.filter(deliveries__in=[first, second]).update(at=timezone.now() - timedelta(days=31))
    WebhookDelivery.objects.filter(pk=first.pk).update(state=State.SUCCEEDED)
    deleted = engine.prune(log_days=1, health_days=1, webhook_days=30)
    assert deleted["webhook events"] == 2  # the event and its delivery
    assert WebhookDelivery.objects.filter(endpoint=one).count() == 2


def test_an_endpoint_is_deleted_with_all_of_it(cluster: Cluster, endpoint: Endpoint) -> None:
    one = endpoint()
    happens(cluster)
    endpoints.delete(one, actor="test")
    happens(cluster)
    assert not WebhookDelivery.objects.exists()
    with pytest.raises(endpoints.TooMany):
        for _ in range(endpoints.MOST + 1):
            endpoint()
    assert WebhookEndpoint.objects.count() == endpoints.MOST
    happens(cluster)
    assert WebhookDelivery.objects.count() == endpoints.MOST
    assert WebhookEvent.objects.count() == 2
