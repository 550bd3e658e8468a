"""SIMULATED Debian packages: those that Kubernetes' hosts need, and a repository for driver containers."""

from __future__ import annotations

import gzip
import hashlib

from lab import packing
from lab.packing import File, Tree

# The real packages' versions with a suffix that sorts below them, so that apt takes the real ones for newer.
PACKAGES = {
    "socat": ("1.7.4.4-2~lab1", "usr/bin/socat"),
    "conntrack": ("1:1.4.7-1~lab1", "usr/sbin/conntrack"),
    "ebtables": ("2.0.11-5~lab1", "usr/sbin/ebtables"),
    "ipset": ("7.17-1~lab1", "usr/sbin/ipset"),
    "ipvsadm": ("1:1.31-1~lab1", "usr/sbin/ipvsadm"),
}
HEADERS = ("linux-headers-generic", "5.4.0.216.213~lab1")
SUITE = "stable"
SOURCES = f"deb [trusted=yes] http://master_ip:8080 {SUITE} main\n"
_STUB = """#!/bin/sh
# SIMULATED {name}
case ${{1:-}} in
  --version | -[vV] | version) echo "SIMULATED {name} {version}" ;;
  *) echo "{name}: SIMULATED, it answers --version only" >&2; exit 1 ;;
esac
"""


def stub(name: str, version: str) -> str:
    """A program that knows its version, and fails at anything else."""
    return _STUB.format(name=name, version=version)


def files() -> Tree:
    """The packages by their file names."""
    found = {}
    for name, (version, path) in PACKAGES.items():
        program = {path: File.text(stub(name, version), 0o755)}
        data = packing.deb(name, version, f"SIMULATED {name}, stands for the real one in the lab", program)
        found[file_name(name, version)] = File(data)
    return found


def file_name(name: str, version: str) -> str:
    """As Debian names packages' files: an epoch is not part of it."""
    return f"{name}_{version.rpartition(':')[2]}_amd64.deb"


def apt_source() -> Tree:
    """An apt repository with the kernel headers that driver containers ask for."""
    name, version = HEADERS
    note = {f"usr/share/doc/{name}/SIMULATED": File.text("kernel headers, SIMULATED\n")}
    pool = f"pool/{file_name(name, version)}"
    package = packing.deb(name, version, "SIMULATED kernel headers for driver containers", note)
    index = packing.packages_index([(pool, package)]).encode()
    lists = {
        "main/binary-amd64/Packages": index,
        "main/binary-amd64/Packages.gz": gzip.compress(index, mtime=0),
    }
    sums = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}\n" for path, data in lists.items())
    release = (
        f"Origin: SIMULATED\nSuite: {SUITE}\nCodename: {SUITE}\nDate: Thu, 01 Jan 1970 00:00:00 UTC\n"
        f"Architectures: amd64\nComponents: main\nSHA256:\n{sums}"
    )
    tree = {f"dists/{SUITE}/{path}": File(data) for path, data in lists.items()}
    return tree | {f"dists/{SUITE}/Release": File.text(release), pool: File(package)}
