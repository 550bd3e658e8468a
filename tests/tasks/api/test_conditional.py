"""ETags over REST: nothing is sent twice, nothing is changed blindly, and news is waited for."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.db import connection, transaction

from clusters.api.problems import KINDS, Problem
from clusters.models import Cluster, Component, Node
from tasks import engine
from tasks.api.waiting import tagged_version
from tasks.engine.change import changing
from tasks.models import Operation
from tasks.plan import Action, Plan, StepSpec
from tests.api import KEY, Api, private_key, problem, register
from tests.asgi import asgi_server, other_connections
from tests.workers import until

pytestmark = pytest.mark.integration


def ask(api: Api, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return api._send(method, path, body, headers)


@pytest.fixture
def cluster(api: Api) -> Cluster:
    return register(api)


def test_what_the_caller_has_is_not_sent_again(api: Api, cluster: Cluster) -> None:
    operation = Operation.objects.create(cluster=cluster, kind="check", mutating=False)
    for path in (f"clusters/{cluster.pk}", f"clusters/{cluster.pk}/nodes/host1", f"operations/{operation.pk}"):
        tag = api.get(path)["ETag"]
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = api.get(path, If_None_Match=known)
            assert (again.status_code, again["ETag"], again.content) == (304, tag, b""), known
        assert api.get(path, If_None_Match='"other"').status_code == 200
        assert api.get(f"{path}?fields=state" if "nodes" not in path else f"{path}?fields=name")["ETag"] != tag
    Component.objects.create(cluster=cluster, name="coredns", kind="builtin", state="healthy", chosen=True)
    Node.objects.filter(name="host1").update(facts={"cpus": 4})
    Operation.objects.update(state="running")
    for path in (f"clusters/{cluster.pk}", f"clusters/{cluster.pk}/nodes/host1", f"operations/{operation.pk}"):
        assert api.get(path, If_None_Match=tag).status_code == 200


def test_a_change_of_what_has_changed_is_refused(api: Api, cluster: Cluster) -> None:
    path = f"clusters/{cluster.pk}"
    tag = api.get(path)["ETag"]
    # A reading of the health is no change of what the caller changes.
    Cluster.objects.update(state="ready", checked_at="2026-01-01T00:00:00Z")
    changed = ask(api, "patch", path, {"description": "mine"}, If_Match=tag)
    assert (changed.status_code, changed.json()["description"]) == (200, "mine")
    assert changed["ETag"] == api.get(path)["ETag"] != tag
    for stale in (tag, '"other"', f"W/{changed['ETag']}", "no-quotes"):
        for method, body in (("patch", {"description": "yours"}), ("delete", None)):
            assert problem(ask(api, method, path, body, If_Match=stale), 412, "precondition-failed")["hint"]
    assert Cluster.objects.get().description == "mine"
    # A secret is not shown, but that it was changed is known.
    assert api.patch(path, {"registry_password": "harbour-word"}).status_code == 200
    problem(ask(api, "patch", path, {"description": "yours"}, If_Match=changed["ETag"]), 412, "precondition-failed")
    assert ask(api, "patch", path, {"description": "any"}, If_Match="*").status_code == 200
    now = api.get(path)["ETag"]
    assert ask(api, "delete", path, If_Match=f'"other", {now}').status_code == 204


def test_a_host_is_changed_as_it_is_known(api: Api, cluster: Cluster) -> None:
    path = f"clusters/{cluster.pk}/nodes/host2"
    tag = api.get(path)["ETag"]
    Node.objects.filter(name="host2").update(facts={"cpus": 4})
    changed = ask(api, "patch", path, {"port": 2222}, If_Match=tag)
    assert (changed.status_code, changed["ETag"]) == (200, api.get(path)["ETag"])
    assert api.patch(path, {"private_key": private_key()}).status_code == 200
    for method, body in (("patch", {"port": 22}), ("delete", None)):
        problem(ask(api, method, path, body, If_Match=changed["ETag"]), 412, "precondition-failed")
    assert Node.objects.get(name="host2").port == 2222
    assert ask(api, "delete", path, If_Match=api.get(path)["ETag"]).status_code == 204
    assert KEY not in tag


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_once_one_is_refused(api: Api) -> None:
    """The tag is compared under the row's lock: whoever comes second sees what the first has done."""
    cluster = register(api)
    path = f"clusters/{cluster.pk}"
    tag = api.get(path)["ETag"]
    answers: list[int] = []

    def change() -> None:
        answers.append(ask(Api(api.value), "patch", path, {"description": "second"}, If_Match=tag).status_code)
        connection.close()

    def waits_for_the_row() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0])

    with transaction.atomic():
        first = Cluster.objects.select_for_update().get()
        second = threading.Thread(target=change)
        second.start()
        until(waits_for_the_row, what="the second waits for the first")
        first.description = "first"
        first.save()
    second.join()
    assert answers == [412]
    assert Cluster.objects.get().description == "first"


