"""A slice among many: what it keeps from the others while it waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from clusters.models import AccessKey, Cluster
from tasks import driver, engine
from tasks.actions.base import Done
from tasks.database import release
from tasks.driver import attendant
from tasks.driver import slice as slices
from tasks.driver.attendant import Attendant
from tasks.driver.crew import Crew
from tasks.driver.performer import Performer
from tasks.models import HostJob, OperationState
from tasks.plan import Action, Plan, Script, StepSpec
from tests.tasks.conftest import plan, step
from tests.workers import until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("do", [Script("true"), Action("preflight")], ids=["script", "action"])
def test_no_database_connection_is_held_while_hosts_are_waited_for(
    access_key: AccessKey, monkeypatch: pytest.MonkeyPatch, do: Script | Action
) -> None:
    cluster = Cluster.objects.create(access_key=access_key, name="without-hosts")
    operation = engine.create(cluster, Plan("test", (StepSpec("a", "a", do, hosts=("h1", "h2")),)), {})
    lease = engine.claim(engine.advance(operation.pk)[0], "me")
    assert lease is not None
    at_work, go_on, stop = threading.Event(), threading.Event(), threading.Event()
    used: list[BaseDatabaseWrapper] = []

    def work(_: object) -> None:
        at_work.set()
        assert go_on.wait(60)

    def perform(self: Performer) -> None:
        work(self)
        self.outcome = Done()

    monkeypatch.setattr(slices, "SILENT", 3600.0)
    monkeypatch.setattr(slices, "LOOK_AROUND", 3600.0)
    monkeypatch.setattr(Attendant, "attend", work)
    monkeypatch.setattr(Performer, "perform", perform)

    def drive() -> None:
        used.append(_of_this_thread())
        driver.drive(lease, stop, time.monotonic())
        release()

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        assert at_work.wait(60)
        until(_given_back(used[0]), 30)
    finally:
        stop.set()
        go_on.set()
        thread.join()


def test_a_cancel_lets_a_start_that_is_under_way_come_first(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would find nothing to end, and the job would begin after it."""
    operation = engine.create(cluster, plan(step("a", "true")), {})
    lease = engine.claim(engine.advance(operation.pk)[0], "me")
    assert lease is not None
    at_work, cancelling, order = threading.Event(), threading.Event(), []

    def attend(_: Attendant) -> None:
        at_work.set()
        assert cancelling.wait(60)
        order.append("started")

    def kill(_: HostJob, *, sudo: bool) -> str:
        order.append("ended")
        return ""

    def wait_for(self: Crew, job: HostJob, seconds: float) -> None:
        cancelling.set()
        patient(self, job, 60)

    patient = Crew.wait_for
    monkeypatch.setattr(Attendant, "attend", attend)
    monkeypatch.setattr(Crew, "wait_for", wait_for)
    monkeypatch.setattr(attendant, "kill", kill)
    thread = threading.Thread(target=lambda: [driver.drive(lease, threading.Event(), time.monotonic()), release()])
    thread.start()
    try:
        assert at_work.wait(60)
        engine.request_cancel(operation.pk)
    finally:
        thread.join()
    assert order == ["started", "ended"]
    operation.refresh_from_db()
    assert operation.state in (OperationState.CANCELLING, OperationState.CANCELLED)


def _of_this_thread() -> BaseDatabaseWrapper:
    return connection._connections[connection._alias]  # type: ignore[attr-defined]


def _given_back(one: BaseDatabaseWrapper) -> Callable[[], bool]:
    return lambda: one.connection is None
