"""What a host is told about its machine: files on its disk before the first boot, and SIMULATED /proc files."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from lab.base import make_key
from lab.layout import PASSWORDLESS_SUDO_USER, SUDO_USER, Host, hosts_file

CPUS = 8
MEMORY_KIB = 32 * 1024**2
GPUS = 2


def simulated_proc() -> dict[str, str]:
    """Contents for /proc/{cpuinfo,meminfo,swaps} and, as ``cpu_list``, for the lists of CPUs in /sys."""
    processor = (
        "processor\t: {0}\nvendor_id\t: SIMULATED\ncpu family\t: 25\nmodel\t\t: 1\n"
        "model name\t: SIMULATED 8-Core Processor\nstepping\t: 1\ncpu MHz\t\t: 2500.000\ncache size\t: 512 KB\n"
        "physical id\t: 0\nsiblings\t: 8\ncore id\t\t: {0}\ncpu cores\t: 8\nflags\t\t: fpu sse sse2 ssse3 sse4_1 "
        "sse4_2 avx avx2 vmx svm lm\nbogomips\t: 5000.00\naddress sizes\t: 48 bits physical, 48 bits virtual\n\n"
    )
    used = 2 * 1024**2
    memory = {
        "MemTotal": MEMORY_KIB,
        "MemFree": MEMORY_KIB - 2 * used,
        "MemAvailable": MEMORY_KIB - used,
        "Buffers": used // 8,
        "Cached": used,
        "SwapCached": 0,
        "Active": used,
        "Inactive": used // 2,
        "SwapTotal": 0,
        "SwapFree": 0,
        "Shmem": 1024,
        "SReclaimable": used // 16,
        "Slab": used // 8,
    }
    lines = [f"{f'{name}:':<16}{kib:8} kB\n" for name, kib in memory.items()]
    pages = [f"{f'{name}:':<16}{0:8}\n" for name in ("HugePages_Total", "HugePages_Free")]
    return {
        "cpuinfo": "".join(processor.format(number) for number in range(CPUS)),
        "meminfo": "".join(lines + pages),
        "swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
        "cpu_list": f"0-{CPUS - 1}\n",
    }


class Upper:
    """A host's overlay upper directory, written to while the host is off."""

    def __init__(self, path: Path, base: Path) -> None:
        self._path = path
        self._base = base

    def write(self, where: str, text: str, mode: int = 0o644, owner: tuple[int, int] = (0, 0)) -> None:
        """Write a file; directories on the way are as in the base."""
        path = self._path / where
        self._make_directory(Path(where).parent, owner)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, *owner)

    def exists(self, where: str) -> bool:
        return (self._path / where).exists()

    def at(self, where: str) -> Path:
        """A path to write to with another program."""
        self._make_directory(Path(where).parent, (0, 0))
        return self._path / where

    def _make_directory(self, where: Path, owner: tuple[int, int]) -> None:
        if where == Path() or (self._path / where).is_dir():
            return
        self._make_directory(where.parent, owner)
        path, model = self._path / where, self._base / where
        path.mkdir()
        if model.is_dir():
            shutil.copystat(model, path)
            os.chown(path, model.stat().st_uid, model.stat().st_gid)
        else:
            path.chmod(0o700 if where.name == ".ssh" else 0o755)
            os.chown(path, *owner)

    def users(self) -> dict[str, tuple[str, tuple[int, int]]]:
        """{name: (home without leading slash, (uid, gid))} of those who may log in."""
        found = {}
        for line in (self._base / "etc/passwd").read_text().splitlines():
            name, _, uid, gid, _, home, _ = line.split(":")
            if name in {"root", SUDO_USER, PASSWORDLESS_SUDO_USER}:
                found[name] = (home.lstrip("/"), (int(uid), int(gid)))
        return found


def furnish(upper: Upper, host: Host, hosts: Iterable[Host], public_key: str) -> None:
    """Write what makes this host itself; once, so that what is changed on it later stays."""
    if upper.exists("etc/lab/furnished"):
        return
    upper.write("etc/hostname", f"{host.name}\n")
    upper.write("etc/hosts", hosts_file(hosts, host.name))
    upper.write("etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
    upper.write("etc/resolv.conf", "# A lab host resolves names by /etc/hosts only.\n")
    for home, owner in upper.users().values():
        upper.write(f"{home}/.ssh/authorized_keys", public_key, 0o600, owner)
    for kind in ("ed25519", "ecdsa"):
        key = upper.at(f"etc/ssh/ssh_host_{kind}_key")
        key.unlink(missing_ok=True)
        make_key(key, kind, f"lab {host.name}")
    if host.is_worker:
        upper.write("etc/lab/gpus", f"{GPUS}\n")
    upper.write("etc/lab/boot.d/README", "Executables here are started at every boot of this host.\n")
    upper.write("etc/lab/furnished", "")
