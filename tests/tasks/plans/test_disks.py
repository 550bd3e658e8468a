"""Which disks Ceph may have: reports of hosts as the script writes them, judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.plans import disks
from tasks.plans.disks import KEEP, REFUSE, USE, WIPE, Disk, DiskRefused, Wanted
from tasks.plans.facts import FactsIncomplete

OURS, LINK = "c0ffee", "/dev/disk/by-id/wwn-0x5000c500"
RAW = Disk("worker1", "sdb", size=100 << 30, serial="S1", links=("/dev/disk/by-id/ata-X_S1", LINK))
REPORT = """disk=sda
size=480103981056
rotational=0
read_only=0
removable=0
model=SAMSUNG MZ7LH480
serial=S45NNE0M
by_id=/dev/disk/by-id/ata-SAMSUNG_S45NNE0M
partition=sda1 ext4
partition=sda2 LVM2_member
holder=dm-0 vg-root
mount=/boot
mount=/boot
mount=/
signature=gpt
data=first MiB
disk=nvme0n1
size=3840755982336
rotational=0
serial=S64HNE0R
by_id=/dev/disk/by-id/nvme-SAMSUNG_S64HNE0R
by_id=/dev/disk/by-id/nvme-eui.36344830
end=1
"""


def test_a_report_is_read() -> None:
    system, raw = disks.parse("worker1", REPORT)
    assert (raw.name, raw.path, raw.against) == ("nvme0n1", "/dev/disk/by-id/nvme-eui.36344830", ())
    assert system.against == (
        "is mounted on /boot",
        "is mounted on /",
        "is held by dm-0 vg-root",
        "has the partition sda1 ext4",
        "has the partition sda2 LVM2_member",
        "carries gpt",
    )
    with pytest.raises(FactsIncomplete):
        disks.parse("worker1", REPORT.removesuffix("end=1\n"))


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"signatures": ("ceph_bluestore",)}, "carries ceph_bluestore"),
        ({"signatures": ("bcache",)}, "carries bcache"),
        ({"partitions": ("sdb1 ",)}, "has the partition sdb1 "),
        ({"swaps": ("/dev/sdb",)}, "serves as swap (/dev/sdb)"),
        ({"data": ("first MiB",)}, "is not empty (first MiB)"),
        ({"read_only": True}, "is read-only"),
        ({"removable": True}, "is removable"),
        ({"size": (5 << 30) - 1}, "is smaller than 5 GiB"),
        ({"links": ()}, "has no stable path in /dev/disk/by-id"),
        ({"serial": ""}, "tells no serial number"),
        ({"unreadable": ("/dev/sdb",)}, "cannot be read (/dev/sdb)"),
    ],
)
def test_each_reason_alone_is_enough(what: dict[str, object], reason: str) -> None:
    disk = replace(RAW, **what)  # type: ignore[arg-type]
    (verdict,) = disks.choose([disk], OURS)
    assert (verdict.use, verdict.reasons) == (REFUSE, (reason,))


def test_an_empty_disk_is_used_unless_others_were_named() -> None:
    other = replace(RAW, name="sdc", serial="S2", links=("/dev/disk/by-id/ata-X_S2",))
    assert [one.use for one in disks.choose([RAW, other], OURS)] == [USE, USE]
    named = disks.choose([RAW, other], OURS, [Wanted("worker1", LINK)])
    assert [(one.use, one.reasons) for one in named] == [(USE, ()), (REFUSE, ("was not asked for",))]


def test_a_disk_that_is_not_there_or_not_the_one_meant_is_refused() -> None:
    with pytest.raises(DiskRefused, match="worker2 has no disk"):
        disks.choose([RAW], OURS, [Wanted("worker2", LINK)])
    with pytest.raises(DiskRefused, match="has the serial number 'S1', not 'S9'"):
        disks.choose([RAW], OURS, wipe=[Wanted("worker1", LINK, "S9")])
    with pytest.raises(DiskRefused, match="is not used: it carries ext4"):
        disks.choose([replace(RAW, signatures=("ext4",))], OURS, [Wanted("worker1", LINK)])


@pytest.mark.parametrize(
    "use", [{"mounts": ("/",)}, {"swaps": ("/dev/sdb",)}, {"holders": ("md0 ",)}, {"read_only": True}, {"size": 1}]
)
def test_what_is_in_use_or_unfit_is_not_wiped(use: dict[str, object]) -> None:
    disk = replace(RAW, signatures=("ext4",), **use)  # type: ignore[arg-type]
    with pytest.raises(DiskRefused, match="is not wiped"):
        disks.choose([disk], OURS, wipe=[Wanted("worker1", LINK, "S1")])


def test_a_named_disk_is_wiped_and_what_was_on_it_is_told() -> None:
    disk = replace(RAW, signatures=("ext4",), data=("first MiB",))
    (verdict,) = disks.choose([disk], OURS, wipe=[Wanted("worker1", LINK, "S1")])
    assert (verdict.use, verdict.reasons) == (WIPE, ("carries ext4",))
    assert verdict.to_json()["content"] == ["carries ext4"]


def test_ceph_keeps_what_it_was_given_and_nothing_else() -> None:
    ours = replace(RAW, claimed=(OURS,), signatures=("ceph_bluestore",), data=("first MiB",))
    assert disks.choose([ours], OURS)[0].use == KEEP
    assert disks.choose([ours], OURS, wipe=[Wanted("worker1", LINK, "S1")])[0].use == KEEP
    assert disks.choose([ours], "another cluster")[0].use == REFUSE
    assert disks.choose([replace(ours, signatures=("ext4",))], OURS)[0].use == REFUSE
    assert disks.choose([replace(ours, signatures=())], OURS)[0].use == REFUSE
    assert disks.choose([replace(ours, mounts=("/data",))], OURS)[0].use == REFUSE
