"""Pauses between tries, signatures, and what bodies hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sanqian_service import settings
from tasks.webhooks import events, schedule, signing

NOW = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
DELAYS = [float(delay) for delay in settings.WEBHOOK_RETRIES]


def test_a_refused_delivery_is_tried_for_three_days() -> None:
    pauses = [schedule.pause(tries, DELAYS, 0.5) for tries in range(1, len(DELAYS) + 2)]
    assert pauses == [*DELAYS, None]
    assert timedelta(days=3) < timedelta(seconds=sum(DELAYS)) < timedelta(days=3.5)
    assert sorted(DELAYS) == DELAYS
    assert schedule.pause(2, DELAYS, 0) == pytest.approx(270)
    assert schedule.pause(2, DELAYS, 1) == pytest.approx(330)
    assert schedule.pause(1, [], 0.5) is None


def test_an_endpoint_that_refuses_is_left_alone_for_five_minutes_at_most() -> None:
    assert [schedule.rest(failures, DELAYS) for failures in (0, 1, 2, 3, 50)] == [0, 5, 300, 300, 300]
    assert schedule.rest(1, []) == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("99999999999999999999", 86_400),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 59.75),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        *((text, 0) for text in ("", "-5", "soon", "1.5", "²")),
    ],
)
def test_what_retry_after_asks_for(header: str, seconds: float) -> None:
    assert schedule.asked_pause(header, NOW) == seconds


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signing.signed("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}', [secret])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_signs_and_is_fresh() -> None:
    first, second = signing.new_secret(), signing.new_secret()
    assert first != second
    headers = signing.signed("msg_1", NOW, "{}", [first, second])
    key = base64.b64decode(second.removeprefix("whsec_"))
    assert len(key) == 32
    by_hand = base64.b64encode(hmac.digest(key, f"msg_1.{int(NOW.timestamp())}.{{}}".encode(), hashlib.sha256)).decode()
    assert headers["webhook-signature"].split(" ")[1] == f"v1,{by_hand}"


def test_a_body_has_the_standards_form_and_no_output() -> None:
    error = {"step": "s", "host": "h", "kind": "exit", "message": "m" * 900, "fix": "f", "tail": ["a line of output"]}
    data = events.operation_data("id", "install", "failed", 2, False, error)
    text = events.body("operation.failed", NOW.astimezone(timezone(timedelta(hours=8))), {**data, "who": "三千"})
    read = json.loads(text)
    assert read["type"] == "operation.failed"
    assert read["timestamp"] == "2026-01-01T12:00:00.250000Z"
    assert read["data"]["operation"] == {
        "id": "id", "kind": "install", "state": "failed", "attempt": 2, "dry_run": False,
    }  # fmt: skip
    assert len(read["data"]["error"]["message"]) == events.LONGEST
    assert "output" not in text
    assert "三千" in text
    assert events.operation_data("id", "install", "running", 2, False, error)["error"] == {}


def test_every_type_is_described() -> None:
    assert set(events.ABOUT) == set(events.EventType)
    assert {*events.OF_OPERATION.values(), *events.OF_SUBJECT.values()} == set(events.EventType)
