"""Every address of the API x every kind of caller, made from the URL patterns: an address without a row fails.

A row says what scope the address needs, and how the customer's own request with a key of just that scope ends.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clusters.api.scopes import ENDPOINTS, OPERATORS
from clusters.models import AccessKey, CephReading, Cluster
from clusters.secrets import new_access_key
from sanqian_service.urls import urlpatterns as all_patterns
from tasks.api.urls import urlpatterns
from tasks.models import Operation
from tasks.webhooks import endpoints
from tasks.webhooks.models import WebhookDelivery
from tests.api import KEY, Api, customer_api, hosts, problem, register
from tests.clusters.ceph.captured import captured

# The event stream reads on a thread of its own, so what is there must be committed.
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
READ, OPERATE, ADMIN = "read", "operate", "admin"
SCOPES = (READ, OPERATE, ADMIN)
# Addresses outside of /api/v1/, none of which takes an access key in a header; console/ has a form for it.
OTHERS = {"admin/fleet/", "admin/fleet/part/", "admin/dashboard/part/", "admin/live/", "admin/", "console/"}
OTHERS |= {"livez", "readyz", "metrics", "api/v1/", "api/schema/", "api/docs/", "^api/"}
HOST = {"name": "host9", "address": "10.0.0.9", "roles": ["worker"], "private_key": KEY}


@dataclass
class Ours:
    """What one customer has: two keys of scope admin, a cluster, a failed operation, a delivery to a webhook."""

    api: Api
    second: Api
    cluster: Cluster
    operation: Operation
    delivery: WebhookDelivery

    def path(self, route: str, known: bool = True) -> str:
        """The address of what is ours, or of nothing of that kind."""
        assert self.second.key is not None
        ids = {"cluster_id": self.cluster.pk, "operation_id": self.operation.pk, "key_id": self.second.key.pk}
        ids |= {"webhook_id": self.delivery.endpoint_id, "delivery_id": self.delivery.pk}
        values = {**(ids if known else dict.fromkeys(ids, uuid.uuid4())), "name": "host3"}
        return re.sub(r"<str:(\w+)>", lambda found: str(values[found[1]]), route)


Body = dict[str, Any]
ROWS: dict[str, tuple[str, int, Body | Callable[[Ours], Body]]] = {
    "GET whoami": (READ, 200, {}),
    "GET service": (READ, 200, {}),
    "GET events": (READ, 200, {}),
    "GET events/stream": (READ, 200, {}),
    "GET access-keys": (ADMIN, 200, {}),
    "POST access-keys": (ADMIN, 201, {"scope": "read"}),
    "GET access-keys/<str:key_id>": (ADMIN, 200, {}),
    "PATCH access-keys/<str:key_id>": (ADMIN, 200, {"name": "renamed"}),
    "POST access-keys/<str:key_id>/rotate": (ADMIN, 201, {}),
    "POST access-keys/<str:key_id>/revoke": (ADMIN, 200, {}),
    "GET clusters": (READ, 200, {}),
    "POST clusters": (OPERATE, 201, {"name": "another", "hosts": hosts()}),
    "POST clusters/validate": (READ, 200, {"name": "another", "hosts": hosts()}),
    "POST clusters/import": (OPERATE, 202, {"name": "adopted", "hosts": hosts()}),
    "GET clusters/<str:cluster_id>": (READ, 200, {}),
    "PATCH clusters/<str:cluster_id>": (OPERATE, 200, {"description": "changed"}),
    "DELETE clusters/<str:cluster_id>": (ADMIN, 204, {}),
    "POST clusters/<str:cluster_id>/import": (OPERATE, 202, {}),
    "POST clusters/<str:cluster_id>/credentials": (OPERATE, 200, {"hosts": hosts()}),
    "POST clusters/<str:cluster_id>/access-key": (ADMIN, 200, lambda ours: {"access_key": ours.second.value}),
    "GET clusters/<str:cluster_id>/configuration": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/kubeconfig": (ADMIN, 200, {}),
    "GET clusters/<str:cluster_id>/nodes": (READ, 200, {}),
    "POST clusters/<str:cluster_id>/nodes": (OPERATE, 201, HOST),
    "POST clusters/<str:cluster_id>/new-nodes": (OPERATE, 200, {"hosts": hosts()}),
    "GET clusters/<str:cluster_id>/nodes/<str:name>": (READ, 200, {}),
    "PATCH clusters/<str:cluster_id>/nodes/<str:name>": (OPERATE, 200, {"user": "ops"}),
    "DELETE clusters/<str:cluster_id>/nodes/<str:name>": (OPERATE, 204, {}),
    "GET clusters/<str:cluster_id>/components": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/health-events": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/health": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/backups": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/certificates": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/pods": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/ceph": (READ, 200, {}),
    "GET clusters/<str:cluster_id>/operations": (READ, 200, {}),
    "POST clusters/<str:cluster_id>/operations": (OPERATE, 202, {"kind": "check"}),
    "GET overview": (READ, 200, {}),
    "GET operations": (READ, 200, {}),
    "GET operations/<str:operation_id>": (READ, 200, {}),
    "GET operations/<str:operation_id>/steps": (READ, 200, {}),
    "GET operations/<str:operation_id>/log": (READ, 200, {}),
    "POST operations/<str:operation_id>/cancel": (OPERATE, 202, {}),
    "POST operations/<str:operation_id>/retry": (OPERATE, 202, {}),
    "GET operations/<str:operation_id>/events": (READ, 200, {}),
    "GET webhooks": (READ, 200, {}),
    "POST webhooks": (ADMIN, 201, {"url": "https://hooks.example.com/other"}),
    "GET webhooks/<str:webhook_id>": (READ, 200, {}),
    "PATCH webhooks/<str:webhook_id>": (ADMIN, 200, {"description": "changed"}),
    "DELETE webhooks/<str:webhook_id>": (ADMIN, 204, {}),
    "POST webhooks/<str:webhook_id>/ping": (OPERATE, 202, {}),
    "POST webhooks/<str:webhook_id>/replay": (OPERATE, 202, {"since": "2026-01-01T00:00:00Z"}),
    "POST webhooks/<str:webhook_id>/rotate-secret": (ADMIN, 200, {}),
    "GET webhooks/<str:webhook_id>/deliveries": (READ, 200, {}),
    "GET webhooks/<str:webhook_id>/deliveries/<str:delivery_id>": (READ, 200, {}),
    "POST webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/replay": (OPERATE, 202, {}),
    "GET webhook-event-types": (READ, 200, {}),
    "GET operation-kinds": (READ, 200, {}),
    "GET components": (READ, 200, {}),
    # An operator's, with a name and a password.
    "GET fleet": ("", 0, {}),
}
OF_KEYS = {address: row for address, row in ROWS.items() if row[0]}


def addresses() -> Iterator[str]:
    for one in urlpatterns:
        # The event streams are the views that are not DRF's.
        methods = getattr(one.callback, "actions", {"get": ""})
        yield from (f"{method.upper()} {one.pattern}" for method in methods if method != "head")


@pytest.fixture
def ours(api: Api) -> Ours:
    return of(api)


def of(api: Api) -> Ours:
    """What the matrix asks for, of this customer."""
    assert api.key is not None
    key, value = AccessKey.objects.issue(api.key.customer, name="second")
    cluster = register(api, name=f"demo-{Cluster.objects.count()}")
    Cluster.objects.filter(pk=cluster.pk).update(kubeconfig="kind: Config")
    state, now = captured("osd-down").to_json(), timezone.now()
    CephReading.objects.create(cluster=cluster, taken_at=now, tried_at=now, source="toolbox", state=state)
    operation = Operation.objects.create(cluster=cluster, kind="check", mutating=False, state="failed")
    webhook = endpoints.create(api.key, {"url": "https://hooks.example.com/ours"}, actor="test")
    return Ours(api, Api(value, key), cluster, operation, endpoints.ping(webhook, actor="test"))


def ask(caller: Api, ours: Ours, address: str, known: bool = True) -> Any:
    method, route = address.split(" ")
    body = ROWS[address][2]
    path = ours.path(route, known)
    send = getattr(caller, method.lower())
    return send(path, body(ours) if callable(body) else body) if method in ("POST", "PATCH") else send(path)


def with_scope(ours: Ours, scope: str) -> Api:
    assert ours.api.key is not None
    key, value = AccessKey.objects.issue(ours.api.key.customer, scope=scope)
    return Api(value, key)


def test_every_address_has_a_row_here_and_a_scope_there() -> None:
    assert set(ROWS) == set(addresses())
    table = {f"{method} {route}": scope for route, methods in ENDPOINTS.items() for method, scope in methods.items()}
    assert table == {address: row[0] for address, row in OF_KEYS.items()}
    assert {address.split(" ")[1] for address in ROWS if address not in OF_KEYS} == OPERATORS
    assert {str(one.pattern) for one in all_patterns} == OTHERS


def test_ones_own_with_just_the_scope_that_is_needed() -> None:
    for address, (scope, status, _) in OF_KEYS.items():
        ours = of(customer_api())
        answer = ask(with_scope(ours, scope), ours, address)
        assert answer.status_code == status, (address, getattr(answer, "content", b"")[:500])
        answer.close()


def test_a_scope_that_does_not_reach_is_named(ours: Ours) -> None:
    for scope in (READ, OPERATE):
        caller = with_scope(ours, scope)
        for address, (needed, _, _) in OF_KEYS.items():
            if SCOPES.index(scope) < SCOPES.index(needed):
                answer = ask(caller, ours, address)
                assert problem(answer, 403, "insufficient-scope")["scope"] == needed, address
                assert f'error="insufficient_scope", scope="{needed}"' in answer["WWW-Authenticate"]
    ours.cluster.refresh_from_db()
    assert (ours.cluster.description, ours.cluster.access_key) == ("", ours.api.key)


def test_anothers_is_as_unknown_as_none(ours: Ours) -> None:
    assert ours.api.key is not None and ours.second.key is not None
    stranger = customer_api()
    secret = {str(ours.cluster.pk), str(ours.operation.pk), ours.cluster.name, ours.api.key.prefix}
    for address in OF_KEYS:
        answer = ask(stranger, ours, address)
        if "<" not in address:
            assert answer.status_code < 300, address
            # A stream has no end; tests/tasks/api/test_feed_stream.py asks whose changes it tells.
            assert answer.streaming or not [one for one in secret if one in answer.content.decode()], address
            answer.close()
            continue
        theirs = problem(answer, 404, "not-found")
        nobodys = problem(ask(stranger, ours, address, known=False), 404, "not-found")
        assert {**theirs, "instance": ""} == {**nobodys, "instance": ""}, address
    assert stranger.get(f"operations?cluster={ours.cluster.pk}").json()["results"] == []
    ours.second.key.refresh_from_db()
    assert ours.second.key.active and Operation.objects.filter(cluster=ours.cluster).count() == 1


def test_all_keys_of_a_customer_see_the_same(ours: Ours) -> None:
    for address, (_, status, _) in OF_KEYS.items():
        if address.startswith("GET"):
            answer = ask(ours.second, ours, address)
            assert answer.status_code == status, address
            answer.close()


def test_no_usable_key_opens_nothing(ours: Ours, settings: Any) -> None:
    settings.WRONG_KEYS = 0
    assert ours.api.key is not None
    off, expired = with_scope(ours, ADMIN), with_scope(ours, ADMIN)
    AccessKey.objects.filter(pk=off.key and off.key.pk).update(active=False)
    past = timezone.now() - timedelta(seconds=1)
    AccessKey.objects.filter(pk=expired.key and expired.key.pk).update(expires_at=past)
    wrong = ours.api.value[:-4] + ("aaaa" if not ours.api.value.endswith("aaaa") else "bbbb")
    nobodys = ("", new_access_key()[1], "sq_' OR 1=1", wrong, off.value)
    callers = [*((Api(value), "not-authenticated") for value in nobodys), (expired, "access-key-expired")]
    for caller, slug in callers:
        for address in OF_KEYS:
            answer = ask(caller, ours, address)
            said = problem(answer, 401, slug)
            assert said["detail"] and said["hint"], address
            assert answer["WWW-Authenticate"].startswith("Bearer")
    assert Cluster.objects.count() == 1


def test_what_is_an_operators_no_key_opens(ours: Ours) -> None:
    for address in ROWS.keys() - OF_KEYS.keys():
        problem(ask(ours.api, ours, address), 403, "not-allowed")
        problem(ask(Api(""), ours, address), 401, "not-authenticated")
