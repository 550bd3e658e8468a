"""Reading Ceph: real SSH, the real kubectl and PostgreSQL; Kubernetes and Ceph are SIMULATED by the lab."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from clusters import catalog
from clusters.ceph import CephState, removal_refusals, state_from_resource
from clusters.ceph.place import Place
from clusters.ceph.report import Report
from clusters.existing.reading import read as read_existing
from clusters.kube import Kube
from clusters.models import AccessKey, CephReading, Cluster, ClusterState, HealthEvent
from tasks import ceph
from tasks.health import check_cluster
from tasks.plan import PlanError
from tasks.plans import make
from tasks.services import cluster_fact
from tests.clusters import rook
from tests.clusters.api_server import Api
from tests.clusters.rook import api  # noqa: F401 - a fixture
from tests.tasks.conftest import register
from tests.tasks.driven import finish, start
from tests.tasks.remote.servers import Sshd
from tests.workers import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.lab, pytest.mark.timeout(180)]
KUBECTL = Path(sys.executable).parent / "kubectl"


@pytest.fixture
def cluster(access_key: AccessKey, servers: Callable[..., Sshd], api: Api) -> Cluster:  # noqa: F811
    """Ready; its one host has kubectl and its kubeconfig, as KubeKey leaves them."""
    setup = (
        "mkdir -p /etc/kubernetes /var/lib/sanqian\n"
        "for place in /etc/kubernetes /usr/local/bin /var/lib/sanqian; do mount -t tmpfs none $place; done\n"
        f"ln -s {KUBECTL} /usr/local/bin/kubectl\n"
        f"cat >/etc/kubernetes/admin.conf <<'END'\n{api.kubeconfig()}\nEND\n"
    )
    return register(access_key, [servers(setup=setup)], state=ClusterState.READY, kubeconfig=api.kubeconfig())


def checks(cluster: Cluster) -> list[tuple[str, str, str]]:
    """Events of Ceph's checks, the oldest first."""
    rows = HealthEvent.objects.filter(cluster=cluster, subject="ceph").order_by("id")
    return [(row.name, row.old_state, row.new_state) for row in rows]


def look_again(cluster: Cluster) -> CephReading:
    """As if some minutes had gone by."""
    CephReading.objects.update(tried_at=CephReading.objects.get().tried_at - ceph.EVERY)
    check_cluster(cluster.pk)
    return CephReading.objects.get(cluster=cluster)


def test_a_health_check_reads_ceph(cluster: Cluster, api: Api) -> None:  # noqa: F811
    check_cluster(cluster.pk)
    reading = CephReading.objects.get(cluster=cluster)
    assert (reading.source, reading.health, reading.error) == ("toolbox", "HEALTH_OK", "")
    state = ceph.latest(cluster)
    assert state is not None
    assert state.unread == {}
    assert {host: len(osds) for host, osds in state.hosts.items()} == {"worker1": 2, "worker2": 2, "worker3": 2}
    assert removal_refusals(state, [5]) == []
    assert cluster.components.get(name="rook-ceph-cluster").details["ceph"]["osds_up"] == 6

    rook.stop(api, "osd-3")
    rook.say(api, "HEALTH_WARN", OSD_DOWN="1 osds down")
    check_cluster(cluster.pk)
    component = cluster.components.get(name="rook-ceph-cluster")
    assert component.state == "degraded"
    assert component.details["ceph"]["osds_up"] == 5
    assert checks(cluster) == [("OSD_DOWN", "healthy", "degraded"), ("PG_DEGRADED", "healthy", "degraded")]

    rook.mark(api, lambda marks: marks.update(utilization={"0": 96.0}))
    assert look_again(cluster).health == "HEALTH_ERR"
    component.refresh_from_db()
    assert (component.state, component.reason.split(";")[:2]) == (
        "unhealthy",
        ["HEALTH_ERR", " OSD_FULL: 1 full osd(s)"],
    )
    assert checks(cluster)[2:] == [("OSD_FULL", "healthy", "unhealthy")]


def test_what_is_not_new_is_not_read_again(cluster: Cluster) -> None:
    check_cluster(cluster.pk)
    first = CephReading.objects.get()
    check_cluster(cluster.pk)
    assert CephReading.objects.get().taken_at == first.taken_at
    assert look_again(cluster).taken_at > first.taken_at


def test_without_the_toolbox_rooks_word_is_kept(cluster: Cluster, api: Api) -> None:  # noqa: F811
    api.drop("pods", rook.SPACE, rook.TOOLBOX.name)
    api.drop("deployments", rook.SPACE, "rook-ceph-tools")
    check_cluster(cluster.pk)
    reading = CephReading.objects.get()
    assert (reading.source, reading.health) == ("resource", "HEALTH_OK")
    assert 'deployments.apps "rook-ceph-tools" not found' in reading.error
    rook.say(api, "HEALTH_WARN", MON_DOWN="1/3 mons down")
    check_cluster(cluster.pk)
    reading.refresh_from_db()
    assert reading.health == "HEALTH_WARN"
    assert checks(cluster) == [("MON_DOWN", "healthy", "degraded")]