def test_whoever_is_sent_away_for_now_is_told_for_how_long() -> None:
    for kind in KINDS.values():
        assert ("Retry-After" in Problem(kind.slug).headers) == (kind.status in (429, 503)), kind.slug
    assert Problem("throttled", headers={"Retry-After": "9"}).headers["Retry-After"] == "9"


def requests_counted(name: str) -> int:
    """How many requests the key under this name in the cache has sent lately."""
    store = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
    return sum(int(store.get(key) or 0) for key in store.scan_iter(f"*{name}*"))  # type: ignore[arg-type]


@pytest.fixture
def operation(api: Api) -> Operation:
    plan = Plan("check", (StepSpec("read", "Read", Action("check-health")),), mutating=False)
    return engine.create(register(api), plan, {})


@pytest.mark.django_db(transaction=True)
def test_many_wait_for_news_and_hold_up_nobody(api: Api, operation: Operation) -> None:
    path = f"/api/v1/operations/{operation.pk}"
    headers = {"Authorization": f"Bearer {api.value}"}
    with asgi_server() as base, httpx.Client(base_url=base, headers=headers, timeout=90) as client:
        tag = client.get(path).headers["ETag"]
        answers: list[httpx.Response] = []

        def wait(query: str, **more: str) -> None:
            answers.append(httpx.get(f"{base}{path}?{query}", headers={**headers, **more}, timeout=90))

        begin = time.monotonic()
        wait("wait=60")
        wait("wait=60&after=0")
        wait("wait=60&after=latest")
        wait("wait=1", **{"If-None-Match": tag})
        assert [one.status_code for one in answers] == [200, 200, 400, 304]
        assert time.monotonic() - begin < 60
        answers.clear()
        seen = int(tagged_version(client.get(path)))  # type: ignore[arg-type]
        queries: list[tuple[str, dict[str, str]]] = [("wait=60", {"If-None-Match": tag}), (f"wait=60&after={seen}", {})]
        threads = [threading.Thread(target=wait, args=(query,), kwargs=more) for query, more in queries * 15]
        counted = f"requests:{operation.cluster.access_key.hash[:20]}:"
        before = requests_counted(counted)
        for thread in threads:
            thread.start()
        until(lambda: requests_counted(counted) >= before + len(threads), what="all are waiting")
        # The pool may be as large as the threads that look, never as the requests that wait.
        until(lambda: len(other_connections()) <= 12, 10, "connections given back")
        assert "idle in transaction" not in other_connections()
        assert client.get("/api/v1/whoami").status_code == 200
        assert not answers
        with changing(operation.pk) as change:
            assert change is not None
            change.set(progress=50.0)
            change.operation_event()
        for thread in threads:
            thread.join()
    assert [one.status_code for one in answers] == [200] * len(threads)
    assert {one.json()["progress"] for one in answers} == {50.0}
