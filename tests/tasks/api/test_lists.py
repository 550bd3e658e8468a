"""Lists over REST: orders, filters, search, fields, and what they cost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clusters.models import Backup, Cluster, Component, HealthEvent, Node, Observation, SSHCredential
from tasks.models import HostJob, Operation, Step
from tasks.plans import PLANS
from tests.api import Api, customer_api, problem, register

pytestmark = pytest.mark.integration
NOW = timezone.now()
STATES = ("ready", "degraded", "failed")


def clusters(api: Api, number: int) -> list[Cluster]:
    """Clusters whose columns are equal in part and empty in part."""
    made = Cluster.objects.bulk_create(
        Cluster(
            access_key=api.key,
            name=f"c{(n * 7) % number:02}",
            description=f"rack {n % 3}",
            state=STATES[n % 3],
            created_at=NOW - timedelta(minutes=n // 2),
            checked_at=NOW - timedelta(minutes=n % 4) if n % 4 else None,
        )
        for n in range(number)
    )
    for cluster in made:
        Component.objects.create(cluster=cluster, name="coredns", kind="builtin", state="healthy", chosen=True)
        Operation.objects.create(cluster=cluster, kind="check", mutating=False, created_at=NOW)
        Observation.objects.create(cluster=cluster, taken_at=NOW, reachable=True)
    return made


def furnish(cluster: Cluster, begin: int, end: int) -> None:
    """So many more rows of all that a cluster has lists of."""
    nodes = []
    for n in range(begin, end):
        credential = SSHCredential.objects.create(cluster=cluster, private_key="secret")
        where = {"address": f"10.9.0.{n}", "internal_address": f"10.9.0.{n}", "position": 100 + n}
        jump = nodes[-1] if nodes else None
        nodes.append(Node.objects.create(cluster=cluster, name=f"n{n}", credential=credential, jump=jump, **where))
        Component.objects.create(cluster=cluster, name=f"part{n}", kind="helm", namespace="x", state="unhealthy")
        HealthEvent.objects.create(cluster=cluster, name=f"part{n}", new_state="unhealthy", reason="it is down")
        operation = Operation.objects.create(cluster=cluster, kind="check", mutating=False, state="succeeded")
        step = Step.objects.create(operation=operation, key="read", position=0, title="Read", spec={})
        HostJob.objects.create(step=step, host="service")
        sizes = {"size": n, "sha256": "0" * 64, "revision": n, "keys": n}
        Backup.objects.create(cluster=cluster, host="a", directory="/b", name=f"s{n}", taken_at=NOW, **sizes)


def walk(api: Api, path: str, way: str = "next") -> Iterator[dict[str, Any]]:
    """The pages that are met by following `way`."""
    address: str | None = path
    while address is not None:
        page = api.get(address.partition("testserver")[2] or address).json()
        yield page
        address = page[way]


@pytest.mark.parametrize("word", ["created_at", "name", "state", "checked_at", "updated_at"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_hold_every_row_once_in_each_order(api: Api, word: str, sign: str) -> None:
    clusters(api, 11)
    whole = api.get(f"clusters?order={sign}{word}").json()["results"]
    values = [one[word] for one in whole]
    told = [value for value in values if value is not None]
    assert told == sorted(told, reverse=bool(sign))
    assert values == told + [None] * (len(values) - len(told))
    pages = list(walk(api, f"clusters?order={sign}{word}&limit=3&fields=id"))
    assert [one["id"] for page in pages for one in page["results"]] == [one["id"] for one in whole]
    assert pages[0]["previous"] is None
    back = list(walk(api, pages[-1]["previous"], "previous"))
    there_again = [one["id"] for page in reversed(back) for one in page["results"]]
    assert there_again == [one["id"] for one in whole[:9]]
    assert back[0]["next"] is not None


def test_a_cursor_stays_right_while_rows_come_and_go(api: Api) -> None:
    made = clusters(api, 9)
    first = api.get("clusters?order=name&limit=3").json()
    Cluster.objects.filter(name__in=[one["name"] for one in first["results"]]).delete()
    register(api, "a-new-one", 1)
    second = api.get(first["next"].partition("testserver")[2]).json()
    assert [one["name"] for one in second["results"]] == ["c03", "c04", "c05"]
    assert len(made) == 9
    before = api.get(second["previous"].partition("testserver")[2]).json()
    assert [one["name"] for one in before["results"]] == ["a-new-one"]
    cursor = first["next"].partition("cursor=")[2].partition("&")[0]
    for query in (f"order=-name&cursor={cursor}", f"cursor={cursor}", f"order=name&cursor={cursor[:-2]}"):
        assert problem(api.get(f"clusters?{query}"), 400, "invalid")["errors"][0]["field"] == "cursor"
    said = problem(api.get("clusters?order=pod_cidr"), 400, "invalid")
    assert (said["errors"][0]["field"], "checked_at" in said["hint"]) == ("order", True)


def test_filters_and_search(api: Api) -> None:
    made = clusters(api, 6)
    furnish(made[0], 0, 3)
    Operation.objects.filter(cluster=made[1]).update(state="failed", finished_at=NOW)
    other = register(customer_api(), "c00")
    ident = made[0].pk

    def names(query: str, field: str = "name") -> set[str]:
        answer = api.get(query)
        assert answer.status_code == 200, answer.content
        return {one[field] for one in answer.json()["results"]}

    by_state = {state: {one.name for one in made if one.state == state} for state in STATES}
    assert names("clusters?state=ready&state=failed") == by_state["ready"] | by_state["failed"]
    assert names("clusters?search=RACK%201") == by_state["degraded"]
    assert names("clusters?search=rack%20C03") == {"c03"}
    assert names("clusters?active=false") == {made[1].name}
    assert names("clusters?kubernetes_version=v9") == set()
    at = (NOW - timedelta(minutes=1)).isoformat().replace("+", "%2B")
    late = {one.name for one in made if one.created_at >= NOW - timedelta(minutes=1)}
    assert names(f"clusters?created_after={at}") == late
    assert names(f"clusters?created_before={at}") == {one.name for one in made} - late
    assert names("operations?active=false&kind=check", "state") == {"failed", "succeeded"}
    assert names(f"operations?search={made[1].name}", "state") == {"failed"}
    assert names(f"operations?cluster={other.pk}", "id") == set()
    assert names(f"operations?finished_after={at}", "state") == {"failed"}
    assert names(f"clusters/{ident}/operations?state=succeeded", "state") == {"succeeded"}
    assert names(f"clusters/{ident}/nodes?search=10.9.0.2") == {"n2"}
    assert names(f"clusters/{ident}/nodes?role_group=etcd") == set()
    assert names(f"clusters/{ident}/components?state=unhealthy&search=part1") == {"part1"}
    assert names(f"clusters/{ident}/components?chosen=true") == {"coredns"}
    assert names(f"clusters/{ident}/health-events?new_state=unhealthy&name=part2") == {"part2"}
    assert names(f"clusters/{ident}/health-events?subject=node") == set()
    for query in ("active=perhaps", "created_after=yesterday", f"search={'x' * 201}", "state=ready&state=sunny"):
        assert problem(api.get(f"clusters?{query}"), 400, "invalid")["errors"][0]["field"] == query.split("=")[0]
    assert problem(api.get(f"operations?kind={next(iter(PLANS))}x"), 400, "invalid")


def test_fields_that_are_not_asked_for_are_left_out(api: Api) -> None:
    (cluster,) = clusters(api, 1)
    assert api.get("clusters?fields=state,name,%20id").json()["results"] == [
        {"id": str(cluster.pk), "name": "c00", "state": "ready"}
    ]
    assert api.get(f"clusters/{cluster.pk}?fields=components").json() == {"components": {"healthy": 1, "total": 1}}
    operation = Operation.objects.get()
    assert api.get(f"operations/{operation.pk}?fields=state").json() == {"state": "queued"}
    assert set(api.get("clusters?fields=").json()["results"][0]) > {"pod_cidr", "active_operation"}
    for path, near in (("clusters", "state"), (f"clusters/{cluster.pk}", "state"), (f"operations/{operation.pk}", "")):
        said = problem(api.get(f"{path}?fields=id,stat,zzz"), 400, "invalid")
        assert [one["field"] for one in said["errors"]] == ["fields", "fields"]
        assert "'stat'" in said["detail"] and near in said["detail"]
        assert "created_at" in said["hint"]


LISTS = ("clusters", "operations", "overview")
OF_CLUSTER = ("nodes", "components", "health-events", "backups", "operations")


def test_every_list_and_every_field_takes_the_same_queries_for_2_and_for_20_rows(api: Api) -> None:
    def queries(path: str) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            answer = api.get(path)
            assert answer.status_code == 200, answer.content
        return [one["sql"] for one in seen.captured_queries]

    def paths(base: str) -> list[str]:
        if base == "overview":
            return [base]
        names = api.get(f"{base}?limit=1").json()["results"][0]
        return [base, f"{base}?limit=1", *(f"{base}?fields={name}" for name in names)]

    made = clusters(api, 2)
    furnish(made[0], 0, 2)
    bases = [*LISTS, *(f"clusters/{made[0].pk}/{word}" for word in OF_CLUSTER)]
    asked = [path for base in bases for path in paths(base)]
    few = {path: queries(path) for path in asked}
    furnish(made[0], 2, 20)
    for cluster in made:
        cluster.name = f"was-{cluster.name}"
        cluster.save()
    clusters(api, 18)
    for path in asked:
        many = queries(path)
        assert len(many) == len(few[path]) <= 6, (path, many)
    # What is not asked for is not read.
    (narrow,) = (one for one in queries("clusters?fields=name") if "clusters_cluster" in one)
    assert "pod_cidr" not in narrow and "clusters_component" not in narrow and "kubeconfig" not in narrow
    assert not any("private_key" in one for one in queries(f"clusters/{made[0].pk}/nodes?fields=name,status"))
    assert not any("tasks_step" in one for one in queries(f"operations/{Operation.objects.first().pk}?fields=state"))


def test_the_overview_tells_of_all_clusters_at_once(api: Api) -> None:
    made = clusters(api, 3)
    furnish(made[0], 0, 2)
    Component.objects.create(cluster=made[0], name="never-chosen", kind="helm", state="absent")
    Component.objects.filter(name="part1").update(state="degraded", chosen=True)
    register(customer_api(), "theirs")
    answer = api.get("overview")
    said = answer.json()
    assert (said["states"], said["hosts"], said["active_operations"]) == (dict.fromkeys(STATES, 1), 2, 3)
    first = said["results"][0]
    assert [one["name"] for one in said["results"]] == ["c00", "c01", "c02"]
    assert first["components"] == {"total": 3, "healthy": 1, "troubled": ["part0", "part1"]}
    assert (first["hosts"], first["reachable"], first["active_operation"]["state"]) == (2, True, "queued")
    assert api.get("overview", If_None_Match=answer["ETag"]).status_code == 304
    assert customer_api().get("overview").json()["results"] == []


def test_lists_of_equal_rows_need_no_luck(api: Api) -> None:
    """All were made at one moment, so only the id tells them apart."""
    made = register(api)
    rows: list[Model] = [Operation(cluster=made, kind="check", mutating=False, created_at=NOW) for _ in range(7)]
    Operation.objects.bulk_create(rows)  # type: ignore[arg-type]
    pages = itertools.chain.from_iterable(page["results"] for page in walk(api, "operations?limit=2&order=kind"))
    assert sorted(one["id"] for one in pages) == sorted(str(one.pk) for one in rows)


@pytest.mark.parametrize("query", ["clusters?created_before=", "operations?finished_after=", "clusters?active="])
def test_an_empty_time_or_flag_is_refused_by_its_name(api: Api, query: str) -> None:
    name = query.partition("?")[2].removesuffix("=")
    assert [error["field"] for error in problem(api.get(query), 400, "invalid")["errors"]] == [name]
