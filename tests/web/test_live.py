"""What the live view asks the service for, by a session: the state, the log in stretches and whole, the events."""

from __future__ import annotations

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tasks import engine
from tasks.engine.change import changing
from tasks.models import HostJob, Operation
from tests.api import Api, api, register  # noqa: F401 - a fixture among them
from tests.tasks.conftest import plan, step
from tests.web.streams import events_of

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def operation(api: Api) -> Operation:  # noqa: F811
    return engine.create(register(api), plan(step("one", "true"), step("two", "true", after=("one",))), {})


@pytest.fixture
def viewer(db: None) -> Client:
    """May see operations, and nothing else."""
    user = User.objects.create_user("viewer", password="long enough for this", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_operation"))
    client = Client()
    client.force_login(user)
    return client


def say(operation: Operation, key: str, *texts: str, host: str = "host1") -> None:
    """Output of a step, each text a chunk."""
    job, _ = HostJob.objects.get_or_create(step=operation.steps.get(key=key), host=host)
    with changing(operation.pk) as change:
        assert change is not None
        for text in texts:
            change.log(job, job.offset, len(text), text)
            job.offset += len(text)
    job.save()
    operation.refresh_from_db()


def of(operation: Operation, what: str, kind: str = "staff-live", **query: object) -> str:
    return reverse(f"{kind}-{what}", args=[operation.pk], query={name: str(value) for name, value in query.items()})


def test_the_state_tells_of_each_step_and_of_the_services_time(viewer: Client, operation: Operation) -> None:
    state = viewer.get(of(operation, "state")).json()
    assert (state["state"], state["event_seq"]) == ("queued", 1)
    assert [(one["key"], one["after"], one["hosts"]) for one in state["steps"]] == [
        ("one", [], []),
        ("two", ["one"], []),
    ]
    assert state["now"] >= state["created_at"]
    assert viewer.get(of(operation, "state"))["Cache-Control"] == "no-store"


def test_the_log_is_read_in_stretches_backwards_too_and_searched(viewer: Client, operation: Operation) -> None:
    say(operation, "one", *(f"line {n}\n" for n in range(6)))
    say(operation, "two", "A Needle of two\n", host="host2")

    def texts(**query: object) -> list[str]:
        return [chunk["text"] for chunk in viewer.get(of(operation, "log", **query)).json()["results"]]

    end = viewer.get(of(operation, "log", tail=2)).json()["results"]
    assert [chunk["text"] for chunk in end] == ["line 5\n", "A Needle of two\n"]
    assert texts(before=end[0]["seq"], tail=2) == ["line 3\n", "line 4\n"]
    assert texts(after=end[0]["seq"]) == ["A Needle of two\n"]
    assert texts(search="needle") == texts(step="two") == texts(host="host2") == ["A Needle of two\n"]
    assert texts(search="100%") == texts(search="needle\0!") == []


def test_the_whole_log_is_a_file_without_what_drives_a_terminal(viewer: Client, web: str, operation: Operation) -> None:
    say(operation, "one", "\x1b[31mred\x1b[0m\nhalf", host="host1")
    say(operation, "one", "between\n", host="host2")
    say(operation, "one", " a line\n10 %\r20 %\r\nno end", host="host1")
    cookies = {"sessionid": viewer.cookies["sessionid"].value}
    answer = httpx.get(f"{web}{of(operation, 'text')}", cookies=cookies)
    assert answer.text.splitlines() == [
        "one host1 | red", "one host2 | between", "one host1 | half a line", "one host1 | 20 %", "one host1 | no end",
    ]  # fmt: skip
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="test-demo-')
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    of_two = httpx.get(f"{web}{of(operation, 'text', host='host2')}", cookies=cookies)
    assert of_two.text == "one host2 | between\n"


def test_events_come_to_who_is_logged_in_until_they_may_no_longer(
    viewer: Client, web: str, operation: Operation
) -> None:
    cookies = {"sessionid": viewer.cookies["sessionid"].value}
    with events_of(f"{web}{of(operation, 'events')}", cookies=cookies) as events:
        assert next(events)[1] == "operation"
        say(operation, "one", "now\n")
        assert next(events)[2]["text"] == "now\n"
        User.objects.update(is_active=False)
        assert list(events) == []
    answer = httpx.get(f"{web}{of(operation, 'events')}", cookies=cookies)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/not-authenticated")


@pytest.mark.parametrize("what", ["state", "log", "text", "events"])
def test_nobody_else_sees_anything(what: str, operation: Operation) -> None:
    nobody, customer, staff = Client(), Client(), Client()
    customer.force_login(User.objects.create_user("no staff"))
    staff.force_login(User.objects.create_user("no right", is_staff=True))
    assert [client.get(of(operation, what)).status_code for client in (nobody, customer, staff)] == [401, 401, 403]
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    assert root.post(of(operation, what)).status_code == 405
    assert root.get(of(operation, what).replace(str(operation.pk), "0")).status_code == 404
