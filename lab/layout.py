"""Names, addresses and paths of a lab (pure: nothing here touches the machine)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

ROOT_PASSWORD = "lab-root"  # noqa: S105  printed in the README: the hosts answer on this machine only
SUDO_USER = "ops"
SUDO_PASSWORD = "lab-ops"  # noqa: S105
PASSWORDLESS_SUDO_USER = "deploy"

DISK_BYTES = 20 * 1024**3
DISK_NAMES = ("vdb", "vdc", "vdd", "vde", "vdf", "vdg")
MASTERS_FROM = 11
WORKERS_FROM = 21
MAX_MASTERS = WORKERS_FROM - MASTERS_FROM
MAX_WORKERS = 254 - WORKERS_FROM + 1

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True)
class Host:
    """One host of a lab, as an SSH client sees it.

    `host_key` is the public key line without comment (``ssh-ed25519 AAAA...``); empty until the lab is up.
    `disks` are the raw disks' paths inside the host.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    host_key: str = ""
    disks: tuple[str, ...] = ()

    @property
    def is_worker(self) -> bool:
        return self.name.startswith("worker")

    @property
    def number(self) -> int:
        """The last octet of the address: unique in the lab."""
        return int(self.address.rsplit(".", 1)[1])


def check_name(name: str) -> str:
    """Return `name` when it can be a lab's; raise LabError otherwise."""
    if not _NAME.fullmatch(name):
        raise LabError(
            f"{name!r} cannot be a lab's name",
            "use 1 to 32 lower-case letters, digits and dashes, with a letter or digit at both ends",
        )
    return name


def plan_hosts(prefix: str, masters: int = 3, workers: int = 3, disks: int = 1) -> tuple[Host, ...]:
    """Hosts of a lab whose network is `prefix`.0/24, masters from .11 and workers from .21."""
    limits = ((masters, 1, MAX_MASTERS, "masters"), (workers, 0, MAX_WORKERS, "workers"))
    for count, least, most, what in (*limits, (disks, 0, len(DISK_NAMES), "disks of a worker")):
        if not least <= count <= most:
            raise LabError(f"a lab cannot have {count} {what}", f"choose {least} to {most}")
    paths = tuple(f"/dev/{name}" for name in DISK_NAMES[:disks])
    return (
        *(Host(f"master{i + 1}", f"{prefix}.{MASTERS_FROM + i}") for i in range(masters)),
        *(Host(f"worker{i + 1}", f"{prefix}.{WORKERS_FROM + i}", disks=paths) for i in range(workers)),
    )


def mac_address(number: int, prefix: str) -> str:
    """The locally administered MAC of the host `number` in `prefix`.0/24: every lab's are its own."""
    octets = [int(part) for part in prefix.split(".")]
    return ":".join(f"{part:02x}" for part in (0x02, 0x5A, *octets, number))


def hosts_file(hosts: Iterable[Host], own_name: str) -> str:
    """Text of /etc/hosts for the host `own_name`: all hosts by name."""
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines += [f"{host.address}\t{host.name}" for host in hosts]
    if not any(line.endswith(f"\t{own_name}") for line in lines):
        raise LabError(f"{own_name} is not a host of this lab")
    return "\n".join(lines) + "\n"


def config_text(hosts: Iterable[Host], key_path: Path) -> str:
    """The installation guide's sample configuration with the lab's addresses.

    As in the guide, `roleGroups` is indented under the list of hosts, which is not valid YAML.
    """
    hosts = tuple(hosts)
    masters = sum(not host.is_worker for host in hosts)
    workers = len(hosts) - masters
    lines = ["hosts:"]
    lines += [
        f"  - {{name: {host.name}, internalAddress: {host.address}, port: {host.port}, "
        f'user: {host.user}, privateKeyPath: "{key_path}"}}'
        for host in hosts
    ]
    groups = {
        "etcd": f"master[1:{masters}]" if masters > 1 else "master1",
        "control-plane": "master1",
        "worker": f"worker[1:{workers}]" if workers > 1 else "worker1",
        "registry": "master1",
    }
    if not workers:
        groups["worker"] = groups["etcd"]
    lines.append("  roleGroups:")
    for group, pattern in groups.items():
        lines += [f"    {group}:", f"    - {pattern}"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Paths:
    """Where a lab keeps what on the machine. `state` goes with `down`; the cache stays."""

    state: Path

    @property
    def key(self) -> Path:
        return self.state / "key"

    @property
    def known_hosts(self) -> Path:
        return self.state / "known_hosts"

    @property
    def shape(self) -> Path:
        return self.state / "shape.json"

    def host(self, name: str) -> Path:
        return self.state / "hosts" / name

    def upper(self, name: str) -> Path:
        return self.host(name) / "upper"

    def disk(self, name: str, disk: str) -> Path:
        return self.host(name) / "disks" / f"{disk}.img"

    def cut_mark(self, name: str) -> Path:
        """Exists while the host is cut off, so that it stays so through a reboot."""
        return self.host(name) / "cut"


def state_path(name: str, environ: Mapping[str, str] = os.environ, *, privileged: bool = True) -> Path:
    """State directory of the lab `name`: below $SANQIAN_LAB_DIR, or /var/lib/sanqian-lab, or the user's own."""
    check_name(name)
    if base := environ.get("SANQIAN_LAB_DIR"):
        return Path(base).absolute() / name
    if privileged:
        return Path("/var/lib/sanqian-lab") / name
    home = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "/tmp")) / ".local" / "state"
    return Path(home) / "sanqian-lab" / name


def cache_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the hosts' root file system is cached: $XDG_CACHE_HOME/sanqian-lab or /var/cache/sanqian-lab."""
    base = environ.get("XDG_CACHE_HOME")
    return Path(base) / "sanqian-lab" if base else Path("/var/cache/sanqian-lab")
