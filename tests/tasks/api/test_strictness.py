"""What the schema forbids is refused with a problem, not repaired, and not the service's mistake."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from tests.api import Api, hosts, problem, register

pytestmark = pytest.mark.integration


def _fields(answer: Any) -> list[str]:
    return [one["field"] for one in problem(answer, 400, "invalid")["errors"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "preflight", "dry_run": "no"}, "dry_run"),
        ({"kind": "preflight", "dry_run": 0}, "dry_run"),
        ({"kind": 7}, "kind"),
        ({"kind": "rotate-ssh-key", "secrets": {"passphrase": 7}}, "secrets.passphrase"),
    ],
)
def test_a_value_of_another_type_is_not_repaired(api: Api, body: dict[str, Any], field: str) -> None:
    cluster = register(api)
    assert _fields(api.post(f"clusters/{cluster.pk}/operations", body)) == [field]


def test_types_are_asked_for_at_every_depth(api: Api) -> None:
    cluster = register(api)
    assert _fields(api.patch(f"clusters/{cluster.pk}", {"drift_hours": "24"})) == ["drift_hours"]
    body = {"hosts": hosts(), "settings": {"control_plane_port": True}, "role_groups": {"worker": ["host1", 2]}}
    found = _fields(api.post("clusters/validate", body))
    assert found == ["role_groups.worker[1]"]
    assert _fields(api.post("clusters/validate", {**body, "role_groups": {}})) == ["settings.control_plane_port"]


def test_a_retry_takes_an_object_or_nothing(api: Api) -> None:
    operation = api.post(f"clusters/{register(api).pk}/operations", {"kind": "preflight"}).json()["id"]
    headers = {"Authorization": f"Bearer {api.value}"}
    address = f"/api/v1/operations/{operation}/retry"
    for body in ("[]", '""', "false", "0", "null"):
        problem(Client().post(address, body, "application/json", headers=headers), 400, "invalid")
    problem(Client().generic("POST", address, headers=headers), 409, "conflict")


@pytest.mark.parametrize("position", ["yesterday", "2026-99-99", "\0", "9" * 40, "NaN"])
@pytest.mark.parametrize(
    "path", ["clusters", "clusters/{}/nodes", "clusters/{}/components", "clusters/{}/health-events"]
)
def test_a_cursor_that_is_none_of_ours_is_refused(api: Api, path: str, position: str) -> None:
    cursor = base64.b64encode(f"p={quote(position)}".encode()).decode()
    answer = api.get(f"{path.format(register(api).pk)}?cursor={quote(cursor)}")
    assert answer.status_code == 200 or _fields(answer) == ["cursor"]


def test_texts_of_the_query_hold_no_nul(api: Api) -> None:
    operation = api.post(f"clusters/{register(api).pk}/operations", {"kind": "preflight"}).json()["id"]
    for name in ("step", "host"):
        assert _fields(api.get(f"operations/{operation}/log?{name}=a%00b")) == [name]


def test_a_number_of_any_length_is_cut_to_the_largest(api: Api) -> None:
    assert api.get(f"clusters?limit={'9' * 5000}").status_code == 200
    assert api.get("clusters?limit=000000000000000000000000007").status_code == 200
    assert _fields(api.get(f"clusters?limit={'0' * 5000}")) == ["limit"]


def test_a_body_is_json_by_its_name_too(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.value}"}
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        answer = Client().post("/api/v1/clusters/validate", "{}", content_type=kind, headers=headers)
        problem(answer, 415, "unsupported-media-type")
    answer = Client().post(
        "/api/v1/clusters/validate", "{}", content_type="application/json; charset=utf-8", headers=headers
    )
    problem(answer, 400, "invalid")


def test_a_method_that_is_not_taken_is_answered_with_those_that_are(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.value}"}
    for method in ("OPTIONS", "PUT", "TRACE"):
        answer = Client().generic(method, "/api/v1/whoami", headers=headers)
        problem(answer, 405, "method-not-allowed")
        assert answer["Allow"] == "GET, HEAD"


def test_a_host_that_is_reached_directly_has_no_jump(api: Api) -> None:
    assert api.get(f"clusters/{register(api).pk}/nodes/host1").json()["jump"] is None


def test_replacing_credentials_may_be_repeated(api: Api) -> None:
    address, body = f"clusters/{register(api).pk}/credentials", {"hosts": hosts()}
    first = api.post(address, body, Idempotency_Key="once")
    again = api.post(address, body, Idempotency_Key="once")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"


def test_adding_hosts_tells_where_they_are(api: Api) -> None:
    cluster = register(api, number=2)
    answer = api.post(f"clusters/{cluster.pk}/new-nodes", {"hosts": hosts(3)})
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == f"/api/v1/clusters/{cluster.pk}/nodes"
