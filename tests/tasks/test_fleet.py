"""What operators see of queues and workers: real workers, a broker that is away, and the pages that show it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from clusters.models import AccessKey, Cluster, Customer
from tasks import engine, jobs, queues
from tasks.fleet import Worker
from tasks.fleet import fleet as look
from tasks.models import OperationState, Step, StepState
from tests.tasks.conftest import plan, register, step
from tests.tasks.driven import finish, start
from tests.tasks.engine.making import claim, create
from tests.tasks.remote.servers import Sshd
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration
PASSWORD = "long enough for this"


@pytest.fixture
def empty_queues() -> Iterator[None]:
    _empty()
    yield
    _empty()


def _empty() -> None:
    names = [f"{queue}\x06\x16{priority}" for queue in queues.QUEUES for priority in range(1, queues.PRIORITIES)]
    queues.broker().delete(*queues.QUEUES, *names)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis.from_url("redis://127.0.0.1:1/0")
    monkeypatch.setattr(queues, "broker", lambda: nowhere)


@pytest.fixture
def cluster_without_hosts(db: None) -> Cluster:
    key = AccessKey.objects.issue(Customer.objects.create(name="First customer"))[0]
    return Cluster.objects.create(access_key=key, name="c1")


def operator(client: Client, **fields: bool) -> User:
    user = User.objects.create_user("op", password=PASSWORD, is_staff=True, **fields)
    user.user_permissions.add(Permission.objects.get(codename="view_operation"))
    client.force_login(user)
    return user


def test_messages_of_all_priorities_are_counted_with_their_age(db: None, empty_queues: None) -> None:
    for priority in (0, 5, 8):
        jobs.send(jobs.drive, 0, priority)
    jobs.send(jobs.check_cluster, "0")

    depth = {queue.name: queue.depth for queue in look().queues}
    age = {queue.name: queue.oldest_seconds for queue in look().queues}

    assert depth == {"control": 0, "provision": 3, "health": 1}
    assert age["control"] is None
    assert age["provision"] is not None
    assert age["health"] is not None
    assert age["provision"] >= age["health"] >= 0


def test_the_longest_wait_is_the_oldest_message_of_any_queue(
    db: None, empty_queues: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert queues.longest_wait() == 0
    jobs.send(jobs.drive, 0)
    now = time.time()
    monkeypatch.setattr("tasks.queues.time.time", lambda: now + 100)
    assert 99 < queues.longest_wait() <= 101
    monkeypatch.setattr("tasks.queues.time.time", lambda: now + 10_000)
    assert queues.longest_wait() == queues.MOST_SECONDS


def test_what_the_rows_tell(cluster_without_hosts: Cluster, empty_queues: None) -> None:
    operation = create(cluster_without_hosts)
    engine.advance(operation.pk)
    seen = look()
    assert (seen.waiting, seen.overdue) == (1, 0)
    assert seen.oldest_seconds is not None

    Step.objects.filter(operation=operation, state=StepState.READY).update(sent_at=None)
    assert (look().waiting, look().overdue) == (1, 1)

    claim(operation, owner="elsewhere:77:1")
    seen = look()
    assert (seen.waiting, seen.overdue, seen.oldest_seconds) == (0, 0, None)
    assert [(one.name, one.alive, one.pid, one.steps, one.operations) for one in seen.workers] == [
        ("elsewhere:77", False, 77, 1, 1)
    ]
    assert seen.operations == {**dict.fromkeys(OperationState.values, 0), "running": 1}
    assert [(one.customer, one.operations, one.driven) for one in seen.access_keys] == [("First customer", 1, 1)]


def test_a_broker_that_is_away(cluster_without_hosts: Cluster, away: None) -> None:
    operation = create(cluster_without_hosts)
    engine.advance(operation.pk)
    claim(operation, owner="elsewhere:77:1")
    seen = look()
    assert not seen.broker
    assert {queue.depth for queue in seen.queues} == {None}
    assert [one.alive for one in seen.workers] == [None]
    assert queues.longest_wait() == 0
    assert seen.operations["running"] == 1


def test_a_worker_and_what_it_drives(
    transactional_db: None, access_key: AccessKey, fleet: Fleet, three: list[Sshd]
) -> None:
    process = fleet.worker(3)
    operation = start(register(access_key, three), plan(step("one", "sleep 600")))
    seen: list[Worker] = []

    def drives() -> bool:
        seen[:] = [one for one in look().workers if one.steps and one.alive]
        return bool(seen)

    until(drives, what="a worker that answers drives a step")
    assert (seen[0].pid, seen[0].concurrency, seen[0].operations) == (process.pid, 3, 1)
    assert seen[0].active
    engine.request_cancel(operation.pk)
    jobs.send_cancel(operation.pk, engine.cancelling_steps(operation.pk))
    assert finish(operation, fleet) == OperationState.CANCELLED


def test_the_command(cluster_without_hosts: Cluster, empty_queues: None) -> None:
    create(cluster_without_hosts)
    text, document = StringIO(), StringIO()
    call_command("fleet", stdout=text)
    call_command("fleet", "--output", "json", stdout=document)
    assert "queue provision: 0 waiting, oldest -" in text.getvalue()
    assert "No worker answers." in text.getvalue()
    assert "1 queued" in text.getvalue()
    assert json.loads(document.getvalue())["operations"]["queued"] == 1


def test_the_command_without_a_broker(db: None, away: None) -> None:
    text = StringIO()
    call_command("fleet", stdout=text)
    assert "The broker does not answer." in text.getvalue()
    assert "queue control: unknown waiting" in text.getvalue()


def test_the_page(client: Client, cluster_without_hosts: Cluster, empty_queues: None) -> None:
    create(cluster_without_hosts)
    operator(client)
    page: Any = client.get("/admin/fleet/")
    text = page.content.decode()
    part = client.get("/admin/fleet/part/").content.decode()
    assert page.status_code == 200
    assert 'data-refresh="/admin/fleet/part/"' in text
    for shown in (text, part):
        assert "First customer" in shown
        assert "No worker answers." in shown
    assert 'href="/admin/fleet/"' in client.get("/admin/").content.decode()


def test_the_page_without_a_broker(client: Client, db: None, away: None) -> None:
    operator(client)
    assert "The broker does not answer" in client.get("/admin/fleet/").content.decode()


def test_the_page_is_for_staff_who_may_look(client: Client, db: None) -> None:
    assert client.get("/admin/fleet/").status_code == 302
    user = operator(client)
    user.user_permissions.clear()
    assert client.get("/admin/fleet/").status_code == 403
    assert "/admin/fleet/" not in client.get("/admin/").content.decode()
