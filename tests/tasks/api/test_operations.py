"""Operations over REST: asked for, read, cancelled, retried."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clusters.models import Cluster, ClusterState
from tasks import services
from tasks.models import AuditEvent, HostJob, LogChunk, Operation, Step
from tests.api import Api, customer_api, problem, register

pytestmark = pytest.mark.integration
START: dict[str, Any] = {"kind": "install", "params": {"artifact": {"path": "/opt/artifact"}}}


@pytest.fixture
def cluster(api: Api) -> Cluster:
    return register(api)


def started(api: Api, cluster: Cluster, **body: Any) -> dict[str, Any]:
    answer = api.post(f"clusters/{cluster.pk}/operations", {**START, **body})
    assert answer.status_code == 202, answer.content
    assert answer["Location"] == f"/api/v1/operations/{answer.json()['id']}"
    operation: dict[str, Any] = answer.json()
    return operation


def chunks(operation: Operation, step: Step, host: str, *texts: str) -> None:
    job, _ = HostJob.objects.get_or_create(step=step, host=host, attempt=1)
    for text in texts:
        operation.event_seq += 1
        LogChunk.objects.create(
            operation=operation, job=job, seq=operation.event_seq, offset=job.offset, size=len(text), text=text
        )
        job.offset += len(text)
    job.save()
    operation.save()


def test_started_and_read(api: Api, cluster: Cluster) -> None:
    made = started(api, cluster)
    assert made["cluster"] == {"id": str(cluster.pk), "name": "demo"}
    assert made["state"] == "queued"
    assert made["notes"] == list(services.preview(cluster, "install", made["params"]).notes) != []
    assert "steps" not in made
    detail = api.get(f"operations/{made['id']}").json()
    keys = [step["key"] for step in detail["steps"]]
    assert keys
    assert [step["position"] for step in detail["steps"]] == list(range(len(keys)))
    assert {"state", "outcome", "tries", "progress", "note", "weight", "hosts", "error", "result"} <= set(
        detail["steps"][0]
    )
    assert "spec" not in detail["steps"][0]
    assert api.get(f"operations/{made['id']}/steps").json() == detail["steps"]
    shown = api.get(f"clusters/{cluster.pk}").json()["active_operation"]
    assert shown == {"id": made["id"], "kind": "install", "state": "queued", "progress": 0.0}
    assert AuditEvent.objects.get(action="operation.create").actor == str(api.key and made["requested_by"])


def test_a_second_change_is_told_of_the_first(api: Api, cluster: Cluster) -> None:
    first = started(api, cluster)
    said = problem(api.post(f"clusters/{cluster.pk}/operations", START), 409, "busy")
    assert said["operation"] == first["id"]
    assert first["id"] in said["hint"]
    # What changes nothing may run beside it.
    assert started(api, cluster, dry_run=True)["dry_run"] is True
    assert started(api, cluster, kind="check", params={})["kind"] == "check"
    assert api.get(f"clusters/{cluster.pk}").json()["active_operation"]["id"] == first["id"]


def test_a_backup_and_what_replaces_etcd_are_told_of_one_another(api: Api, cluster: Cluster) -> None:
    restore = {"kind": "restore", "params": {"confirm": cluster.name}}
    kinds: list[dict[str, Any]] = [
        {"kind": "backup"},
        restore,
        {"kind": "upgrade", "params": {"version": "v1.25.3", "confirm": cluster.name}},
        {"kind": "uninstall", "params": {"confirm": cluster.name}},
    ]
    address = f"clusters/{cluster.pk}/operations"
    for first, second in [*((kinds[0], other) for other in kinds), *((other, kinds[0]) for other in kinds[1:])]:
        made = api.post(address, first).json()
        said = problem(api.post(address, second), 409, "busy")
        assert (said["operation"], said["detail"]) == (made["id"], f"The {first['kind']} of this cluster is queued.")
        assert "Backups" in said["hint"] and made["id"] in said["hint"]
        Operation.objects.update(state="failed")
    assert api.post(address, restore).status_code == 202


def test_while_it_runs_the_cluster_stays(api: Api, cluster: Cluster) -> None:
    first = started(api, cluster)
    path = f"clusters/{cluster.pk}"
    for answer in (
        api.delete(path),
        api.patch(path, {"pod_cidr": "10.99.0.0/16"}),
        api.delete(f"{path}/nodes/host2"),
        api.patch(f"{path}/nodes/host2", {"roles": ["storage"]}),
    ):
        assert problem(answer, 409, "busy")["operation"] == first["id"]
    # An address may be corrected: the operation may be waiting for just that.
    assert api.patch(f"{path}/nodes/host2", {"address": "10.0.0.99"}).status_code == 200
    assert api.patch(path, {"description": "being installed"}).status_code == 200
    Operation.objects.update(state="failed")
    assert api.delete(path).status_code == 204
    assert not Operation.objects.exists()
    assert AuditEvent.objects.filter(action="cluster.delete", cluster=str(cluster.pk)).exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "instal"}, "kind"),
        ({"kind": "install", "params": {"phase": []}}, "params.phase"),
        ({"kind": "install", "params": {**START["params"], "components": ["gpu"]}}, "params.components"),
        ({"kind": "install", "params": []}, "params"),
        ({"kind": "install", "dry": True}, "dry"),
        ({"kind": 5}, "kind"),
    ],
)
def test_what_makes_no_plan_names_the_field(api: Api, cluster: Cluster, body: dict[str, Any], field: str) -> None:
    said = problem(api.post(f"clusters/{cluster.pk}/operations", body), 400, "invalid")
    (error,) = said["errors"]
    assert error["field"].startswith(field)
    assert error["message"]
    assert not Operation.objects.exists()


def test_no_more_at_once_than_the_key_may_have(db: None) -> None:
    api = customer_api(max_operations=1)
    started(api, register(api, "one"))
    other = register(api, "two")
    assert problem(api.post(f"clusters/{other.pk}/operations", START), 403, "limit-reached")["limit"] == 1


def test_cancel_twice_and_retry(api: Api, cluster: Cluster) -> None:
    made = started(api, cluster)
    path = f"operations/{made['id']}"
    problem(api.post(f"{path}/retry"), 409, "conflict")
    for _ in range(2):
        answer = api.post(f"{path}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")
    Operation.objects.update(state="cancelled")
    said = problem(api.post(f"{path}/retry", {"from_step": "nonsense"}), 400, "invalid")
    assert said["errors"][0]["field"] == "from_step"
    again = api.post(f"{path}/retry", Idempotency_Key="r1").json()
    assert (again["state"], again["attempt"]) == ("queued", 2)
    assert api.post(f"{path}/retry", Idempotency_Key="r1").json() == again
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["operation.create", "operation.cancel", "operation.retry"]


def test_a_step_shows_each_host_as_of_its_last_attempt(api: Api, cluster: Cluster) -> None:
    made = started(api, cluster)
    step = Step.objects.filter(operation=made["id"]).first()
    assert step is not None
    HostJob.objects.create(step=step, host="host1", attempt=1, state="failed", exit_code=3)
    HostJob.objects.create(step=step, host="host1", attempt=2, state="running", offset=70)
    HostJob.objects.create(step=step, host="host2", attempt=1, state="succeeded", exit_code=0)
    shown = api.get(f"operations/{made['id']}").json()["steps"][0]["hosts"]
    assert [(job["host"], job["attempt"], job["state"], job["bytes"]) for job in shown] == [
        ("host1", 2, "running", 70),
        ("host2", 1, "succeeded", 0),
    ]


def test_the_detail_takes_the_same_queries_however_many_hosts(api: Api, cluster: Cluster) -> None:
    made = started(api, cluster)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.get(f"operations/{made['id']}").status_code == 200
        return len(seen)

    queries()
    few = queries()
    for step in Step.objects.filter(operation=made["id"]):
        HostJob.objects.bulk_create(HostJob(step=step, host=f"host{n}") for n in range(1, 4))
    assert queries() == few <= 5


def test_the_list_takes_the_same_queries_for_one_and_for_many(api: Api, django_assert_max_num_queries: Any) -> None:
    for number in range(6):
        started(api, register(api, f"c{number}"))
    with django_assert_max_num_queries(3):
        rows = api.get("operations").json()["results"]
    assert [row["cluster"]["name"] for row in rows] == [f"c{number}" for number in reversed(range(6))]
    assert len(api.get("operations?kind=install&state=queued&limit=4").json()["results"]) == 4
    assert api.get("operations?kind=check").json()["results"] == []
    ours = rows[0]["cluster"]["id"]
    assert len(api.get(f"operations?cluster={ours}").json()["results"]) == 1
    assert len(api.get(f"clusters/{ours}/operations").json()["results"]) == 1
    problem(api.get("operations?state=tired"), 400, "invalid")
    problem(api.get("operations?cluster=x"), 400, "invalid")


def test_the_log_in_stretches(api: Api, cluster: Cluster) -> None:
    operation = Operation.objects.get(pk=started(api, cluster)["id"])
    one, two = Step.objects.filter(operation=operation)[:2]
    begin = operation.event_seq
    chunks(operation, one, "host1", "a\n", "b\n")
    chunks(operation, two, "host2", "c\n")
    chunks(operation, one, "host1", "d\n")
    path = f"operations/{operation.pk}/log"
    first = api.get(f"{path}?limit=2").json()
    assert [chunk["text"] for chunk in first["results"]] == ["a\n", "b\n"]
    assert [chunk["offset"] for chunk in first["results"]] == [0, 2]
    assert first["next_after"] == begin + 2
    assert first["ended"] is False
    rest = api.get(f"{path}?after={first['next_after']}").json()
    assert [(chunk["step"], chunk["host"], chunk["text"]) for chunk in rest["results"]] == [
        (two.key, "host2", "c\n"),
        (one.key, "host1", "d\n"),
    ]
    assert (rest["next_after"], rest["ended"]) == (begin + 4, False)
    assert [one["text"] for one in api.get(f"{path}?host=host2").json()["results"]] == ["c\n"]
    assert [one["text"] for one in api.get(f"{path}?tail=2").json()["results"]] == ["c\n", "d\n"]
    assert [one["text"] for one in api.get(f"{path}?step={one.key}&tail=1").json()["results"]] == ["d\n"]
    Operation.objects.update(state="succeeded")
    assert api.get(f"{path}?limit=2").json()["ended"] is False
    assert api.get(f"{path}?after={begin + 2}").json()["ended"] is True
    problem(api.get(f"{path}?after=-1"), 400, "invalid")


def test_a_removed_cluster_takes_no_operation(api: Api, cluster: Cluster) -> None:
    Cluster.objects.update(state=ClusterState.REMOVED)
    problem(api.post(f"clusters/{cluster.pk}/operations", START), 400, "invalid")


def test_what_can_be_asked_for(api: Api) -> None:
    kinds = {one["kind"]: one for one in api.get("operation-kinds").json()}
    assert {"install", "preflight", "check"} <= set(kinds)
    assert kinds["install"]["params"]["phases"]["type"] == "array"
    parts = {one["name"]: one for one in api.get("components").json()}
    assert parts["gpu-operator"]["needs"] == ["node-feature-discovery"]
    assert {"title", "kind", "namespace", "default"} <= set(parts["kserve"])


def test_later_operations_find_the_artifact_where_the_last_one_put_it(api: Api, cluster: Cluster) -> None:
    started(api, cluster, params={"artifact": {"file": "3k.tar.gz"}, "artifact_directory": "/data/3k"})
    params = {"confirm": "demo"}
    made = started(api, cluster, kind="uninstall", params=params, dry_run=True)
    assert made["params"] == {**params, "artifact": {"file": "3k.tar.gz"}, "artifact_directory": "/data/3k"}
    clean = Step.objects.get(operation=made["id"], key="clean").spec["do"]["env"]
    assert (clean["ARTIFACT"], clean["OWNER"]) == ("/data/3k", str(cluster.pk))
    body = {"kind": "uninstall", "params": {"confirm": "dem0"}}
    said = problem(api.post(f"clusters/{cluster.pk}/operations", body), 400, "invalid")
    assert "demo" in str(said)
