"""Access keys over REST: listed, issued, changed, rotated, revoked; scopes of operations; each change in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from clusters.api.scopes import ADMIN, KINDS
from clusters.models import AccessKey, Cluster, Customer, IdempotentRequest
from tasks.models import AuditEvent, Operation
from tasks.plans import PLANS
from tests.api import Api, customer_api, hosts, problem, register

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def issued(api: Api, scope: str = "admin", **fields: Any) -> tuple[dict[str, Any], Api]:
    answer = api.post("access-keys", {"scope": scope, **fields})
    assert answer.status_code == 201, answer.content
    row = answer.json()
    return row, Api(row["value"], AccessKey.objects.get(pk=row["id"]))


def audited(action: str) -> list[Mapping[str, Any]]:
    return list(AuditEvent.objects.filter(action=action).order_by("id").values_list("detail", flat=True))


def test_a_key_is_shown_once_and_listed_without_its_value(api: Api) -> None:
    row, new = issued(api, "read", name="console")
    assert (row["name"], row["scope"], row["active"], row["expires_at"]) == ("console", "read", True, None)
    assert new.get("whoami").json()["access_key"]["scope"] == "read"
    listed = api.get("access-keys")
    assert [one["prefix"] for one in listed.json()["results"]] == [row["prefix"], api.key and api.key.prefix]
    assert [one["current"] for one in listed.json()["results"]] == [False, True]
    assert listed.json()["results"][0]["last_used_at"]
    for text in (listed.content.decode(), str(audited("access-key.create"))):
        assert row["value"] not in text and "hash" not in text
    assert audited("access-key.create") == [
        {"key": row["prefix"], "name": "console", "scope": "read", "expires_at": None}
    ]
    problem(api.post("access-keys", {}), 400, "invalid")
    problem(api.post("access-keys", {"scope": "root"}), 400, "invalid")


def test_a_repeat_gets_the_same_key_which_is_kept_encrypted(api: Api) -> None:
    first = api.post("access-keys", {"scope": "read"}, idempotency_key="once")
    again = api.post("access-keys", {"scope": "read"}, idempotency_key="once")
    assert again["Idempotency-Replayed"] == "true" and again.json() == first.json()
    assert first["Cache-Control"] == again["Cache-Control"] == "no-store"
    kept = IdempotentRequest.objects.get()
    assert kept.body is None and first.json()["value"] in kept.sealed
    assert AccessKey.objects.count() == 2


def test_a_key_gives_no_more_than_it_has(api: Api) -> None:
    soon, later = timezone.now() + timedelta(days=1), timezone.now() + timedelta(days=2)
    assert api.key is not None
    AccessKey.objects.filter(pk=api.key.pk).update(max_clusters=1, expires_at=soon)
    told = problem(api.post("access-keys", {"scope": "read", "expires_at": later.isoformat()}), 400, "invalid")
    assert told["errors"][0]["field"] == "expires_at" and "ends" in told["detail"]
    problem(api.post("access-keys", {"scope": "read", "expires_at": None}), 400, "invalid")
    past = (timezone.now() - timedelta(seconds=1)).isoformat()
    problem(api.post("access-keys", {"scope": "read", "expires_at": past}), 400, "invalid")
    row, new = issued(api, "operate")
    assert datetime.fromisoformat(row["expires_at"]) == soon
    problem(api.patch(f"access-keys/{row['id']}", {"expires_at": None}), 400, "invalid")
    problem(api.patch(f"access-keys/{api.key.pk}", {"expires_at": later.isoformat()}), 400, "invalid")
    problem(api.post(f"access-keys/{api.key.pk}/rotate", {"expires_at": later.isoformat()}), 400, "invalid")
    # Limits are the customer's: a further key is no way around them.
    register(api)
    told = problem(new.post("clusters", {"name": "two", "hosts": hosts()}), 403, "limit-reached")
    assert told["limit"] == 1
    assert new.get("whoami").json()["usage"]["clusters"] == 1


def test_a_change_counts_at_once(api: Api) -> None:
    row, new = issued(api, "admin", name="before")
    path = f"access-keys/{row['id']}"
    changed = api.patch(path, {"name": "after", "scope": "read"}).json()
    assert (changed["name"], changed["scope"]) == ("after", "read")
    problem(new.get("access-keys"), 403, "insufficient-scope")
    assert new.get("clusters").status_code == 200
    assert audited("access-key.update") == [{"key": row["prefix"], "name": "after", "scope": "read"}]
    assert api.patch(path, {}).status_code == 200 and len(audited("access-key.update")) == 1
    problem(api.patch(path, {"value": "sq_mine"}), 400, "invalid")
    problem(customer_api().patch(path, {"name": "theirs"}), 404, "not-found")


def test_a_revoked_key_opens_nothing_from_now_on(api: Api) -> None:
    row, new = issued(api)
    assert new.get("clusters").status_code == 200
    assert api.post(f"access-keys/{row['id']}/revoke").json()["active"] is False
    problem(new.get("clusters"), 401, "not-authenticated")
    assert api.post(f"access-keys/{row['id']}/revoke").status_code == 200
    assert audited("access-key.revoke") == [{"key": row["prefix"]}]


def test_the_last_admin_key_goes_only_by_force(api: Api) -> None:
    assert api.key is not None
    path, soon = f"access-keys/{api.key.pk}", (timezone.now() + timedelta(days=1)).isoformat()
    issued(api, "operate")
    problem(api.post(f"{path}/revoke"), 409, "last-admin-key")
    problem(api.patch(path, {"scope": "operate"}), 409, "last-admin-key")
    problem(api.patch(path, {"expires_at": soon}), 409, "last-admin-key")
    problem(api.post(f"{path}/rotate", {"expires_at": soon}), 409, "last-admin-key")
    # A key that was rotated ends soon and does not count.
    successor = api.post(f"{path}/rotate").json()
    problem(api.post(f"access-keys/{successor['id']}/revoke"), 409, "last-admin-key")
    assert api.post(f"{path}/revoke").status_code == 200
    last = Api(successor["value"])
    assert last.post(f"access-keys/{successor['id']}/revoke", {"force": True}).json()["active"] is False
    problem(last.get("whoami"), 401, "not-authenticated")
    assert audited("access-key.revoke")[-1] == {"key": successor["prefix"], "force": True}


def test_a_successor_has_the_clusters_at_once_and_the_old_key_until_the_overlap_ends(api: Api) -> None:
    assert api.key is not None
    mine, (_, other) = register(api), issued(api, name="other")
    theirs = register(other, "theirs")
    AccessKey.objects.filter(pk=api.key.pk).update(scope="admin", max_hosts=7, name="console")
    before = timezone.now()
    answer = api.post(f"access-keys/{api.key.pk}/rotate", {"overlap_hours": 2})
    after = timezone.now()
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert answer["Location"] == f"/api/v1/access-keys/{row['id']}"
    assert (row["name"], row["scope"], row["expires_at"], row["clusters"]) == ("console", "admin", None, 1)
    assert row["taken_over"] == [{"id": str(mine.pk), "name": "demo"}]
    ends = datetime.fromisoformat(row["replaces"]["expires_at"])
    assert before + timedelta(hours=2) <= ends <= after + timedelta(hours=2)

    successor = Api(row["value"], AccessKey.objects.get(pk=row["id"]))
    assert successor.key is not None and successor.key.max_hosts == 7
    for one in (api, successor):
        assert one.get(f"clusters/{mine.pk}").status_code == 200
    held = dict(Cluster.objects.values_list("name", "access_key__prefix"))
    assert held == {"demo": row["prefix"], "theirs": other.key and other.key.prefix}
    # What the old key registers in the overlap is the successor's, too.
    assert api.post("clusters", {"name": "late", "hosts": hosts()}).status_code == 201
    assert Cluster.objects.get(name="late").access_key == successor.key
    told = problem(api.post(f"access-keys/{api.key.pk}/rotate"), 409, "conflict")
    assert row["prefix"] in told["detail"]
    problem(successor.patch(f"access-keys/{api.key.pk}", {"expires_at": None}), 400, "invalid")
    problem(successor.post(f"clusters/{theirs.pk}/access-key", {"access_key": api.value}), 400, "invalid")

    AccessKey.objects.filter(pk=api.key.pk).update(expires_at=timezone.now())
    problem(api.get("whoami"), 401, "access-key-expired")
    assert successor.get(f"clusters/{mine.pk}").status_code == 200
    assert audited("access-key.rotate")[0]["successor"] == row["prefix"]
    event = AuditEvent.objects.get(action="cluster.access-key")
    assert (event.cluster, event.detail) == (str(mine.pk), {"from": api.key.prefix, "to": row["prefix"]})


def test_an_overlap_of_nothing_and_a_key_that_ended(api: Api) -> None:
    row, new = issued(api, "read", expires_at=(timezone.now() + timedelta(days=9)).isoformat())
    successor = api.post(f"access-keys/{row['id']}/rotate", {"overlap_hours": 0}).json()
    assert successor["expires_at"] == row["expires_at"]
    problem(new.get("whoami"), 401, "access-key-expired")
    AccessKey.objects.filter(pk=successor["id"]).update(expires_at=timezone.now())
    again = api.post(f"access-keys/{successor['id']}/rotate").json()
    assert (again["scope"], again["expires_at"]) == ("read", None)
    problem(api.post(f"access-keys/{again['id']}/rotate", {"overlap_hours": 10_000}), 400, "invalid")


def test_what_destroys_or_hands_out_logins_needs_an_admin_key(api: Api) -> None:
    cluster, (_, worker) = register(api), issued(api, "operate")
    path = f"clusters/{cluster.pk}/operations"
    uninstall = {"kind": "uninstall", "params": {"confirm": cluster.name}}
    told = problem(worker.post(path, uninstall), 403, "insufficient-scope")
    assert told["scope"] == "admin" and "uninstall" in told["detail"]
    assert worker.post(path, {**uninstall, "dry_run": True}).status_code == 202
    Operation.objects.all().delete()
    made = api.post(path, uninstall).json()
    assert worker.post(f"operations/{made['id']}/cancel").status_code == 202
    Operation.objects.update(state="cancelled")
    problem(worker.post(f"operations/{made['id']}/retry"), 403, "insufficient-scope")
    assert api.post(f"operations/{made['id']}/retry").status_code == 202


def test_every_kind_that_takes_secrets_or_loses_data_is_for_admins() -> None:
    assert set(KINDS) <= set(PLANS) and set(KINDS.values()) == {ADMIN}
    # An upgrade and a rollback ask for the name too, and lose nothing.
    confirmed = {kind for kind, plan in PLANS.items() if "confirm" in plan.params} - {"upgrade", "rollback"}
    assert {kind for kind, plan in PLANS.items() if plan.secrets} | confirmed | {"rotate-access-key"} == set(KINDS)


def test_the_database_keeps_clusters_with_their_customer(api: Api) -> None:
    assert api.key is not None
    cluster = register(api)
    another = Customer.objects.create(name="another")
    Cluster.objects.filter(pk=cluster.pk).update(customer=another)
    cluster.refresh_from_db()
    assert cluster.customer == api.key.customer
    with pytest.raises(DatabaseError, match="stays with its customer"), transaction.atomic():
        AccessKey.objects.filter(pk=api.key.pk).update(customer=another)
