"""System calls that Python 3.11 has no function for."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

from lab.errors import LabError

CLONE_NEWTIME, CLONE_NEWNS, CLONE_NEWUTS = 0x00000080, 0x00020000, 0x04000000
CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_LIBC = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_LIBC, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    _call("unshare", ctypes.c_int(flags))


def rejoin_own(kind: int, name: str) -> None:
    """Let the next children start in this process's own namespace again, after an unshare for one child."""
    handle = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
    try:
        _call("setns", handle, ctypes.c_int(kind))
    finally:
        os.close(handle)


def die_with_parent() -> None:
    _call("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def set_hostname(name: str) -> None:
    _call("sethostname", name.encode(), ctypes.c_size_t(len(name)))


def mount(source: str | Path, target: str | Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = (str(source).encode(), str(target).encode(), kind.encode() or None)
    try:
        _call("mount", *words, ctypes.c_ulong(flags), data.encode() or None)
    except OSError as error:
        raise OSError(error.errno, f"mount {source or kind} on {target}: {os.strerror(error.errno or 0)}") from error


def bind(source: str | Path, target: str | Path, *, read_only: bool = False) -> None:
    """Show `source` at `target`; writable even where `source` is seen through a read-only mount."""
    mount(source, target, flags=MS_BIND)
    mount("", target, flags=MS_BIND | MS_REMOUNT | (MS_RDONLY if read_only else 0))


def make_private() -> None:
    """Keep this mount namespace's mounts from every other one."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def pivot_root(root: Path) -> None:
    """Make `root`, a mount point, the only root of this mount namespace."""
    machine = os.uname().machine
    if machine not in PIVOT_ROOT:
        raise LabError(f"the lab does not know pivot_root's number on {machine}", "add it to lab/kernel.py")
    os.chdir(root)
    _call("syscall", ctypes.c_long(PIVOT_ROOT[machine]), b".", b".")
    _call("umount2", b".", ctypes.c_int(MNT_DETACH))
    os.chdir("/")
