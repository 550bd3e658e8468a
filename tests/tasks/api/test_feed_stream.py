"""The feed of changes live: each change once, whoever writes at the same time and however often it breaks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from django.db import connection, transaction

from clusters.models import AccessKey, Cluster, HealthEvent
from tasks import engine
from tasks.api.feed_stream import EVENTS
from tasks.engine.change import changing
from tasks.live_feed import LiveFeed, Place, Unknown, here
from tasks.models import OperationState
from tasks.plan import Action, Plan, StepSpec
from tests.api import Api, customer_api, problem, register
from tests.asgi import asgi_server
from tests.conformance import assert_streamed

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
PLAN = Plan("check", (StepSpec("read", "Read", Action("check-health")),), mutating=False)
Told = tuple[str, str, dict[str, Any]]


def health(cluster: Cluster, name: str) -> None:
    HealthEvent.objects.create(cluster=cluster, name=name, new_state="unhealthy")


def read(feed: LiveFeed) -> list[tuple[str, str]]:
    return [(change.name, change.new_state) for _, change in feed.look()]


def test_nothing_is_passed_by_that_is_written_at_the_same_time(api: Api) -> None:
    cluster = register(api)
    clusters, begin = Cluster.objects.filter(pk=cluster.pk), here()
    feed = LiveFeed(clusters, None)
    written, commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            health(cluster, "first")
            with transaction.atomic():  # a transaction within it has a number of its own
                health(cluster, "second")
            written.set()
            commit.wait(30)
        connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    try:
        assert written.wait(30)
        health(cluster, "third")
        operation = engine.create(cluster, PLAN, {})
        # Were it told now, whoever goes on behind it would never see what the slow one writes.
        assert read(feed) == []
    finally:
        commit.set()
        writer.join()
    told = feed.look()
    names = ["first", "second", "third", "check"]
    assert [change.name for _, change in told] == names
    assert read(feed) == []
    with changing(operation.pk) as change:
        assert change is not None
        change.set(state=OperationState.RUNNING)
        change.operation_event()
    with changing(operation.pk) as change:
        assert change is not None
        change.set(progress=50.0)
        change.operation_event()
    assert [(one.old_state, one.new_state) for _, one in feed.look()] == [("queued", "running")]
    whole = [*names, "check"]
    for number, (place, _) in enumerate([(begin, None), *told]):
        after = LiveFeed(clusters, Place.read(str(place)))
        assert [change.name for _, change in after.look()] == whole[number:]
    for elsewhere in (Place(2**62, 0, 0, begin.at), Place(1, 0, 0, begin.at - 90_000), Place(1, 0, 0, 10**19)):
        with pytest.raises(Unknown):
            LiveFeed(clusters, elsewhere)


def opened(server: str, api: Api, query: str = "", **headers: str) -> AbstractContextManager[httpx.Response]:
    sent = {"Authorization": f"Bearer {api.value}", **headers}
    return httpx.stream("GET", f"{server}/api/v1/events/stream{query}", headers=sent, timeout=30)


def stream(response: httpx.Response) -> Iterator[Told]:
    assert response.status_code == 200, response.read()
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            data = json.loads(fields["data"])
            assert_streamed(fields["event"], data, "events/stream")
            assert fields["event"] in EVENTS
            yield fields["id"], fields["event"], data
            fields = {}


def names(events: Iterator[Told], number: int) -> list[tuple[str, str]]:
    """Place and name of the next so many changes."""
    changes = ((place, data["name"]) for place, kind, data in events if kind == "change")
    return [next(changes) for _ in range(number)]


def test_ones_own_come_live_and_go_on_where_they_broke(api: Api) -> None:
    mine, other, strangers = register(api, "mine"), register(api, "other"), register(customer_api(), "strangers")
    with asgi_server() as server:
        health(mine, "before")
        with opened(server, api) as response, opened(server, api, f"?cluster={mine.pk}") as one_alone:
            events, alone = stream(response), stream(one_alone)
            assert (next(events)[1], next(alone)[1]) == ("now", "now")
            for cluster, name in ((strangers, "theirs"), (other, "one"), (mine, "two"), (mine, "three")):
                health(cluster, name)
            told = names(events, 3)
            assert [name for _, name in told] == ["one", "two", "three"]
            assert [name for _, name in names(alone, 2)] == ["two", "three"]
        health(mine, "four")
        with opened(server, api, **{"Last-Event-ID": told[0][0]}) as response:
            events = stream(response)
            assert [name for _, name in names(events, 3)] == ["two", "three", "four"]
            AccessKey.objects.filter(pk=api.key and api.key.pk).update(active=False)
            assert not [kind for _, kind, _ in events if kind == "change"]


def test_a_list_goes_on_as_a_stream_from_its_position(api: Api) -> None:
    cluster = register(api)
    health(cluster, "listed")
    listed = api.get("events").json()
    assert [row["name"] for row in listed["results"]] == ["listed"]
    health(cluster, "later")
    assert read(LiveFeed(Cluster.objects.all(), Place.read(listed["position"]))) == [("later", "unhealthy")]


def test_what_it_does_not_understand_is_refused(api: Api) -> None:
    old = f"1.0.0.{int(time.time()) - 90_000}"
    for text in ("yesterday", "1.2.3", "1.2.3.4.5", "1.2.3.x", "9" * 20 + ".0.0.1", old):
        for answer in (api.get(f"events/stream?position={text}"), api.get("events/stream", Last_Event_ID=text)):
            assert "GET events" in problem(answer, 400, "invalid")["errors"][0]["hint"]
    problem(api.get(f"events/stream?cluster={register(customer_api()).pk}"), 404, "not-found")
    problem(api.post("events/stream"), 405, "method-not-allowed")
