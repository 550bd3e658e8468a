"""What the scripts that look at disks make of a report, and of Ceph's own label; run by a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.plans.scripting import FILES

UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"


def shell(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    head = f"{FILES['common']}\n{FILES['disk-look']}\n{FILES['ceph-guard']}"
    words = ["sh", "-eu", "-c", f"{head}\n{script}"]
    given = {"PATH": "/usr/bin:/bin:/sbin", "ARTIFACT": "/none", "CLUSTER_ID": "ours", "SANQIAN_HOST": "w1", **env}
    return subprocess.run(words, env=given, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("content", "label"),
    [
        (f"bluestore block device\n{UUID}\nmore", UUID),
        (f"bluestore block device\n{UUID}", UUID),
        (f"another mark\n{UUID}\n", ""),
        ("", ""),
    ],
)
def test_the_label_of_an_osd_is_read(tmp_path: Path, content: str, label: str) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(content.encode().ljust(4096, b"\0"))
    assert shell('label_of "$DISK"', DISK=str(disk)).stdout.strip() == label


def test_a_mebibyte_of_zeros_is_empty_and_one_letter_is_not(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(3 << 20))
    assert shell('filled "$DISK" 0 || filled "$DISK" 2', DISK=str(disk)).returncode == 1
    disk.write_bytes(bytes((3 << 20) - 1) + b"x")
    assert shell('filled "$DISK" 2', DISK=str(disk)).returncode == 0
    assert shell('filled "$DISK" 0', DISK=str(disk)).returncode == 1


@pytest.mark.parametrize(
    ("report", "free"),
    [
        ("disk=sdb\nsize=1\nread_only=0", True),
        ("signature=ceph_bluestore\nclaimed=ours\ndata=first MiB\nholder=dm-0", True),
        ("signature=ceph_bluestore\nclaimed=theirs", False),
        ("signature=ceph_bluestore", False),
        ("signature=ceph_bluestore\nclaimed=ours\nmount=/", False),
        ("signature=ceph_bluestore\nsignature=ext4\nclaimed=ours", False),
        ("claimed=ours\ndata=first MiB", False),
        ("signature=ext4", False),
        ("partition=sdb1 ", False),
        ("swap=/dev/sdb", False),
        ("holder=md0", False),
        ("read_only=1", False),
        ("unreadable=/dev/sdb", False),
    ],
)
def test_only_what_is_blank_or_ceph_s_own_may_be_given(report: str, free: bool) -> None:
    done = shell('blank_or_ours "$REPORT"', REPORT=report)
    assert (done.returncode == 0) is free, done.stderr


def test_disks_given_by_this_cluster_are_told_apart(tmp_path: Path) -> None:
    claims = tmp_path / "disks"
    claims.write_text("ours S1 /dev/disk/by-id/a\ntheirs S2 /dev/disk/by-id/b\n")
    assert shell(f"CLAIMS={claims}; claimed_disks").stdout == "S1 /dev/disk/by-id/a\n"
    both = shell(f"CLAIMS={claims}; claimed_disks", FORMER_IDS="before theirs")
    assert both.stdout == "S1 /dev/disk/by-id/a\nS2 /dev/disk/by-id/b\n"
    live = "signature=ceph_bluestore\nclaimed=theirs"
    assert shell('blank_or_ours "$REPORT"', REPORT=live, FORMER_IDS="before theirs").returncode == 0
    assert shell('blank_or_ours "$REPORT"', REPORT=live, FORMER_IDS="their theirs2").returncode == 1


@pytest.mark.parametrize(
    ("report", "left"),
    [
        ("signature=ceph_bluestore\ndata=first MiB", True),
        ("data=last MiB", True),
        ("signature=ext4", False),
        ("signature=ceph_bluestore\nsignature=gpt", False),
        ("signature=ceph_bluestore\nmount=/data", False),
        ("data=last MiB\nholder=dm-0", False),
    ],
)
def test_only_what_ceph_has_left_is_cleaned(report: str, left: bool) -> None:
    done = shell(f'{FILES["ceph-clean-host.functions"]}\nremains "$REPORT"', REPORT=report)
    assert (done.returncode == 0) is left, done.stderr
