"""Importing clusters over REST: what is stored at once, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import AccessKey, Cluster, ClusterState
from tasks.models import AuditEvent, Operation
from tests.api import KEY, Api, customer_api, hosts, problem, register
from tests.clusters.api_server import Api as Kubernetes

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture(scope="module")
def kubeconfig() -> str:
    made = Kubernetes()
    try:
        return made.kubeconfig(server="https://192.0.2.1:6443")
    finally:
        made.remove()


def bare(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"name": f"host{n}", "address": f"10.0.0.{n}", "private_key": KEY, **changes} for n in numbers]


def test_hosts_without_role_groups_are_enough(api: Api) -> None:
    answer = api.post("clusters/import", {"name": "theirs", "hosts": bare(1, 2), "dry_run": True})
    assert answer.status_code == 202, answer.content
    assert answer["Location"] == f"/api/v1/operations/{answer.json()['id']}"
    operation = Operation.objects.get(pk=answer.json()["id"])
    assert (operation.kind, operation.dry_run, operation.mutating) == ("import", True, False)
    assert [step.key for step in operation.steps.order_by("position")] == [
        *("cluster", "hosts", "match", "record", "health", "certificates")
    ]
    cluster = operation.cluster
    assert (cluster.name, cluster.state, cluster.nodes.count()) == ("theirs", ClusterState.REGISTERED, 2)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "cluster.create",
        "operation.create",
    ]


def test_a_kubeconfig_alone_is_kept_as_a_secret(api: Api, kubeconfig: str) -> None:
    answer = api.post("clusters/import", {"name": "seen", "kubeconfig": kubeconfig})
    cluster = Cluster.objects.get(pk=answer.json()["cluster"]["id"])
    assert (cluster.kubeconfig, cluster.nodes.count()) == (kubeconfig, 0)
    assert "client-key-data" not in str([answer.json(), list(AuditEvent.objects.values("detail"))])
    said = problem(api.post(f"clusters/{cluster.pk}/operations", {"kind": "backup"}), 400, "invalid")
    assert "3kctl import seen -f" in said["hint"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a"}, "kubeconfig"),
        ({"name": "a", "kubeconfig": "users: []"}, "kubeconfig"),
        ({"name": "a", "hosts": bare(1), "kubeconfg": "x"}, "kubeconfg"),
        ({"hosts": bare(1)}, "name"),
        ({"name": "A b", "hosts": bare(1)}, "name"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(api: Api, body: dict[str, Any], field: str) -> None:
    said = problem(api.post("clusters/import", body), 400, "invalid")
    assert said["errors"][0]["field"] == field
    assert not Cluster.objects.exists()


def test_a_host_that_nobody_can_log_in_to_is_refused(api: Api) -> None:
    said = problem(
        api.post("clusters/import", {"name": "a", "hosts": [{"name": "h", "address": "10.0.0.1"}]}),
        400,
        "invalid-configuration",
    )
    assert said["errors"] and not Cluster.objects.exists()


def test_importing_again_corrects_what_was_given(api: Api, kubeconfig: str) -> None:
    first = api.post(
        "clusters/import", {"name": "theirs", "hosts": bare(1, 2, roles=["worker"]), "dry_run": True}
    ).json()
    cluster = Cluster.objects.get(pk=first["cluster"]["id"])
    cluster.nodes.update(host_key="ssh-ed25519 AAAA")
    corrected = [*bare(1), *bare(2, address="10.0.0.9"), *bare(3)][0:2]
    path = f"clusters/{cluster.pk}/import"
    assert (
        api.post(path, {"hosts": [*corrected, *bare(4)], "kubeconfig": kubeconfig, "dry_run": True}).status_code == 202
    )
    rows = {node.name: (node.address, node.host_key, node.role_groups) for node in cluster.nodes.all()}
    assert rows == {
        "host1": ("10.0.0.1", "ssh-ed25519 AAAA", []),
        "host2": ("10.0.0.9", "", []),
        "host4": ("10.0.0.4", "", []),
    }
    # Once it is imported, hosts and role groups that are not named stay.
    cluster.nodes.filter(name="host1").update(role_groups=["control-plane"])
    Cluster.objects.filter(pk=cluster.pk).update(state=ClusterState.READY, kubernetes_uid="uid")
    problem(api.post(path, {"hosts": bare(1), "dry_run": True}), 409, "conflict")
    assert api.post(path, {"hosts": bare(1)}).status_code == 202
    assert cluster.nodes.count() == 3 and cluster.nodes.get(name="host1").role_groups == ["control-plane"]
    problem(api.post(path, {}), 409, "busy")


def test_what_is_not_ones_own_or_was_installed_here_is_not_imported(api: Api) -> None:
    cluster = register(api)
    assert customer_api().post(f"clusters/{cluster.pk}/import", {}).status_code == 404
    Cluster.objects.filter(pk=cluster.pk).update(state=ClusterState.READY)
    before = list(cluster.nodes.values_list("name", flat=True))
    said = problem(api.post(f"clusters/{cluster.pk}/import", {"hosts": hosts(1)}), 400, "invalid")
    assert "installed by this service" in said["detail"]
    assert list(cluster.nodes.values_list("name", flat=True)) == before
    problem(api.post("clusters/import", {"name": cluster.name, "hosts": bare(1)}), 409, "name-taken")


def test_more_clusters_than_a_key_may_have_are_refused(db: None, kubeconfig: str) -> None:
    small = customer_api(max_clusters=1)
    assert small.post("clusters/import", {"name": "a", "kubeconfig": kubeconfig}).status_code == 202
    problem(small.post("clusters/import", {"name": "b", "kubeconfig": kubeconfig}), 403, "limit-reached")
    assert AccessKey.objects.get(pk=small.key.pk if small.key else None).clusters.count() == 1
