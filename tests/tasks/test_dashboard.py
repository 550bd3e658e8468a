"""The first page of the admin site and the page of a cluster: what they show, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clusters.models import (
    AccessKey,
    Backup,
    CephReading,
    Cluster,
    Component,
    Customer,
    HealthEvent,
    Node,
    Observation,
    SSHCredential,
)
from tasks import dashboard
from tasks.models import Operation, Step
from tests.clusters.ceph.captured import captured
from tests.tasks.role_users import logged_in

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def cluster_of(customer: str, name: str = "c1", **fields: Any) -> Cluster:
    key = AccessKey.objects.issue(Customer.objects.create(name=customer))[0]
    return Cluster.objects.create(access_key=key, name=name, kubeconfig="token: kubeconfig-token", **fields)


def many(number: int) -> None:
    """Clusters, each with an operation under way, one that failed, and changes of health."""
    key, now = AccessKey.objects.issue(Customer.objects.create(name=f"customer of {number}"))[0], timezone.now()
    states = ("ready", "degraded", "failed", "installing")
    clusters = Cluster.objects.bulk_create(
        Cluster(access_key=key, name=f"c{number}-{n}", state=states[n % 4]) for n in range(number)
    )
    error = {"step": "kubernetes", "host": "h1", "message": "no room", "fix": "Make room."}
    made = Operation.objects.bulk_create(
        Operation(
            cluster=cluster,
            kind="install",
            state=state,
            mutating=state == "running",
            error=error if state == "failed" else {},
            started_at=now,
            finished_at=now if state == "failed" else None,
        )
        for cluster in clusters
        for state in ("running", "failed")
    )
    Step.objects.bulk_create(
        Step(operation=one, key="kubernetes", position=0, title="Kubernetes", spec={}, state="running")
        for one in made
        if one.state == "running"
    )
    HealthEvent.objects.bulk_create(
        HealthEvent(cluster=cluster, name="coredns", old_state="healthy", new_state="degraded") for cluster in clusters
    )


def cost(client: Client, page: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(page).status_code == 200
    return len(queries)


def test_a_thousand_clusters_cost_as_many_queries_as_three() -> None:
    many(3)
    viewer = logged_in("viewer-1", "viewer")
    pages = [reverse("admin:index"), reverse("dashboard-part")]
    before = [cost(viewer, page) for page in pages]
    many(1000)
    assert [cost(viewer, page) for page in pages] == before
    seen = dashboard.read()
    assert (seen.known, seen.under_way, seen.clusters["ready"]) == (1003, 1003, 251)
    assert {len(one.rows) for one in (seen.troubled, seen.running, seen.failures, seen.changes)} == {dashboard.SHOWN}
    assert seen.failures.more and seen.running.more
    text = viewer.get(pages[1]).content.decode()
    assert "There are more: all failed operations" in text


def test_the_first_page_tells_what_is_wrong_and_what_is_under_way() -> None:
    ill = cluster_of("First customer", "ill", state="degraded", state_reason="coredns is unhealthy")
    now = timezone.now()
    error = {"step": "kubernetes", "host": "worker3", "message": "kubelet does not start", "fix": "See its log."}
    failed = Operation.objects.create(cluster=ill, kind="install", state="failed", error=error, finished_at=now)
    old = now - timedelta(hours=30)
    Operation.objects.create(cluster=ill, kind="upgrade", state="failed", error=error, finished_at=old)
    running = Operation.objects.create(cluster=ill, kind="backup", state="running", progress=41.6, started_at=now)
    Step.objects.create(
        operation=running, key="etcd", position=0, title="Back up etcd", spec={}, state="running", note="host2 of 3"
    )
    HealthEvent.objects.create(cluster=ill, name="coredns", old_state="healthy", new_state="unhealthy", reason="OOM")
    HealthEvent.objects.create(cluster=ill, name="calico", new_state="degraded", at=now - timedelta(hours=7))

    client = logged_in("viewer-1", "viewer")
    whole = client.get(reverse("admin:index")).content.decode()
    text = client.get(reverse("dashboard-part")).content.decode()

    for page in (whole, text):
        for said in ("coredns is unhealthy", "kubelet does not start", "worker3", "See its log.", "OOM"):
            assert said in page
        assert reverse("admin:tasks_operation_change", args=[failed.pk]) in page
        assert 'value="42"' in page and "Back up etcd" in page and "host2 of 3" in page
        assert "upgrade" not in page.partition("Failures of the last day")[2].partition("</section>")[0]
        assert "calico" not in page
    assert "<script>" not in text and "style=" not in text
    assert 'data-refresh="/admin/dashboard/part/"' in whole and 'data-refresh="/admin/fleet/part/"' in whole
    assert 'http-equiv="refresh"' not in whole


@pytest.fixture
def full_cluster() -> Cluster:
    """A cluster of which everything was read that a page can show."""
    cluster = cluster_of("First customer", "full", state="ready", checked_at=timezone.now())
    now = timezone.now()
    credential = SSHCredential.objects.create(cluster=cluster, private_key="PRIVATE-KEY-TEXT")
    Node.objects.create(
        cluster=cluster, name="worker1", address="10.0.0.7", role_groups=["worker", "storage"], credential=credential
    )
    node = {"name": "worker1", "state": "degraded", "reason": "DiskPressure", "kubelet_version": "v1.24.3", "cpu": 64}
    node |= {"memory": 2**38, "gpus": {"product": "A800", "count": 8, "allocatable": 8}}
    Observation.objects.create(cluster=cluster, taken_at=now, reachable=True, nodes=[node], via="worker1")
    ending = [
        {"host": "worker1", "path": "/etc/etcd.pem", "ends_at": (now + timedelta(days=5, hours=1)).isoformat()},
        {"host": "worker1", "path": "/etc/late.crt", "ends_at": (now + timedelta(days=300, hours=1)).isoformat()},
    ]
    rows = {
        "certificates": {"state": "unhealthy", "kind": "builtin", "details": {"certificates": ending}},
        "drift": {"state": "degraded", "kind": "builtin", "reason": "sysctl is not as installed", "checked_at": now},
        "coredns": {"state": "healthy", "kind": "helm", "chosen": True, "ready": 2, "desired": 2, "version": "1.8.6"},
    }
    for name, fields in rows.items():
        Component.objects.create(cluster=cluster, name=name, **fields)
    for hours, old, new in ((18, "healthy", "unhealthy"), (12, "unhealthy", "healthy")):
        at = now - timedelta(hours=hours)
        HealthEvent.objects.create(cluster=cluster, name="coredns", old_state=old, new_state=new, at=at)
    state = {**captured("osd-down").to_json(), "at": now.isoformat()}
    CephReading.objects.create(cluster=cluster, source="toolbox", state=state, taken_at=now, tried_at=now)
    Backup.objects.create(
        cluster=cluster, host="worker1", directory="/backup", name="etcd.db", size=5, revision=7, keys=3, taken_at=now
    )
    Operation.objects.create(cluster=cluster, kind="drift", state="succeeded", progress=100, requested_by="operator op")
    return cluster


def test_the_page_of_a_cluster_shows_all_that_was_read(full_cluster: Cluster) -> None:
    client = logged_in("operator-1", "operator")
    whole = client.get(reverse("admin:clusters_cluster_change", args=[full_cluster.pk])).content.decode()
    text = client.get(reverse("admin:clusters_cluster_part", args=[full_cluster.pk])).content.decode()
    for page in (whole, text):
        for said in ("DiskPressure", "worker, storage", "8 × A800", "256.0", "v1.24.3", "1.8.6", "2 / 2"):
            assert said in page
        for said in ("5 days", "300 days", "/etc/etcd.pem", "/backup/etcd.db", "sysctl is not as installed"):
            assert said in page
        for said in ("osd.0", "OSD_DOWN", "of 12.0", "active+clean", "operator op", "coredns over the last 24 hours"):
            assert said in page
        assert 'class="span-unhealthy" x="45.0" y="0" width="45.0" height="20"' in page
        assert reverse("admin:clusters_cluster_start", args=[full_cluster.pk, "backup"]) in page
        assert "PRIVATE-KEY-TEXT" not in page and "kubeconfig-token" not in page
    assert "<script>" not in text and "style=" not in text
    assert f'data-refresh="{reverse("admin:clusters_cluster_part", args=[full_cluster.pk])}"' in whole


def test_the_page_of_a_cluster_costs_the_same_for_one_host_and_for_many(full_cluster: Cluster) -> None:
    client, page = logged_in("viewer-1", "viewer"), reverse("admin:clusters_cluster_part", args=[full_cluster.pk])
    before = cost(client, page)
    credential = SSHCredential.objects.get()
    for n in range(2, 60):
        Node.objects.create(cluster=full_cluster, name=f"w{n}", address=f"10.0.1.{n}", credential=credential)
        Component.objects.create(cluster=full_cluster, name=f"part-{n}", state="degraded")
        HealthEvent.objects.create(cluster=full_cluster, name=f"part-{n}", old_state="healthy", new_state="degraded")
    assert cost(client, page) == before


def test_a_cluster_of_which_nothing_was_read_has_a_page_too() -> None:
    cluster = cluster_of("First customer")
    page = reverse("admin:clusters_cluster_change", args=[cluster.pk])
    assert "Not read yet" in logged_in("viewer-1", "viewer").get(page).content.decode()
