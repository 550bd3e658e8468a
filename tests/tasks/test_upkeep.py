"""Operations that come round by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from clusters.models import AccessKey, Cluster, ClusterState, Customer
from tasks import services, upkeep
from tasks.models import Operation, OperationState
from tests.tasks.plans.sites import ROLES

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def made(key: AccessKey, name: str, **fields: object) -> Cluster:
    cluster = Cluster.objects.create(
        access_key=key, name=name, **{"state": ClusterState.READY, "kubeconfig": "some", **fields}
    )
    credential = cluster.credentials.create(password="some-password")
    for position, (host, roles) in enumerate(ROLES.items()):
        cluster.nodes.create(
            name=host,
            position=position,
            address=f"192.0.2.{position}",
            internal_address=f"192.0.2.{position}",
            role_groups=list(roles),
            credential=credential,
        )
    return cluster


@pytest.fixture
def key() -> AccessKey:
    return AccessKey.objects.issue(Customer.objects.create(name="a customer"))[0]


def drifts() -> list[str]:
    return sorted(Operation.objects.filter(kind="drift").values_list("cluster__name", flat=True))


def test_each_cluster_is_looked_at_in_its_own_interval(key: AccessKey) -> None:
    cluster = made(key, "due")
    upkeep.begin()
    operation = Operation.objects.get(cluster=cluster)
    assert (operation.kind, operation.dry_run, operation.mutating) == ("drift", True, False)
    assert operation.requested_by == "schedule"
    Operation.objects.update(state=OperationState.SUCCEEDED)
    upkeep.begin()
    assert drifts() == ["due"]
    Operation.objects.update(created_at=timezone.now() - timedelta(hours=29))
    upkeep.begin()
    assert drifts() == ["due", "due"]


def test_some_are_left_alone(key: AccessKey) -> None:
    made(key, "never", drift_hours=0)
    made(key, "bare", kubeconfig="")
    made(key, "failed", state=ClusterState.FAILED)
    upkeep.begin()
    assert drifts() == []


def test_a_customer_has_one_at_a_time(key: AccessKey) -> None:
    for name in ("one", "two"):
        made(key, name)
    other, _ = AccessKey.objects.issue(Customer.objects.create(name="another"))
    made(other, "third")
    upkeep.begin()
    assert len(drifts()) == 2 and "third" in drifts()
    upkeep.begin()
    assert len(drifts()) == 2
    Operation.objects.update(state=OperationState.SUCCEEDED)
    upkeep.begin()
    assert drifts() == ["one", "third", "two"]


def test_backups_are_taken_where_they_are_wanted_and_missed_ones_are_told(key: AccessKey) -> None:
    cluster = made(key, "safe", backup_hours=6, drift_hours=0)
    upkeep.begin()
    assert Operation.objects.get(cluster=cluster).kind == "backup"
    upkeep.judge_backups({})
    assert cluster.components.get(name="backups").state == "progressing"
    old = timezone.now() - timedelta(hours=20)
    cluster.backups.create(
        host="master1", directory="/d", name="n", size=1, sha256="", revision=1, keys=1, taken_at=old
    )
    upkeep.judge_backups({})
    row = cluster.components.get(name="backups")
    assert (row.state, row.reason) == ("degraded", "the newest backup of etcd is 20 hours old, and one is due every 6")
    Cluster.objects.update(backup_hours=0)
    upkeep.judge_backups({})
    assert not cluster.components.exists()


def test_a_backup_waits_for_what_replaces_etcd_and_says_so(key: AccessKey) -> None:
    cluster = made(key, "safe", backup_hours=6, drift_hours=0)
    restore = services.request_operation(cluster, "restore", {"confirm": "safe"}, actor="test")
    for _ in range(2):  # it stays due, and is asked for in every turn
        upkeep.judge_backups(upkeep.begin())
        row = cluster.components.get(name="backups")
        why = f"a backup is due and waits: The restore of this cluster is queued (operation {restore.pk})."
        assert (row.state, row.reason) == ("progressing", f"there is no backup of etcd yet; {why}")
    Operation.objects.update(state=OperationState.SUCCEEDED)
    upkeep.judge_backups(upkeep.begin())
    assert Operation.objects.get(kind="backup").state == OperationState.QUEUED
    assert cluster.components.get(name="backups").reason == "there is no backup of etcd yet"
