"""Ceph on lab hosts with real disks: which are taken, what is refused, faults in the middle, and that it is of use."""

from __future__ import annotations

import pytest

from tasks import services
from tasks.models import AuditEvent, Operation, OperationState, Outcome
from tests.ceph.conftest import Site
from tests.installed import stored
from tests.tasks.driven import cancel_in, finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab, pytest.mark.timeout(900)]

WORKERS = ("worker1", "worker2", "worker3")
PROOFS = "jobs", "-n", "rook-ceph"
ONE_EACH = [{"host": host, "disk": f"/dev/disk/by-id/virtio-SIMULATED-{host}-vdb"} for host in WORKERS]


def disks(operation: Operation) -> dict[tuple[str, str], dict[str, object]]:
    """What becomes of each disk, by host and device."""
    found = operation.steps.get(key="ceph-disks").result["disks"]
    return {(one["host"], one["device"]): one for one in found}


def test_ceph_is_previewed_and_installed_through_faults(site: Site, fleet: Fleet) -> None:
    _a_preview_names_every_disk_with_its_reason_and_changes_nothing(site, fleet)
    _it_is_installed_through_a_killed_helm_a_changed_disk_a_cut_host_and_a_cancel(site, fleet)
    again = site.start("ceph", disks=ONE_EACH)
    assert finish(again, fleet, 300) == OperationState.SUCCEEDED, again.error
    assert {one["use"] for one in disks(again).values()} == {"keep", "no"}
    changed = set(again.steps.filter(outcome=Outcome.CHANGED).values_list("key", flat=True))
    assert changed == {"ceph-proof-block", "ceph-proof-filesystem", "ceph-proof-bucket", "ceph-guard"}


def _a_preview_names_every_disk_with_its_reason_and_changes_nothing(site: Site, fleet: Fleet) -> None:
    site.sh("mkswap /dev/vdc", "worker1")
    site.sh("echo something | dd of=/dev/vdc bs=1M seek=0 conv=notrunc", "worker2")
    operation = site.start("ceph", dry_run=True)
    assert finish(operation, fleet, 180) == OperationState.SUCCEEDED, operation.error
    found = disks(operation)
    assert {key for key, one in found.items() if one["use"] == "use"} == {
        ("worker1", "/dev/vdb"), ("worker2", "/dev/vdb"),
        *((host, disk) for host in ("worker3", "worker4") for disk in ("/dev/vdb", "/dev/vdc")),
    }  # fmt: skip
    assert found["worker1", "/dev/vdc"]["reasons"] == ["carries swap"]
    assert found["worker2", "/dev/vdc"]["reasons"] == ["is not empty (first MiB)"]
    assert found["worker1", "/dev/vdb"]["disk"] == site.disk("worker1")
    assert found["worker1", "/dev/vdb"]["serial"] == "SIMULATED-worker1-vdb"
    outcomes = dict(operation.steps.values_list("key", "outcome"))
    assert outcomes["component-rook-ceph-cluster"] == Outcome.WOULD_CHANGE
    assert "rook-ceph" not in site.names("namespaces")
    assert site.sh("ls /var/lib/sanqian/ceph 2>/dev/null || echo none", "worker1") == "none"


def _it_is_installed_through_a_killed_helm_a_changed_disk_a_cut_host_and_a_cancel(site: Site, fleet: Fleet) -> None:
    """The way to a Ceph that holds what is written."""
    # Between the choice and the use a disk gets a file system: the last look finds it, and nothing is done to it.
    site.fault({"at": "helm:upgrade", "match": "rook-ceph", "do": "slow", "seconds": 4, "times": 1})
    operation = site.start("ceph", disks=ONE_EACH)
    until(lambda: _state(operation, "component-rook-ceph") == "running", 180, "helm has begun")
    site.sh("mkswap -L kept /dev/vdb", "worker2")
    assert finish(operation, fleet, 180) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("ceph-guard", "worker2")
    assert "signature=swap" in operation.error["message"]
    assert "LABEL=kept" in site.sh("blkid -p -o export /dev/vdb", "worker2")
    assert not site.get("cephclusters -A")["items"]

    # Named with its serial number it may be lost; helm is killed once in its middle, and a host is cut off.
    killed = {"at": "helm:upgrade", "match": "rook-ceph-cluster", "do": "kill", "times": 1}
    site.fault(killed, {"at": "pod", "match": "rook-ceph/sanqian-proof-*", "do": "pending"})
    operation = site.start("ceph", disks=ONE_EACH[::2], wipe=[site.wipe("worker2")])
    until(lambda: _state(operation, "component-rook-ceph-cluster") == "running", 180, "helm has begun")
    site.lab.cut("worker3")
    site.lab.heal("worker3")
    # Cancelled while a volume is proven: nothing of that stays, or a removal would take it for somebody's data.
    cancel_in(operation, "ceph-proof-block", fleet, lambda: "sanqian-proof-block-write" in site.names(*PROOFS))
    assert "sanqian-proof-block" not in site.names("pvc -n rook-ceph")
    site.fault()
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, operation.error
    assert "was left pending-install" in stored(operation, "component-rook-ceph-cluster")
    event = AuditEvent.objects.get(action="disk.wipe")
    assert (event.detail["disk"], event.detail["serial"]) == (site.disk("worker2"), "SIMULATED-worker2-vdb")
    assert event.detail["content"] == ["carries swap"]
    assert operation.steps.get(key="ceph-ready").result["osds"] == 3
    storage = site.get("cephcluster -n rook-ceph rook-ceph")["spec"]["storage"]
    assert storage["nodes"] == [{"name": n, "devices": [{"name": site.disk(n)}]} for n in WORKERS]
    classes = site.get("storageclasses")["items"]
    mark = "storageclass.kubernetes.io/is-default-class"
    defaults = [c["metadata"]["name"] for c in classes if c["metadata"].get("annotations", {}).get(mark) == "true"]
    assert defaults == ["ceph-filesystem"]
    assert {"ceph-block", "ceph-filesystem", "ceph-bucket"} <= {c["metadata"]["name"] for c in classes}
    for kind in ("block", "filesystem", "bucket"):
        assert "was bound, written, and read back" in stored(operation, f"ceph-proof-{kind}")
    assert not site.get("pvc,jobs,obc -n rook-ceph")["items"]


def _state(operation: Operation, step: str) -> str:
    return operation.steps.get(key=step).state
