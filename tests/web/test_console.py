"""The customer's pages: who gets in, for how long, and what they see."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clusters.models import AccessKey, CephReading, Cluster, ClusterState, Component, HealthEvent, Observation
from tasks import engine
from tasks.models import Operation
from tests.api import Api, api, customer_api, register  # noqa: F401 - a fixture among them
from tests.clusters.ceph.captured import captured
from tests.tasks.conftest import plan, step
from tests.web.streams import events_of

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
LOGIN = "/console/login"


@pytest.fixture
def operation(api: Api) -> Operation:  # noqa: F811
    return engine.create(register(api), plan(step("one", "true")), {}, requested_by="a customer")


def log_in(api: Api, onward: str = "") -> Client:  # noqa: F811
    client = Client()
    answer = client.post(LOGIN, {"key": f" {api.value}\n", "next": onward})
    assert (answer.status_code, answer["Location"]) == (302, onward or "/console/")
    return client


def pages(operation: Operation) -> list[str]:
    found = [reverse("console-cluster", args=[operation.cluster_id])]
    found.append(reverse("console-operation", args=[operation.pk]))
    return [
        *found,
        *(reverse(f"console-live-{what}", args=[operation.pk]) for what in ("state", "log", "text", "events")),
    ]


def test_a_key_is_exchanged_for_a_session_that_holds_its_id_alone(api: Api, operation: Operation) -> None:  # noqa: F811
    client = log_in(api, reverse("console-operation", args=[operation.pk]))
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 8 * 3600)
    assert api.key is not None
    held = Session.objects.get().get_decoded()
    assert {name: value for name, value in held.items() if not name.startswith("_")} == {"access_key": str(api.key.pk)}
    for page in ("/console/", *pages(operation)):
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert "no-store" in answer["Cache-Control"], page
        assert answer.streaming or api.value not in answer.content.decode(), page
    client.post(reverse("console-logout"))
    assert not Session.objects.exists()
    assert client.get("/console/")["Location"] == f"{LOGIN}?next=/console/"


@pytest.mark.parametrize("value", ["", "sq_nothing", "sq_0123456789_" + "x" * 43, "键", "a\0b", "x" * 5000])
def test_what_is_no_key_is_refused_without_being_repeated(api: Api, value: str) -> None:  # noqa: F811
    answer = Client().post(LOGIN, {"key": value})
    assert answer.status_code == 403
    assert "not accepted" in answer.content.decode()
    assert not value or value[:100] not in answer.content.decode()
    assert "sessionid" not in answer.cookies


def test_a_key_in_the_address_is_not_looked_at_and_a_form_of_another_site_is_refused(api: Api) -> None:  # noqa: F811
    assert Client().get(f"{LOGIN}?key={api.value}").status_code == 200
    assert Client().get("/console/", {"key": api.value}).status_code == 302
    assert Client(enforce_csrf_checks=True).post(LOGIN, {"key": api.value}).status_code == 403
    assert not Session.objects.exists()


@pytest.mark.parametrize("onward", ["https://evil.example/console/", "//evil.example/console/", "/admin/", LOGIN])
def test_login_leads_to_own_pages_alone(api: Api, onward: str) -> None:  # noqa: F811
    answer = Client().post(LOGIN, {"key": api.value, "next": onward})
    assert answer["Location"] == "/console/"


@pytest.mark.parametrize("change", [{"active": False}, {"expires_at": timezone.now() - timedelta(seconds=1)}])
def test_a_key_that_is_withdrawn_ends_its_sessions_at_once(
    api: Api,  # noqa: F811
    operation: Operation,
    web: str,
    change: dict[str, Any],
) -> None:
    client = log_in(api)
    cookies = {"sessionid": client.cookies["sessionid"].value}
    with events_of(f"{web}{reverse('console-live-events', args=[operation.pk])}", cookies=cookies) as events:
        assert next(events)[1] == "operation"
        AccessKey.objects.update(**change)
        assert list(events) == []
    assert client.get(reverse("console-live-state", args=[operation.pk])).status_code == 401
    assert client.get("/console/").status_code == 302
    assert not Session.objects.exists()


def test_anothers_is_as_unknown_as_none(api: Api, operation: Operation) -> None:  # noqa: F811
    other = log_in(customer_api())
    assert operation.cluster.name not in other.get("/console/").content.decode()
    nothing = "00000000-0000-4000-8000-000000000000"
    for page in pages(operation):
        unknown = re.sub(r"[0-9a-f-]{36}", nothing, page)
        answers = [other.get(page), other.get(unknown), other.get(re.sub(r"[0-9a-f-]{36}", "x", page))]
        assert [answer.status_code for answer in answers] == [404] * 3, page
        texts = [re.sub(r"[0-9a-f-]{36}|csrfmiddlewaretoken.*", "", answer.content.decode()) for answer in answers[:2]]
        assert texts[0] == texts[1], page
        assert Client().get(page).status_code in (302, 401), page


def test_operators_and_customers_do_not_mix(api: Api, operation: Operation) -> None:  # noqa: F811
    client = Client()
    client.force_login(User.objects.create_superuser("op"))
    assert client.get(pages(operation)[0]).status_code == 302
    client.post(LOGIN, {"key": api.value})
    assert client.get("/admin/").status_code == 302
    assert client.get(reverse("staff-live-state", args=[operation.pk])).status_code == 401


def test_pages_are_throttled_as_the_api_is(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("clusters.api.throttling.limit", lambda: 3)
    client = log_in(api)
    answers = [client.get("/console/") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1]["Retry-After"]) >= 1
    assert api.get("whoami").status_code == 429


def test_nothing_is_changed_by_these_pages(api: Api, operation: Operation) -> None:  # noqa: F811
    client = log_in(api)
    for page in ("/console/", *pages(operation)):
        assert client.post(page).status_code == 405, page
    forms = re.findall(r'<form[^>]*action="([^"]*)"', client.get(pages(operation)[1]).content.decode())
    assert forms == [reverse("console-logout")]


def test_a_cluster_is_shown_as_last_read(api: Api, operation: Operation) -> None:  # noqa: F811
    cluster, now = operation.cluster, timezone.now()
    ends = (now + timedelta(days=5)).isoformat()
    Cluster.objects.update(state=ClusterState.DEGRADED, state_reason="coredns is unhealthy", checked_at=now)
    nodes = [{"name": "host1", "state": "unhealthy", "reason": "not ready", "kubelet_version": "v1.24.3", "gpus": {}}]
    Observation.objects.create(cluster=cluster, taken_at=now, reachable=True, nodes=nodes)
    for name, state in (("coredns", "unhealthy"), ("kruise", "healthy"), ("opencost", "absent")):
        Component.objects.create(cluster=cluster, name=name, kind="helm", state=state, reason=f"why {name}")
    certificates = {"certificates": [{"host": "host1", "path": "/etc/x.crt", "ends_at": ends}]}
    Component.objects.create(cluster=cluster, name="certificates", kind="own", state="unhealthy", details=certificates)
    Component.objects.create(cluster=cluster, name="ceph", kind="own", state="degraded")
    reading = captured("osd-down").to_json()
    CephReading.objects.create(cluster=cluster, source="toolbox", state=reading, taken_at=now, tried_at=now)
    HealthEvent.objects.create(cluster=cluster, name="coredns", old_state="healthy", new_state="unhealthy")
    client = log_in(api)
    text = client.get(pages(operation)[0]).content.decode()
    for said in ("coredns is unhealthy", "not ready", "why coredns", "kruise", "/etc/x.crt", "4 days", "HEALTH_WARN"):
        assert said in text, said
    assert "Degraded" in client.get("/console/").content.decode()
