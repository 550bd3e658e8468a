"""Mounts a host's file system, in the host's own mount namespace: what it sees of the machine, and what it does not."""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

from lab.kernel import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, bind, mount, pivot_root

STRICT = MS_NOSUID | MS_NODEV | MS_NOEXEC
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# /proc/sys but for net belongs to the whole machine. Hosts may write these: each has copies, which change nothing.
OWN_SETTINGS = ("vm", "fs", "kernel/panic", "kernel/panic_on_oops", "kernel/pid_max", "kernel/threads-max")


def enter(home: Path, settings: dict[str, Any]) -> None:
    """Mount everything and make it this process's root.

    :param home: the host's directory: `upper`, `work`, `root`, `own` (made a tmpfs here), and `proc` with the SIMULATED
        files
    :param settings: `lower` (overlayfs's lower directories) and `disks` ({"vdb": {"device", "id"}})
    """
    root = home / "root"
    _overlay(home, settings["lower"])
    mount("proc", root / "proc", "proc", STRICT)
    mount("sysfs", root / "sys", "sysfs", STRICT | MS_RDONLY)
    mount("tmpfs", root / "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    _devices(root / "dev", settings["disks"])
    _block_devices(root / "sys", settings["disks"])
    own = home / "own"
    mount("tmpfs", own, "tmpfs", STRICT, "mode=755,size=8m")
    _settings_of_its_own(root / "proc" / "sys", own)
    _simulated_proc(home, root, settings["disks"])
    for path in (root / "tmp").iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    pivot_root(root)


def _overlay(home: Path, lower: list[str]) -> None:
    # index=on makes the kernel refuse an upper directory that the last boot still holds.
    data = f"lowerdir={':'.join(lower)},upperdir={home}/upper,workdir={home}/work,index=on"
    deadline = time.monotonic() + 10
    while True:
        try:
            return mount(f"lab-{home.name}", home / "root", "overlay", 0, data)
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _node(path: Path, mode: int, device: int) -> None:
    os.mknod(path, mode, device)
    path.chmod(mode & 0o7777)  # mknod heeds the umask


def _devices(dev: Path, disks: dict[str, dict[str, str]]) -> None:
    mount("tmpfs", dev, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m")
    for name, (major, minor) in DEVICES.items():
        _node(dev / name, 0o020666, os.makedev(major, minor))
    for name, target in DEVICE_LINKS.items():
        (dev / name).symlink_to(target)
    for name in ("pts", "shm", "mqueue", "disk", "disk/by-id"):
        (dev / name).mkdir()
    mount("devpts", dev / "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")
    mount("tmpfs", dev / "shm", "tmpfs", MS_NOSUID | MS_NODEV)
    mount("mqueue", dev / "mqueue", "mqueue", STRICT)
    for name, disk in disks.items():
        _node(dev / name, 0o060660, Path(disk["device"]).stat().st_rdev)
        (dev / "disk/by-id" / disk["id"]).symlink_to(f"../../{name}")


def _block_devices(sys: Path, disks: dict[str, dict[str, str]]) -> None:
    """Show this host's disks and no other block device of the machine."""
    for directory in ("block", "class/block", "dev/block"):
        up = "../" * (directory.count("/") + 1)
        mount("tmpfs", sys / directory, "tmpfs", STRICT, "mode=755,size=64k")
        for name, disk in disks.items():
            device = Path(disk["device"])
            number = device.stat().st_rdev
            shown = f"{os.major(number)}:{os.minor(number)}" if directory == "dev/block" else name
            (sys / directory / shown).symlink_to(f"{up}devices/virtual/block/{device.name}")


def _settings_of_its_own(real: Path, copies: Path) -> None:
    """Leave /proc/sys/net, which is the host's own, writable; copies for OWN_SETTINGS; the rest read-only."""
    for name in OWN_SETTINGS:
        source = real / name
        for path in [source, *source.rglob("*")] if source.is_dir() else [source]:
            copy = copies / path.relative_to(real)
            if path.is_dir():
                copy.mkdir(parents=True, exist_ok=True)
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                copy.write_bytes(path.read_bytes())
            except OSError:  # write-only, such as vm/compact_memory, or needs what this machine lacks
                copy.touch()
    bind(real, real, read_only=True)
    bind(real / "net", real / "net")
    for name in OWN_SETTINGS:
        bind(copies / name, real / name)


def _simulated_proc(home: Path, root: Path, disks: dict[str, dict[str, str]]) -> None:
    """Cover files of /proc and /sys that would show the machine; root of the host may write to the covers."""
    own = home / "own" / "proc"
    shutil.copytree(home / "proc", own)
    rows = ["major minor  #blocks  name\n\n"]
    for name, disk in disks.items():
        device = Path(disk["device"])
        number = device.stat().st_rdev
        sectors = int(Path(f"/sys/class/block/{device.name}/size").read_text())
        rows.append(f"{os.major(number):4} {os.minor(number):8} {sectors // 2:10} {name}\n")
    (own / "partitions").write_text("".join(rows))
    for name in ("cpuinfo", "meminfo", "partitions", "swaps"):
        bind(own / name, root / "proc" / name)
    for name in ("online", "possible", "present"):
        bind(own / "cpu_list", root / "sys/devices/system/cpu" / name)
    boot_id = f"{uuid.uuid4()}\n"
    (home / "proc" / "boot_id").write_text(boot_id)  # for `status`, which reads it from outside
    (own / "boot_id").write_text(boot_id)
    bind(own / "boot_id", root / "proc/sys/kernel/random/boot_id", read_only=True)
