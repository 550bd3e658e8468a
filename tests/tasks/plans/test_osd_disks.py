"""Which disk an OSD is on, and who uses Ceph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tasks.plans import ceph_use, ceph_values, osd_disks
from tasks.plans.disks import Disk

DUMP = {"osds": [{"osd": 0, "uuid": "u0"}, {"osd": 1, "uuid": "u1"}]}
DISKS = [Disk("w1", "sdb", serial="S0", label="u0"), Disk("w1", "sdc", serial="S1", label="u1")]
TEXT = "ours S0 /d/0\nother S9 /d/9\nours S1 /d/1\n"
GIVEN = {"w1": osd_disks.claims(TEXT, "ours")}


def test_an_osd_is_on_the_disk_that_has_its_label() -> None:
    assert osd_disks.of(1, DUMP, "w1", DISKS, GIVEN) == ("/d/1", "S1")
    assert osd_disks.of(1, DUMP, "w2", DISKS, GIVEN) is None
    assert osd_disks.of(1, DUMP, "w1", [DISKS[0], replace(DISKS[1], label="else")], GIVEN) is None


def test_a_dead_disk_is_the_one_that_is_away() -> None:
    assert osd_disks.of(1, DUMP, "w1", DISKS[:1], GIVEN) == ("/d/1", "S1")
    unreadable = replace(DISKS[1], label="", unreadable=("/dev/sdc",))
    assert osd_disks.of(1, DUMP, "w1", [DISKS[0], unreadable], GIVEN) == ("/d/1", "S1")
    assert osd_disks.of(1, DUMP, "w1", [], GIVEN) is None


def test_a_host_forgets_only_that_disk() -> None:
    assert osd_disks.without(TEXT, {"S1", "S9"}, "ours") == "ours S0 /d/0\nother S9 /d/9\n"
    # What it gave under a former registration counts too.
    assert osd_disks.without(TEXT, {"S1", "S9"}, "ours", "other") == "ours S0 /d/0\n"
    assert ("/d/9", "S9") in osd_disks.claims(TEXT, "ours", "other")
    values = ceph_values.values([("w1", "/d/0"), ("w1", "/d/1"), ("w2", "/d/0")], single_node=False, default_class="")
    osd_disks.release(values, {("w1", "/d/1"), ("w2", "/d/0")})
    assert values["cephClusterSpec"]["storage"]["nodes"] == [{"name": "w1", "devices": [{"name": "/d/0"}]}]


def obj(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "n"}, **more}


def test_claims_buckets_and_volumes_left_over_are_found() -> None:
    classes = [
        obj("StorageClass", "ceph-block", provisioner="rook-ceph.rbd.csi.ceph.com"),
        obj("StorageClass", "fast", provisioner="rook-system.ceph.rook.io/bucket"),
        obj("StorageClass", "local", provisioner="openebs.io/local"),
    ]
    objects = [
        *classes,
        obj("PersistentVolumeClaim", "a", spec={"storageClassName": "ceph-block", "volumeName": "v1"}),
        obj("PersistentVolumeClaim", "b", spec={"storageClassName": "local"}),
        obj("ObjectBucketClaim", "c", spec={"storageClassName": "fast"}),
        obj("PersistentVolume", "v1", spec={"storageClassName": "ceph-block"}),
        obj("PersistentVolume", "v2", spec={"storageClassName": "ceph-block"}),
    ]
    found = ["PersistentVolumeClaim n/a", "ObjectBucketClaim n/c", "PersistentVolume v2"]
    assert ceph_use.claims(objects) == found
    assert ceph_use.claims(classes) == []


def test_what_a_cancelled_proof_of_use_has_left_holds_nobodys_data() -> None:
    spec = {"storageClassName": "ceph-block", "volumeName": "v1"}
    left = obj("PersistentVolumeClaim", "sanqian-proof-block", spec=spec)
    left["metadata"] |= {"namespace": "rook-ceph", "labels": {"sanqian-proof": "block"}}
    elsewhere = {**left, "metadata": {**left["metadata"], "namespace": "somebodys"}}
    volume = obj("PersistentVolume", "v1", spec={"storageClassName": "ceph-block"})
    served = obj("StorageClass", "ceph-block", provisioner="rook-ceph.rbd.csi.ceph.com")
    assert ceph_use.claims([served, left, volume]) == []
    assert ceph_use.claims([served, elsewhere]) == ["PersistentVolumeClaim somebodys/sanqian-proof-block"]
