"""A Ceph grows, loses an OSD where that is safe, and goes in Rook's order; then a second one can be installed."""

from __future__ import annotations

import pytest

from tasks import services
from tasks.models import OperationState
from tasks.plan import PlanError
from tests.ceph.conftest import Site
from tests.installed import stored
from tests.tasks.driven import finish
from tests.workers import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.lab]

WORKERS = ("worker1", "worker2", "worker3")
CLAIM = """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: papers, namespace: default}
spec: {storageClassName: ceph-block, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"""
# Something of ours that holds a pool, as a forgotten image does.
HOLD = """kubectl patch cephblockpool ceph-blockpool -n rook-ceph --type json \
-p '[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.test/hold"}]'"""
LET_GO = (
    """kubectl patch cephblockpool ceph-blockpool -n rook-ceph --type merge -p '{"metadata": {"finalizers": []}}'"""
)


def with_ceph(site: Site, fleet: Fleet) -> list[dict[str, str]]:
    """Install it where an earlier test has left none; the disks that it has."""
    disks = [{"host": host, "disk": site.disk(host)} for host in WORKERS]
    if not site.sh("kubectl get cephclusters -A -o name", check=False):
        install = site.start("ceph", disks=disks, wipe=[site.wipe(host) for host in WORKERS])
        assert finish(install, fleet, 300) == OperationState.SUCCEEDED, install.error
    return disks


def test_a_disk_is_added_and_an_osd_removed(site: Site, fleet: Fleet) -> None:
    disks = with_ceph(site, fleet)

    refused = site.start("ceph-remove-osd", osds=[0])
    assert finish(refused, fleet, 180) == OperationState.FAILED
    assert "keeps 3 copies" in refused.error["message"]

    # Helm fails twice in the middle; the retry takes the disk that was chosen before.
    fault: dict[str, object] = {"at": "helm:upgrade", "match": "rook-ceph-cluster", "do": "fail", "times": 2}
    site.fault({**fault, "message": "etcdserver: request timed out"})
    grown = site.start("ceph-expand", wipe=[site.wipe("worker3", "vdc")], disks=disks)
    assert finish(grown, fleet, 300) == OperationState.FAILED
    assert grown.error["step"] == "component-rook-ceph-cluster"
    services.request_retry(grown, actor="test")
    assert finish(grown, fleet, 300) == OperationState.SUCCEEDED, grown.error
    assert grown.steps.get(key="ceph-ready").result["osds"] == 4
    none = site.start("ceph-expand", disks=disks)
    assert finish(none, fleet, 180) == OperationState.FAILED
    assert none.error["kind"] == "too-few-disks"

    removed = site.start("ceph-remove-osd", osds=[3])
    assert finish(removed, fleet, 300) == OperationState.SUCCEEDED, removed.error
    (osd,) = removed.steps.get(key="ceph-osd-check").result["osds"]
    assert (osd["host"], osd["disk"]) == ("worker3", site.disk("worker3", "vdc"))
    assert "rook-ceph-osd-3" not in site.names("deployments -n rook-ceph")
    nodes = site.get("cephcluster -n rook-ceph rook-ceph")["spec"]["storage"]["nodes"]
    assert nodes[-1] == {"name": "worker3", "devices": [{"name": site.disk("worker3")}]}
    assert "vdc" not in site.sh("cat /var/lib/sanqian/ceph/disks", "worker3")


def test_ceph_is_removed_with_its_traces_and_a_second_one_can_be_installed(site: Site, fleet: Fleet) -> None:
    disks = with_ceph(site, fleet)
    with pytest.raises(PlanError, match="its name has to be typed"):
        site.start("ceph-uninstall")

    site.sh(f"kubectl apply -f - <<'END'\n{CLAIM}\nEND")
    refused = site.start("ceph-uninstall", confirm="demo")
    assert finish(refused, fleet, 180) == OperationState.FAILED
    assert "PersistentVolumeClaim default/papers" in refused.error["message"]
    assert site.get("cephclusters -A")["items"]

    # What holds a pool is named; when it has let go, a retry goes on. The host was away meanwhile.
    site.sh(HOLD)
    operation = site.start("ceph-uninstall", confirm="demo", force=True, patience=10)
    assert finish(operation, fleet, 300) == OperationState.FAILED
    assert operation.error["step"] == "ceph-remove-pools"
    assert "example.test/hold" in stored(operation, "ceph-remove-pools")
    site.sh(LET_GO)
    site.lab.cut("worker2")
    services.request_retry(operation, actor="test")
    site.lab.heal("worker2")
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, operation.error
    assert "rook-ceph" not in site.names("namespaces")
    assert not [name for name in site.names("crds") if name.endswith("ceph.rook.io")]
    assert not {"ceph-block", "ceph-filesystem", "ceph-bucket"} & site.names("storageclasses")
    for host in WORKERS:
        assert site.sh("ls -d /var/lib/rook /var/lib/sanqian/ceph/disks 2>/dev/null; wipefs -n /dev/vdb", host) == ""

    again = site.start("ceph", disks=disks)
    assert finish(again, fleet, 300) == OperationState.SUCCEEDED, again.error
    assert {one["use"] for one in again.steps.get(key="ceph-disks").result["disks"]} == {"use", "no"}
