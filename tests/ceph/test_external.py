"""A Ceph that is run elsewhere: what is found out before anything is installed, faults, its use, and the end."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator

import pytest

from clusters.models import Component
from tasks import services
from tasks.models import AuditEvent, LogChunk, Operation, OperationState, Outcome
from tasks.plan import PlanError
from tests.ceph.conftest import Site
from tests.installed import stored
from tests.tasks.driven import finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab]

FSID = "6f0a3c1e-11f0-4b2c-9d5e-0242ac120002"
KEY, OTHER = (
    base64.b64encode(struct.pack("<HIIH", 1, 1700000000, 0, 16) + bytes([fill] * 16)).decode() for fill in (7, 9)
)
CLAIM = """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: papers, namespace: default}
spec: {storageClassName: ceph-filesystem, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}"""
MARK = "storageclass.kubernetes.io/is-default-class"


@pytest.fixture
def monitor(site: Site) -> Iterator[str]:
    """The address of a SIMULATED monitor."""
    run = f"--fsid {FSID} --user csi --key-file /root/ceph.key --filesystem shared --pid-file /run/lab/ceph-mon.pid"
    site.sh(f"cp bin/kk /root/ceph-mon; echo '{KEY}' >/root/ceph.key")
    site.sh(f"setsid /root/ceph-mon {run} >/var/log/ceph-mon.log 2>&1 </dev/null &")
    until(lambda: "SIMULATED" in site.sh("cat /var/log/ceph-mon.log", check=False), 30, "the monitor listens")
    yield site.lab.host("master1").address
    site.sh("kill $(cat /run/lab/ceph-mon.pid)")


def ask(site: Site, *monitors: str, dry_run: bool = False) -> Operation:
    which = {"cluster_id": FSID, "monitors": list(monitors), "filesystem": "shared", "user": "csi"}
    return site.start("ceph-csi-cephfs", dry_run=dry_run, component_timeout=20, **which)


def with_key(site: Site, key: str) -> None:
    site.cluster.ceph_key = key
    site.cluster.save(update_fields=["ceph_key"])


def retried(operation: Operation, fleet: Fleet, state: OperationState) -> None:
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == state, operation.error


def test_an_external_ceph_is_checked_used_and_left(site: Site, fleet: Fleet, monitor: str) -> None:
    with pytest.raises(PlanError) as refused:
        ask(site, monitor)
    assert refused.value.field == "ceph_key"
    with_key(site, OTHER)

    # A monitor that no host reaches is found by the preview already; nothing is changed.
    away = site.lab.host("worker3").address
    preview, tried = ask(site, monitor, away, dry_run=True), ask(site, monitor, away)
    assert finish(preview, fleet, 300) == OperationState.SUCCEEDED
    assert finish(tried, fleet, 300) == OperationState.FAILED
    assert (tried.error["step"], tried.error["kind"]) == ("ceph-monitors", "unreachable-monitor")
    for said in (preview.steps.get(key="ceph-monitors").note, tried.error["message"]):
        assert f"worker1 does not reach {away} (port 3300 refuses the connection" in said
        assert monitor not in said
    assert "ceph-csi-cephfs" not in site.names("namespaces")

    # A wrong key is told by the monitors, before the driver is there.
    operation = ask(site, monitor)
    assert finish(operation, fleet, 300) == OperationState.FAILED
    assert operation.error["step"] == "ceph-identity"
    assert "do not take the key of csi" in operation.error["message"]
    assert "ceph-csi-cephfs-provisioner" not in site.names("deployments -n ceph-csi-cephfs")
    with_key(site, KEY)

    # Cancelled while helm works; then the provisioner crashes; then nothing is in the way.
    helm: dict[str, object] = {"at": "helm:upgrade", "match": "ceph-csi-cephfs", "do": "slow", "seconds": 60}
    site.fault(helm)
    services.request_retry(operation, actor="test")
    step = operation.steps.get(key="component-ceph-csi-cephfs")
    until(lambda: operation.steps.get(pk=step.pk).state == "running", 120, "helm has begun")
    services.request_cancel(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.CANCELLED
    site.fault({"at": "pod", "match": "ceph-csi-cephfs/*-provisioner-*", "do": "crashloop", "message": "no socket"})
    retried(operation, fleet, OperationState.FAILED)
    assert operation.error["step"] == "ceph-csi-ready"
    assert "ceph-csi-cephfs-provisioner has 0 of 2 ready" in operation.error["message"]
    site.fault()
    retried(operation, fleet, OperationState.SUCCEEDED)

    assert f"the monitors are of {FSID} and take the key of csi" in stored(operation, "ceph-identity")
    assert "was bound, written, and read back" in stored(operation, "ceph-proof-external")
    classes = site.get("storageclasses")["items"]
    default = [c["metadata"]["name"] for c in classes if c["metadata"].get("annotations", {}).get(MARK) == "true"]
    assert default == ["ceph-filesystem"]
    assert Component.objects.get(cluster=site.cluster, name="ceph-csi-cephfs").chosen
    assert not site.names("jobs,pvc,pods -n ceph-csi-cephfs") & {"sanqian-ceph-identity", "sanqian-proof-external"}
    # The key is in one Secret, and nowhere that anybody reads.
    said = site.sh("cat /var/lib/sanqian/ceph-csi/values.json; helm get values ceph-csi-cephfs -n ceph-csi-cephfs")
    said += "".join(LogChunk.objects.values_list("text", flat=True)) + json.dumps(operation.params)
    said += json.dumps(list(AuditEvent.objects.values_list("detail", flat=True)))
    for key in (KEY, OTHER):
        assert key not in said and base64.b64encode(key.encode()).decode() not in said

    again = ask(site, monitor)
    assert finish(again, fleet, 300) == OperationState.SUCCEEDED, again.error
    changed = set(again.steps.filter(outcome=Outcome.CHANGED).values_list("key", flat=True))
    assert changed == {"ceph-identity", "ceph-csi-ready", "ceph-proof-external"}
    _it_goes(site, fleet)


def _it_goes(site: Site, fleet: Fleet) -> None:
    site.sh(f"kubectl apply -f - <<'END'\n{CLAIM}\nEND")
    refused = site.start("ceph-csi-cephfs-uninstall", confirm="demo")
    assert finish(refused, fleet, 300) == OperationState.FAILED
    assert "PersistentVolumeClaim default/papers" in refused.error["message"]
    assert site.names("deployments -n ceph-csi-cephfs") == {"ceph-csi-cephfs-provisioner"}
    site.sh("kubectl delete pvc papers --wait")
    retried(refused, fleet, OperationState.SUCCEEDED)
    assert "ceph-csi-cephfs" not in site.names("namespaces")
    assert "ceph-filesystem" not in site.names("storageclasses")
    assert site.sh("ls -d /var/lib/sanqian/ceph-csi /var/lib/sanqian/components/ceph-csi-cephfs", check=False) == ""
    site.cluster.refresh_from_db()
    assert site.cluster.ceph_key == ""
