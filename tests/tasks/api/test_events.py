"""The live stream of an operation, through a real ASGI server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clusters.models import AccessKey
from tasks import engine
from tasks.api.events import WINDOW, follow, look
from tasks.engine.change import changing
from tasks.models import HostJob, Operation, OperationState, Step
from tasks.plan import Action, Plan, StepSpec
from tests.api import Api, register
from tests.asgi import asgi_server, other_connections
from tests.workers import until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
Event = tuple[int, str, dict[str, Any]]


@pytest.fixture
def operation(api: Api) -> Operation:
    plan = Plan("check", (StepSpec("read", "Read", Action("check-health")),), mutating=False)
    return engine.create(register(api), plan, {})


@pytest.fixture
def server(operation: Operation) -> Iterator[str]:
    with asgi_server() as base:
        yield base


def say(operation: Operation, *texts: str) -> None:
    """Output of the operation's step, stored as the engine stores it."""
    step = operation.steps.get()
    job, _ = HostJob.objects.get_or_create(step=step, host="service")
    for text in texts:
        with changing(operation.pk) as change:
            assert change is not None
            change.log(job, job.offset, len(text), text)
        job.offset += len(text)
        job.save()


def end(operation: Operation) -> None:
    with changing(operation.pk) as change:
        assert change is not None
        change.set(state=OperationState.RUNNING)
        change.set(state=OperationState.SUCCEEDED, progress=100.0)
        change.operation_event()


class Stream:
    """A stream that is being read, event by event."""

    def __init__(self, response: httpx.Response) -> None:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                yield int(fields["id"]), fields["event"], json.loads(fields["data"])
                fields = {}


def opened(server: str, api: Api, operation: Operation, **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {api.value}", **headers}
    return httpx.stream("GET", f"{server}/api/v1/operations/{operation.pk}/events", headers=sent, timeout=30)


def test_events_come_live_and_a_broken_stream_goes_on_without_a_gap(
    server: str, api: Api, operation: Operation
) -> None:
    say(operation, "one\n")
    with opened(server, api, operation) as response:
        events = iter(Stream(response))
        first, log = next(events), next(events)
        assert (first[1], first[2]["state"]) == ("operation", "queued")
        assert log[1:] == ("log", {"step": "read", "host": "service", "attempt": 1, "text": "one\n"})
        say(operation, "two\n\u2028三")
        live = next(events)
        assert live[2]["text"] == "two\n\u2028三"
    say(operation, "while away\n")
    with opened(server, api, operation, **{"Last-Event-ID": str(live[0])}) as response:
        events = iter(Stream(response))
        assert next(events)[2]["text"] == "while away\n"
        end(operation)
        rest = list(events)
    assert [kind for _, kind, _ in rest] == ["operation", "end"]
    assert rest[-1][2] == {"state": "succeeded"}
    with opened(server, api, operation) as response:
        whole = list(Stream(response))
    operation.refresh_from_db()
    assert [number for number, kind, _ in whole if kind != "end"] == list(range(1, operation.event_seq + 1))
    with opened(server, api, operation, **{"Last-Event-ID": "999999"}) as response:
        assert [kind for _, kind, _ in Stream(response)] == ["end"]


def test_an_idle_stream_holds_no_connection(server: str, api: Api, operation: Operation) -> None:
    streams = [opened(server, api, operation) for _ in range(30)]
    try:
        for stream in streams:
            assert next(iter(Stream(stream.__enter__())))[1] == "operation"
        # The pool may be as large as the threads that look, never as the streams.
        until(lambda: len(other_connections()) <= 12, 10, "connections given back")
        assert "idle in transaction" not in other_connections()
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)


def test_a_key_that_is_withdrawn_ends_its_stream_and_no_other(server: str, api: Api, operation: Operation) -> None:
    assert api.key is not None
    key, value = AccessKey.objects.issue(api.key.customer, scope="read")
    with opened(server, api, operation) as kept, opened(server, Api(value), operation) as response:
        events, others = iter(Stream(response)), iter(Stream(kept))
        next(events), next(others)
        assert api.post(f"access-keys/{key.pk}/revoke").status_code == 200
        assert list(events) == []
        say(operation, "for those who may")
        assert next(others)[2]["text"] == "for those who may"
    with opened(server, Api(value), operation) as response:
        assert response.status_code == 401


def test_many_events_come_in_portions_and_in_order(operation: Operation) -> None:
    step = Step.objects.get()
    job = HostJob.objects.create(step=step, host="service")
    with changing(operation.pk) as change:
        assert change is not None
        for number in range(2 * WINDOW):
            change.step_event(step)
            change.log(job, number, 1, "x")
    first = look(operation.pk, 0)
    assert first.more
    assert first.seen == WINDOW
    seen, frames = 0, []
    while (found := look(operation.pk, seen)).frames:
        frames += found.frames
        seen = found.seen
    assert [int(frame.split("\n")[0].removeprefix("id: ")) for frame in frames] == list(range(1, 4 * WINDOW + 2))


def test_silence_is_broken_by_a_comment(operation: Operation) -> None:
    operation.refresh_from_db()

    async def second() -> str:
        stream = follow(operation.pk, operation.event_seq, every=0.01, heartbeat=0.02)
        try:
            await anext(stream)
            return await anext(stream)
        finally:
            await stream.aclose()  # type: ignore[attr-defined]

    assert asyncio.run(second()) == ": still here\n\n"


def test_without_broker_and_cache_requests_are_served(operation: Operation, api: Api) -> None:
    """The row is stored; whoever looks for lost messages starts the operation later."""
    nowhere = "redis://127.0.0.1:1/0"
    headers = {"Authorization": f"Bearer {api.value}"}
    path = f"/api/v1/clusters/{operation.cluster_id}/operations"
    with asgi_server(SANQIAN_BROKER_URL=nowhere, SANQIAN_CACHE_URL=nowhere) as base:
        answer = httpx.post(f"{base}{path}", headers=headers, json={"kind": "check"}, timeout=30)
        assert answer.status_code == 202, answer.text
        ready = httpx.get(f"{base}/readyz", timeout=30)
    assert Operation.objects.get(pk=answer.json()["id"]).state == "queued"
    assert (ready.status_code, ready.json()["checks"]["broker"]) == (503, "does not answer")


def test_a_stream_is_only_read(server: str, api: Api, operation: Operation) -> None:
    headers = {"Authorization": f"Bearer {api.value}"}
    answer = httpx.post(f"{server}/api/v1/operations/{operation.pk}/events", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    answer = httpx.post(f"{server}/api/v1/nothing", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
