"""Reading clusters' health: real PostgreSQL, a real HTTPS server (SIMULATED Kubernetes), real SSH servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from clusters import catalog
from clusters.health import ComponentHealth
from clusters.kube import KubeUnreachable
from clusters.kubeconfig import KubeconfigError
from clusters.models import AccessKey, Cluster, ClusterState, Component, HealthEvent, Node, Observation, SSHCredential
from tasks import health
from tasks.database import with_own_connection
from tasks.health import check_cluster
from tasks.kube_access import open_kube
from tasks.models import Operation, OperationState
from tests.clusters.api_objects import container, node, pod, workload
from tests.clusters.api_server import NAME, Api
from tests.clusters.conftest import api  # noqa: F401 - a fixture
from tests.tasks.conftest import register
from tests.tasks.remote.servers import Sshd

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def fill(api: Api) -> None:  # noqa: F811
    """A cluster in which all that is chosen is well: DNS and the MPI operator."""
    names = {"worker": "", "control-plane": ""}
    labels = {f"node-role.kubernetes.io/{role}": value for role, value in names.items()}
    api.put("nodes", *(node(f"host{n}", labels=labels) for n in (1, 2, 3)))
    for name, space in (("coredns", "kube-system"), ("mpi-operator", "mpi-operator")):
        api.put("deployments", workload("deployment", name, namespace=space, app=name))
        api.put("pods", pod(f"{name}-1", namespace=space, app=name))
    api.put(
        "customresourcedefinitions",
        {
            "metadata": {"name": "mpijobs.kubeflow.org"},
            "spec": {
                "group": "kubeflow.org",
                "scope": "Namespaced",
                "names": {"plural": "mpijobs", "kind": "MPIJob"},
                "versions": [{"name": "v1", "served": True, "storage": True}],
            },
            "status": {"conditions": [{"type": "Established", "status": "True"}]},
        },
    )


def broken(api: Api) -> None:  # noqa: F811
    space = {"namespace": "mpi-operator", "app": "mpi-operator"}
    api.put("deployments", workload("deployment", "mpi-operator", ready=0, **space))
    pulling = container(waiting="ImagePullBackOff", message="not found")
    api.put("pods", pod("mpi-operator-1", pulling, **space))


@pytest.fixture
def beside() -> Iterator[Api]:
    """An API server on 127.0.0.1 of the hosts, which share their network with the tests."""
    server = Api("127.0.0.1").start()
    yield server
    server.remove()


@pytest.fixture
def cluster(access_key: AccessKey, api: Api) -> Cluster:  # noqa: F811
    """Ready, with the MPI operator chosen, reached directly."""
    fill(api)
    made = Cluster.objects.create(
        access_key=access_key, name="well", state=ClusterState.READY, kubeconfig=api.kubeconfig()
    )
    Component.objects.create(cluster=made, name="mpi-operator", kind="manifest", chosen=True)
    return made


def events(cluster: Cluster) -> list[tuple[str, str, str, str]]:
    """Oldest first; those of the first reading, which tell what was found, are left out by `clear`."""
    rows = HealthEvent.objects.filter(cluster=cluster).order_by("id")
    return [(row.subject, row.name, row.old_state, row.new_state) for row in rows]


def clear(cluster: Cluster) -> None:
    HealthEvent.objects.filter(cluster=cluster).delete()


def test_a_reading_is_stored(cluster: Cluster) -> None:
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert (cluster.state, cluster.state_reason) == ("ready", "")
    assert cluster.checked_at is not None
    seen = cluster.observation
    assert (seen.reachable, seen.via, seen.error) == (True, "", "")
    assert [(n["name"], n["state"], n["roles"]) for n in seen.nodes] == [
        (f"host{n}", "healthy", ["control-plane", "worker"]) for n in (1, 2, 3)
    ]
    assert {(p["name"], p["status"], p["ready"]) for p in seen.pods} == {
        ("coredns-1", "Running", "1/1"),
        ("mpi-operator-1", "Running", "1/1"),
    }
    rows = {row.name: row for row in cluster.components.all()}
    assert set(rows) == {"coredns", "mpi-operator"}
    assert (rows["coredns"].state, rows["coredns"].chosen, rows["coredns"].kind) == ("healthy", False, "builtin")
    assert (rows["mpi-operator"].state, rows["mpi-operator"].chosen) == ("healthy", True)
    assert ("component", "mpi-operator", "", "healthy") in events(cluster)


def test_what_the_service_looks_at_itself_makes_events_and_the_state_follows(cluster: Cluster) -> None:
    def seen(state: str) -> None:
        health.record(cluster.pk, ComponentHealth("certificates", state, reason="ends soon"), timezone.now())

    seen("healthy")
    seen("unknown")
    assert events(cluster) == [("component", "certificates", "", "healthy")]
    seen("unknown")
    seen("degraded")
    assert events(cluster)[1:] == [
        ("component", "certificates", "healthy", "unknown"),
        ("component", "certificates", "unknown", "degraded"),
    ]
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert (cluster.state, cluster.state_reason) == ("degraded", "certificates is degraded: ends soon")
    assert cluster.components.get(name="certificates").kind == "builtin"
    seen("healthy")
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "ready"


def test_a_change_makes_one_event_and_the_state_follows(cluster: Cluster, api: Api) -> None:  # noqa: F811
    check_cluster(cluster.pk)
    clear(cluster)
    broken(api)
    check_cluster(cluster.pk)
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "degraded"
    assert "mpi-operator is unhealthy: deployment mpi-operator 0/1: pod mpi-operator-1" in cluster.state_reason
    assert events(cluster) == [
        ("component", "mpi-operator", "healthy", "unhealthy"),
        ("cluster", "well", "ready", "degraded"),
    ]
    clear(cluster)
    fill(api)
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert (cluster.state, cluster.state_reason) == ("ready", "")
    assert events(cluster) == [
        ("component", "mpi-operator", "unhealthy", "healthy"),
        ("cluster", "well", "degraded", "ready"),
    ]


def test_a_component_that_was_installed_and_is_gone(cluster: Cluster, api: Api) -> None:  # noqa: F811
    check_cluster(cluster.pk)
    api.drop("deployments", "mpi-operator", "mpi-operator")
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert (cluster.state, cluster.state_reason) == ("degraded", "mpi-operator is absent: not installed")


def test_nodes_are_followed(cluster: Cluster, api: Api) -> None:  # noqa: F811
    check_cluster(cluster.pk)
    clear(cluster)
    api.put("nodes", node("host2", ready=False, message="no heartbeat"))
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state_reason == "node host2: Kubelet: no heartbeat"
    assert ("node", "host2", "healthy", "unhealthy") in events(cluster)


def test_a_host_that_is_no_node_any_more(cluster: Cluster, api: Api, access_key: AccessKey) -> None:  # noqa: F811
    credential = SSHCredential.objects.create(cluster=cluster, password="x")
    Node.objects.create(
        cluster=cluster, name="host3", address="192.0.2.3", internal_address="192.0.2.3", credential=credential
    )
    check_cluster(cluster.pk)
    for name in ("host2", "host3"):  # host2 is not registered: whoever removed it knows
        api.drop("nodes", "", name)
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state_reason == "node host3: host host3 is no node of the cluster"
    assert [(n["name"], n["state"]) for n in cluster.observation.nodes] == [("host1", "healthy"), ("host3", "absent")]


def test_one_missed_reading_is_not_announced(cluster: Cluster, api: Api) -> None:  # noqa: F811
    check_cluster(cluster.pk)
    clear(cluster)
    api.stop()
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "ready"
    assert set(cluster.components.values_list("state", flat=True)) == {"unknown"}
    assert cluster.components.get(name="mpi-operator").ready == 1
    assert not cluster.observation.reachable
    assert "the connection is refused" in cluster.observation.error
    assert len(cluster.observation.pods) == 2
    api.start()
    check_cluster(cluster.pk)
    assert set(cluster.components.values_list("state", flat=True)) == {"healthy"}
    assert events(cluster) == []


def test_a_second_missed_reading_is(cluster: Cluster, api: Api) -> None:  # noqa: F811
    check_cluster(cluster.pk)
    clear(cluster)
    api.stop()
    for _ in range(3):
        check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "degraded"
    assert cluster.state_reason.startswith("it cannot be read: the API server https://127.0.2.1")
    assert events(cluster) == [
        ("component", "coredns", "healthy", "unknown"),
        ("component", "mpi-operator", "healthy", "unknown"),
        ("cluster", "well", "ready", "degraded"),
    ]
    api.start()
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "ready"
    assert events(cluster)[-1] == ("cluster", "well", "degraded", "ready")


def test_a_refused_user_degrades_the_cluster_with_the_reason(cluster: Cluster, api: Api) -> None:  # noqa: F811
    Cluster.objects.filter(pk=cluster.pk).update(kubeconfig=api.kubeconfig(token="of.yesterday"))
    check_cluster(cluster.pk)
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "degraded"
    assert "401" in cluster.state_reason
    assert "of.yesterday" not in cluster.state_reason


@pytest.mark.parametrize("state", ["installing", "failed"])
def test_an_operations_verdict_stands(cluster: Cluster, api: Api, state: str) -> None:  # noqa: F811
    Cluster.objects.filter(pk=cluster.pk).update(state=state, state_reason="as the operation says")
    broken(api)
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert (cluster.state, cluster.state_reason) == (state, "as the operation says")
    assert cluster.components.get(name="mpi-operator").state == "unhealthy"


def test_the_state_does_not_move_while_an_operation_changes_the_cluster(cluster: Cluster, api: Api) -> None:  # noqa: F811
    running = Operation.objects.create(cluster=cluster, kind="install", state=OperationState.RUNNING)
    broken(api)
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "ready"
    Operation.objects.filter(pk=running.pk).update(state=OperationState.SUCCEEDED)
    check_cluster(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.state == "degraded"


def test_a_late_reading_does_not_overwrite_a_newer_one(cluster: Cluster, api: Api) -> None:  # noqa: F811
    old = health.read(cluster)
    broken(api)
    check_cluster(cluster.pk)
    health.store(cluster.pk, old)
    assert cluster.components.get(name="mpi-operator").state == "unhealthy"


def test_readings_side_by_side_tell_a_change_once(cluster: Cluster, api: Api) -> None:  # noqa: F811
    check_cluster(cluster.pk)
    clear(cluster)
    broken(api)
    threads = [threading.Thread(target=with_own_connection(check_cluster), args=(cluster.pk,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(events(cluster)) == [
        ("cluster", "well", "ready", "degraded"),
        ("component", "mpi-operator", "healthy", "unhealthy"),
    ]


def test_which_clusters_are_read(cluster: Cluster, access_key: AccessKey) -> None:
    Cluster.objects.create(access_key=access_key, name="fresh")
    Cluster.objects.create(access_key=access_key, name="gone", state=ClusterState.REMOVED, kubeconfig="x")
    assert health.clusters_to_check() == [cluster.pk]


def test_a_cluster_that_is_deleted_meanwhile(cluster: Cluster) -> None:
    reading = health.read(cluster)
    cluster.delete()
    health.store(cluster.pk, reading)
    assert not Observation.objects.exists()


def test_without_a_kubeconfig(access_key: AccessKey) -> None:
    fresh = Cluster.objects.create(access_key=access_key, name="fresh", state=ClusterState.READY)
    check_cluster(fresh.pk)
    assert not Observation.objects.exists()
    with pytest.raises(KubeconfigError, match="no kubeconfig yet"), open_kube(fresh):
        pass


@pytest.mark.lab
def test_through_the_first_control_plane_host_that_answers(
    access_key: AccessKey,
    beside: Api,
    servers: Callable[..., Sshd],
) -> None:
    """The name in the kubeconfig resolves nowhere, so the host's own API server is asked."""
    fill(beside)
    dead, live = servers(), servers()
    dead.stop()
    cluster = register(
        access_key,
        [dead, live],
        state=ClusterState.READY,
        kubeconfig=beside.kubeconfig(server=f"https://{NAME}:{beside.port}"),
    )
    check_cluster(cluster.pk)
    seen = Observation.objects.get(cluster=cluster)
    assert (seen.reachable, seen.via) == (True, "host2")
    with open_kube(cluster) as (kube, via):
        assert (via, kube.version()) == ("host2", "v1.24.3")
    beside.stop()
    with pytest.raises(KubeUnreachable) as caught, open_kube(cluster):
        pass
    for way in ("directly: ", "through host1: ", "through host2: "):
        assert way in caught.value.message


@pytest.mark.lab
def test_loopback_in_a_kubeconfig_is_the_host_not_the_service(
    access_key: AccessKey,
    beside: Api,
    servers: Callable[..., Sshd],
) -> None:
    cluster = register(access_key, [servers()], state=ClusterState.READY, kubeconfig=beside.kubeconfig())
    with open_kube(cluster) as (_, via):
        assert via == "host1"


def test_the_catalogue_is_what_is_stored(cluster: Cluster) -> None:
    check_cluster(cluster.pk)
    assert all(row.name in catalog.load() for row in cluster.components.all())
