"""A Ceph grows, loses an OSD where that is safe, and goes in Rook's order; then a second one can be installed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tasks import services
from tasks.models import Operation, OperationState, Step
from tasks.plan import PlanError
from tests.ceph.conftest import CLUSTER, Site
from tests.installed import stored
from tests.tasks.driven import cancel_in, finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab, pytest.mark.timeout(900)]

WORKERS = ("worker1", "worker2", "worker3")
STORAGE = (*WORKERS, "worker4")
MEMBERS = ("master1", *STORAGE)
CLAIM = """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: papers, namespace: default}
spec: {storageClassName: ceph-block, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"""
# The toolbox goes away when the data begins to move; and it hangs where an OSD is to be purged.
IN_THE_WAY = """#!/bin/sh
case $* in
  *"osd out"*) "$0.real" "$@"; exec "$0.real" scale deployment rook-ceph-tools -n rook-ceph --replicas=0 ;;
  *purge*) sleep 600 ;;
esac
exec "$0.real" "$@"
"""
# Something of ours that holds a pool, as a forgotten image does.
HOLD = """kubectl patch {} -n rook-ceph --type json \
-p '[{{"op": "add", "path": "/metadata/finalizers/-", "value": "example.test/hold"}}]'"""
LET_GO = """kubectl patch {} -n rook-ceph --type merge -p '{{"metadata": {{"finalizers": []}}}}'"""


def with_ceph(site: Site, fleet: Fleet, hosts: Sequence[str] = WORKERS) -> list[dict[str, str]]:
    """Install it on `hosts` where an earlier test has left none or one on fewer; the disks that it has."""
    disks = [{"host": host, "disk": site.disk(host)} for host in hosts]
    there = site.sh("kubectl get cephclusters -A -o name", check=False)
    has = site.get("cephcluster -n rook-ceph rook-ceph")["spec"]["storage"]["nodes"] if there else []
    if missing := [host for host in hosts if host not in {node["name"] for node in has}]:
        wipe = [site.wipe(host) for host in missing]
        made = site.start("ceph-expand" if there else "ceph", disks=disks, wipe=wipe)
        assert finish(made, fleet, 300) == OperationState.SUCCEEDED, made.error
    return disks


def test_it_grows_loses_an_osd_goes_and_comes_again(site: Site, fleet: Fleet) -> None:
    disks = with_ceph(site, fleet)
    _a_disk_is_added_and_an_osd_removed(site, fleet, disks)
    _it_is_removed_with_its_traces(site, fleet)
    again = site.start("ceph", disks=[{"host": host, "disk": site.disk(host)} for host in STORAGE])
    assert finish(again, fleet, 300) == OperationState.SUCCEEDED, again.error
    assert {one["use"] for one in again.steps.get(key="ceph-disks").result["disks"]} == {"use", "no"}


def _a_disk_is_added_and_an_osd_removed(site: Site, fleet: Fleet, disks: list[dict[str, str]]) -> None:
    refused = site.start("ceph-remove-osd", osds=[0])
    assert finish(refused, fleet, 180) == OperationState.FAILED
    assert "keeps 3 copies" in refused.error["message"]

    # Cancelled while helm works, then helm fails twice; the retry takes the disk that was chosen before.
    fault: dict[str, object] = {"at": "helm:upgrade", "match": "rook-ceph-cluster"}
    site.fault({**fault, "do": "hang"})
    grown = site.start("ceph-expand", wipe=[site.wipe("worker3", "vdc")], disks=disks)
    pending = "helm status rook-ceph-cluster -n rook-ceph -o json"
    cancel_in(grown, "component-rook-ceph-cluster", fleet, lambda: "pending-upgrade" in site.sh(pending))
    site.fault({**fault, "do": "fail", "times": 2, "message": "etcdserver: request timed out"})
    services.request_retry(grown, actor="test")
    assert finish(grown, fleet, 300) == OperationState.FAILED
    assert grown.error["step"] == "component-rook-ceph-cluster"
    # The host of the new disk is away when Rook is to take it.
    site.fault({**fault, "do": "slow", "seconds": 4, "times": 1})
    services.request_retry(grown, actor="test")
    until(lambda: _step(grown, "component-rook-ceph-cluster").state == "running", 120, "helm has begun")
    site.lab.cut("worker3")
    until(lambda: "of 4 OSDs are up" in stored(grown, "ceph-ready"), 120, "Ceph lacks the new disk")
    site.lab.heal("worker3")
    assert finish(grown, fleet, 300) == OperationState.SUCCEEDED, grown.error
    assert _step(grown, "ceph-ready").result["osds"] == 4
    none = site.start("ceph-expand", disks=disks)
    assert finish(none, fleet, 180) == OperationState.FAILED
    assert none.error["kind"] == "too-few-disks"

    # The toolbox is away while the data moves. Cancelled when the daemon is stopped and Ceph still knows the OSD; what
    # was checked before the data moved is not again.
    site.sh(f"mv bin/kubectl bin/kubectl.real; printf '%s' '{IN_THE_WAY}' >bin/kubectl; chmod +x bin/kubectl")
    removed = site.start("ceph-remove-osd", osds=[3])
    until(lambda: "does not answer in the toolbox" in _step(removed, "ceph-osd-drained").note, 120, "it waits for Ceph")
    site.sh("kubectl scale deployment rook-ceph-tools -n rook-ceph --replicas=1")
    stopped = "kubectl get deployment rook-ceph-osd-3 -n rook-ceph -o jsonpath={.spec.replicas}"
    cancel_in(removed, "ceph-osd-purge", fleet, lambda: site.sh(stopped) == "0")
    site.sh("mv bin/kubectl.real bin/kubectl")
    services.request_retry(removed, actor="test")
    assert finish(removed, fleet, 300) == OperationState.SUCCEEDED, removed.error
    (osd,) = removed.steps.get(key="ceph-osd-check").result["osds"]
    assert (osd["host"], osd["disk"]) == ("worker3", site.disk("worker3", "vdc"))
    assert "rook-ceph-osd-3" not in site.names("deployments -n rook-ceph")
    nodes = site.get("cephcluster -n rook-ceph rook-ceph")["spec"]["storage"]["nodes"]
    assert nodes[-1] == {"name": "worker3", "devices": [{"name": site.disk("worker3")}]}
    assert "vdc" not in site.sh("cat /var/lib/sanqian/ceph/disks", "worker3")


def _it_is_removed_with_its_traces(site: Site, fleet: Fleet) -> None:
    with pytest.raises(PlanError, match="its name has to be typed"):
        site.start("ceph-uninstall")

    site.sh(f"kubectl apply -f - <<'END'\n{CLAIM}\nEND")
    refused = site.start("ceph-uninstall", confirm="demo")
    assert finish(refused, fleet, 180) == OperationState.FAILED
    assert "PersistentVolumeClaim default/papers" in refused.error["message"]
    assert site.get("cephclusters -A")["items"]

    # What holds a pool is named; when it has let go, a retry goes on. The host was away meanwhile.
    site.sh(HOLD.format("cephblockpool ceph-blockpool"))
    operation = site.start("ceph-uninstall", confirm="demo", force=True, patience=2)
    assert finish(operation, fleet, 300) == OperationState.FAILED
    assert operation.error["step"] == "ceph-remove-pools"
    assert "example.test/hold" in stored(operation, "ceph-remove-pools")
    site.sh(LET_GO.format("cephblockpool ceph-blockpool"))
    # Cancelled while the Ceph cluster goes: Rook has let go of it, something else has not.
    site.sh(HOLD.format("cephcluster rook-ceph"))
    operation = site.start("ceph-uninstall", confirm="demo", force=True)
    held = "kubectl get cephcluster rook-ceph -n rook-ceph -o jsonpath={.metadata.finalizers}"
    cancel_in(operation, "ceph-remove-cluster", fleet, lambda: site.sh(held) == '["example.test/hold"]')
    site.sh(LET_GO.format("cephcluster rook-ceph"))
    site.lab.cut("worker2")
    services.request_retry(operation, actor="test")
    site.lab.heal("worker2")
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, operation.error
    assert "rook-ceph" not in site.names("namespaces")
    assert not [name for name in site.names("crds") if name.endswith("ceph.rook.io")]
    assert not {"ceph-block", "ceph-filesystem", "ceph-bucket"} & site.names("storageclasses")
    for host in WORKERS:
        assert site.sh("ls -d /var/lib/rook /var/lib/sanqian/ceph/disks 2>/dev/null; wipefs -n /dev/vdb", host) == ""


def test_a_ceph_is_adopted_with_its_cluster(site: Site, fleet: Fleet) -> None:
    """Forgotten by the service and imported anew: its Ceph is known, and grows. What others installed is let alone."""
    disks = with_ceph(site, fleet, STORAGE)
    for host in MEMBERS:
        site.sh(f"mkdir -p /var/lib/sanqian; echo {CLUSTER} >/var/lib/sanqian/cluster", host)
    site.forget()
    adopted = site.start("import")
    assert finish(adopted, fleet, 300) == OperationState.SUCCEEDED, adopted.error
    assert {row["code"] for row in _step(adopted, "match").result["findings"]} == {"owner"}
    site.cluster.refresh_from_db()
    assert site.cluster.imported["formerly"] == [str(CLUSTER)]
    (ceph,) = site.cluster.imported["ceph"]
    assert (ceph["namespace"], ceph["name"], ceph["operator"], ceph["toolbox"]) == (*["rook-ceph"] * 3, True)
    assert ceph["hosts"] == list(STORAGE)
    assert {"ceph-block", "ceph-filesystem", "ceph-bucket"} == set(ceph["classes"])
    parts = {row.name: row for row in site.cluster.components.filter(name__startswith="rook-ceph")}
    assert {name: row.chosen for name, row in parts.items()} == {"rook-ceph": True, "rook-ceph-cluster": True}
    asked = site.start("ceph-status")
    assert finish(asked, fleet, 60) == OperationState.SUCCEEDED, asked.error
    assert site.cluster.components.get(name="rook-ceph-cluster").details["ceph"]["osds_up"] == len(disks)

    site.sh("mv /var/lib/sanqian/ceph/values.yaml /var/lib/sanqian/ceph/away.yaml")
    foreign = "was not installed by this service: master1 has no"
    looked, removal = site.start("ceph-expand", dry_run=True, disks=disks), site.start("ceph-remove-osd", osds=[0])
    assert finish(looked, fleet, 120) == OperationState.SUCCEEDED
    assert foreign in _step(looked, "ceph-version").note
    assert len(_step(looked, "ceph-disks").result["disks"]) == 8
    assert finish(removal, fleet, 120) == OperationState.FAILED
    assert removal.error["step"] == "ceph-osd-check" and foreign in removal.error["message"]
    site.sh("mv /var/lib/sanqian/ceph/away.yaml /var/lib/sanqian/ceph/values.yaml")
    with pytest.raises(PlanError, match="its name has to be typed"):
        site.start("ceph-uninstall")

    wipe = [site.wipe("worker3", "vdc")]
    seen = site.start("ceph-expand", dry_run=True, wipe=wipe, disks=disks)
    assert finish(seen, fleet, 120) == OperationState.SUCCEEDED, seen.error
    uses = {(one["host"], one["device"]): one["use"] for one in _step(seen, "ceph-disks").result["disks"]}
    assert {key for key, use in uses.items() if use == "keep"} == {(host, "/dev/vdb") for host in STORAGE}
    assert uses["worker3", "/dev/vdc"] in ("use", "wipe")
    grown = site.start("ceph-expand", wipe=wipe, disks=disks)
    assert finish(grown, fleet, 300) == OperationState.SUCCEEDED, grown.error
    assert _step(grown, "ceph-ready").result["osds"] == 5
    removed = site.start("ceph-remove-osd", osds=[4])
    assert finish(removed, fleet, 300) == OperationState.SUCCEEDED, removed.error
    for host in MEMBERS:
        site.sh(f"sed -i s/{site.cluster.pk}/{CLUSTER}/ /var/lib/sanqian/ceph/disks 2>/dev/null || :", host)


def _step(operation: Operation, key: str) -> Step:
    return operation.steps.get(key=key)
