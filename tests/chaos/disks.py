"""Small disks for the job directories, so that they can be filled: real file systems, kept by a reboot."""

from __future__ import annotations

from lab.hosts import Lab

HOME = "/var/lib/sanqian"
FILLER = f"{HOME}/filler"
DEVICE = "/dev/vdb"
SIZE = "16384k"
BOOT = "/etc/lab/boot.d/small-disk"


def small_disks(lab: Lab) -> list[str]:
    """The hosts that have one."""
    return [host.name for host in lab.hosts if DEVICE in host.disks]


def mount(lab: Lab) -> None:
    """Put the directories there, now and after each boot."""
    for name in small_disks(lab):
        make = f"rm -rf {HOME}; mkdir -p {HOME}; mkfs.ext4 -q -F {DEVICE} {SIZE}; {BOOT}"
        text = f"#!/bin/sh\nmount {DEVICE} {HOME}\n"
        lab.exec(name, ["sh", "-c", f"cat > {BOOT}; chmod 755 {BOOT}"], stdin=text.encode(), check=True)
        lab.exec(name, ["sh", "-euc", make], check=True)


def unmount(lab: Lab) -> None:
    """Leave the disks raw."""
    for name in small_disks(lab):
        lab.exec(name, ["sh", "-c", f"rm -f {BOOT}; umount --lazy {HOME}; head -c 32M /dev/zero > {DEVICE}"])