def test_a_host_that_does_not_answer_fails_no_check(cluster: Cluster) -> None:
    cluster.nodes.update(port=1)
    check_cluster(cluster.pk)
    reading = CephReading.objects.get()
    assert (reading.source, reading.health) == ("resource", "HEALTH_OK")
    assert reading.error.startswith("host1: ")
    assert cluster.observation.reachable


def test_an_operation_reads_it_now(cluster: Cluster, api: Api, fleet: Fleet) -> None:  # noqa: F811
    fleet.worker()
    rook.stop(api, "mon-b")
    operation = start(cluster, make("ceph-status", cluster_fact(cluster), {}))
    assert finish(operation, fleet) == "succeeded"
    result = operation.steps.get().result
    assert (result["state"], result["mons"], result["mons_in_quorum"]) == ("degraded", 3, 2)
    assert "MON_DOWN: 1/3 mons down, quorum a,c" in result["reason"]
    assert cluster.components.get(name="rook-ceph-cluster").state in ("degraded", "unhealthy")

    with api.store.lock:
        del api.store.objects[rook.CLUSTER]
    operation = start(cluster, make("ceph-status", cluster_fact(cluster), {}))
    assert finish(operation, fleet) == "failed"
    assert operation.error["message"] == f"Ceph is not installed on cluster {cluster.name}."
    assert not CephReading.objects.exists()


def test_a_ceph_that_rook_runs_elsewhere_is_not_taken_for_ours(cluster: Cluster, api: Api, fleet: Fleet) -> None:  # noqa: F811
    """Until an import records it; then it is watched, and nothing changes it."""
    fleet.worker()
    theirs = rook.another(api, "storage", "papers", "HEALTH_ERR", OSD_FULL="1 full osd(s)")
    check_cluster(cluster.pk)
    assert CephReading.objects.get().health == "HEALTH_OK"
    rook.say(api, "HEALTH_WARN", OSD_DOWN="1 osds down")
    check_cluster(cluster.pk)
    assert cluster.components.get(name="rook-ceph-cluster").namespace == rook.SPACE
    assert cluster.components.get(name="rook-ceph-cluster").state == "degraded"
    removal = make("ceph-uninstall", cluster_fact(cluster), {"confirm": cluster.name, "force": True})
    refused = start(cluster, replace(removal, steps=removal.steps[:1]))
    assert finish(refused, fleet) == "failed"
    assert "Rook runs the Ceph storage/papers" in refused.error["message"]

    for name in ("deployments", "pods", "cephclusters"):
        with api.store.lock:
            for key in [key for key in api.store.objects if key.plural == name and key.namespace == rook.SPACE]:
                del api.store.objects[key]
    operation = start(cluster, make("ceph-status", cluster_fact(cluster), {}))
    assert finish(operation, fleet) == "failed"
    assert "has no Ceph" in operation.error["message"] and "storage/papers" in operation.error["message"]
    with Kube(cluster.kubeconfig) as kube:
        (found,) = read_existing(kube, catalog.load()).ceph
    assert (found, found.ours) == (Place(**theirs, hosts=("worker1",), classes=("papers-block",)), False)

    Cluster.objects.filter(pk=cluster.pk).update(kubernetes_uid="u", imported={"ceph": [found.to_json()]})
    cluster.refresh_from_db()
    operation = start(cluster, make("ceph-status", cluster_fact(cluster), {}))
    assert finish(operation, fleet) == "succeeded", operation.error
    component = cluster.components.get(name="rook-ceph-cluster")
    assert (component.namespace, component.state) == ("storage", "unhealthy")
    assert "OSD_FULL" in component.reason
    for kind, params in (("ceph-expand", {}), ("ceph-remove-osd", {"osds": [1]}), ("ceph-uninstall", {"confirm": "x"})):
        with pytest.raises(PlanError, match="is storage/papers") as said:
            make(kind, cluster_fact(cluster), params)
        assert "kubectl edit cephcluster papers -n storage" in said.value.fix


def test_an_older_word_replaces_no_newer_one(cluster: Cluster) -> None:
    check_cluster(cluster.pk)
    state = ceph.latest(cluster)
    assert state is not None
    older = Report(CephState.from_json({**state.to_json(), "at": (state.at - timedelta(1)).isoformat()}))
    ceph.store(cluster.pk, older)
    assert CephReading.objects.get().taken_at == state.at


def test_ceph_itself_is_believed_although_the_hosts_clock_is_ahead(cluster: Cluster, api: Api) -> None:  # noqa: F811
    ahead = timezone.now() + timedelta(hours=1)
    status = {"phase": "Ready", "ceph": {"health": "HEALTH_WARN", "lastChecked": ahead.isoformat()}}
    ceph.store(cluster.pk, Report(state_from_resource({"status": status}, ahead), error="away"))
    assert CephReading.objects.get().source == "resource"
    reading = look_again(cluster)
    assert (reading.source, reading.health, reading.error) == ("toolbox", "HEALTH_OK", "")
