"""What speaks against installing on these hosts: facts of all hosts in, a table of findings out. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median_low

from tasks.plan import JSON

GIB = 1 << 30
OK, WARNING, ERROR = "ok", "warning", "error"
SYSTEMS = {"ubuntu": ("18.04", "20.04", "22.04", "24.04"), "debian": ("10", "11", "12", "13")}
OLDEST_KERNEL = (4, 15)
CONTROL_CPUS, CONTROL_MEMORY = 4, 8 * GIB
MEMORY_TOLERANCE = 0.92  # what the kernel and firmware keep is not in MemTotal
LEAST_FREE, COMFORTABLE_FREE = 10 * GIB, 50 * GIB
CLOCK_WARNING, CLOCK_ERROR = 1.0, 30.0  # seconds
PORTS = {"control-plane": (6443,), "etcd": (2379, 2380)}
KUBELET_PORT = 10250


@dataclass(frozen=True)
class Finding:
    """One row of the table. `host` is empty for what concerns all."""

    level: str
    code: str
    host: str
    what: str
    fix: str = ""

    def to_json(self) -> dict[str, JSON]:
        """The row as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Reading:
    """One host as read: its facts (see `tasks.plans.facts`), or in `problem` why it could not be (message, fix)."""

    name: str
    address: str
    roles: frozenset[str]
    arch: str = "amd64"
    facts: Mapping[str, JSON] = field(default_factory=dict)
    problem: tuple[str, str] | None = None


@dataclass(frozen=True)
class Wish:
    """What is to be installed: the cluster's id, its components, and where the artifact goes on the first host.

    `members` are hosts that an import found in the cluster.
    """

    cluster: str
    components: Collection[str] = ()
    artifact_directory: str = ""
    members: Collection[str] = ()


Rule = Callable[[Sequence[Reading], Wish], Iterable[Finding]]
_RULES: list[tuple[str, str, Rule]] = []


def judge(hosts: Sequence[Reading], wish: Wish, ignore: Collection[str] = ()) -> tuple[Finding, ...]:
    """All findings, errors first; a check that found nothing gives one row of level ok.

    Errors whose code is in `ignore` become warnings.
    """
    unread = [Finding(ERROR, "ssh", host.name, host.problem[0], host.problem[1]) for host in hosts if host.problem]
    read = [host for host in hosts if not host.problem]
    found = unread or [Finding(OK, "ssh", "", "Every host is reached over SSH and gives root's rights.")]
    for code, title, rule in _RULES:
        rows = list(rule(read, wish))
        found += rows or ([Finding(OK, code, "", title)] if read else [])
    found = [
        replace(row, level=WARNING, what=f"{row.what} (ignored on request)")
        if row.level == ERROR and row.code in ignore
        else row
        for row in found
    ]
    return tuple(sorted(found, key=lambda row: (ERROR, WARNING, OK).index(row.level)))


def codes() -> tuple[str, ...]:
    """Every code that a finding may have."""
    return ("ssh", *(code for code, _, _ in _RULES))


def _rule(code: str, title: str) -> Callable[[Rule], Rule]:
    def keep(rule: Rule) -> Rule:
        _RULES.append((code, title, rule))
        return rule

    return keep


def _own(host: Reading, wish: Wish) -> bool:
    """An earlier run of this cluster's installation has been here, or its import: its traces are no strangers'."""
    return host.name in wish.members or (bool(wish.cluster) and host.facts["owner"] == wish.cluster)


@_rule("privilege", "The user has root's rights on every host.")
def _privilege(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for host in hosts:
        if host.facts["uid"] != 0:
            yield Finding(
                ERROR, "privilege", host.name, "sudo does not make the user root.", "Allow sudo for all commands."
            )


@_rule("members", "The numbers of control-plane and etcd members allow one to fail.")
def _members(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for role in ("control-plane", "etcd"):
        count = sum(role in host.roles for host in hosts)
        if count < 3:
            yield Finding(
                WARNING,
                "members",
                "",
                f"{count} {role} member{'s' * (count != 1)}: the failure of one stops the cluster.",
                f"Name three hosts in the role group {role}.",
            )
        elif role == "etcd" and count % 2 == 0:
            yield Finding(
                WARNING,
                "members",
                "",
                f"{count} etcd members bear no more failures than {count - 1}.",
                "Use an odd number of etcd members.",
            )


@_rule("system", "The operating systems, kernels and architectures are supported.")
def _system(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    supported = ", ".join(f"{name.title()} {'/'.join(versions)}" for name, versions in SYSTEMS.items())
    for host in hosts:
        os, kernel = host.facts["os"], host.facts["kernel"]
        said = os["name"] or os["id"] or "an unknown system"
        if os["id"] not in SYSTEMS:
            like = set(os["like"].split()) & set(SYSTEMS)
            level = WARNING if like else ERROR
            yield Finding(level, "system", host.name, f"{said} is not supported.", f"Use {supported}.")
        elif os["version"] not in SYSTEMS[os["id"]]:
            yield Finding(WARNING, "system", host.name, f"{said} has not been tried.", f"Use {supported}.")
        numbers = tuple(int(number) for number in re.findall(r"\d+", kernel)[:2])
        if numbers < OLDEST_KERNEL:
            yield Finding(ERROR, "system", host.name, f"Kernel {kernel} is too old.", "Use kernel 4.15 or a later one.")
        if host.facts["arch"] != host.arch:
            yield Finding(
                ERROR,
                "system",
                host.name,
                f"The host is {host.facts['arch']}, registered as {host.arch}.",
                f"Set the node's arch to {host.facts['arch']}, and use an artifact for it.",
            )


@_rule("size", "The control-plane hosts have 4 CPUs and 8 GiB of memory or more.")
def _size(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for host in hosts:
        if "control-plane" not in host.roles:
            continue
        cpus, memory = host.facts["cpus"], host.facts["memory_bytes"]
        if cpus < CONTROL_CPUS:
            what = f"{cpus} CPUs; a control-plane host needs {CONTROL_CPUS}."
            yield Finding(ERROR, "size", host.name, what, "Give the host more CPUs, or choose another.")
        if memory < CONTROL_MEMORY * MEMORY_TOLERANCE:
            what = f"{memory / GIB:.1f} GiB of memory; a control-plane host needs {CONTROL_MEMORY // GIB}."
            yield Finding(ERROR, "size", host.name, what, "Give the host more memory, or choose another.")


@_rule("identity", "Host names, machine ids and MAC addresses are unique.")
def _identity(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    machine = "On clones: rm /etc/machine-id; systemd-machine-id-setup; reboot."
    yield from _same(hosts, "host name", lambda host: [host.facts["hostname"]], "hostnamectl set-hostname NAME.")
    yield from _same(hosts, "machine id", lambda host: [host.facts["machine_id"]], machine)
    yield from _same(
        hosts, "MAC address", lambda host: host.facts["macs"].values(), "Give each network card an address of its own."
    )
    for host in hosts:
        if not host.facts["machine_id"]:
            yield Finding(ERROR, "identity", host.name, "The host has no machine id.", "systemd-machine-id-setup.")


def _same(
    hosts: Sequence[Reading], what: str, values: Callable[[Reading], Iterable[str]], fix: str
) -> Iterator[Finding]:
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for host in hosts:
        for value in set(values(host)):
            if value and set(value) - set("0:"):
                holders[value].append(host.name)
    for value, names in sorted(holders.items()):
        for name in names[1:]:
            yield Finding(ERROR, "identity", name, f"Its {what} {value} is also that of {names[0]}.", fix)


@_rule("clock", "The clocks agree to a second.")
def _clock(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    offsets = {host.name: host.facts["clock_offset"] for host in hosts if "clock_offset" in host.facts}
    if len(offsets) < 2:
        return
    error = max(host.facts.get("clock_error", 0) for host in hosts)
    if max(offsets.values()) - min(offsets.values()) <= CLOCK_WARNING + error:
        return
    middle = median_low(offsets.values())
    worst = max(abs(offset - middle) for offset in offsets.values())
    for name, offset in offsets.items():
        apart = offset - middle
        if abs(apart) > CLOCK_WARNING + error or abs(apart) == worst:
            yield Finding(
                ERROR if abs(apart) >= CLOCK_ERROR else WARNING,
                "clock",
                name,
                f"Its clock is {abs(apart):.1f} s {'ahead of' if apart > 0 else 'behind'} the other hosts'.",
                "Start a time service on every host: apt install chrony; chronyc makestep.",
            )


@_rule("swap", "Swap is off.")
def _swap(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for host in hosts:
        if swap := host.facts["swap_bytes"]:
            what = f"{swap / GIB:.1f} GiB of swap are in use by the system; kubelet wants none."
            yield Finding(WARNING, "swap", host.name, what, "swapoff -a, and remove the line from /etc/fstab.")


@_rule("ports", "The ports of the control plane, etcd and kubelet are free.")
def _ports(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for host in hosts:
        if _own(host, wish):
            continue
        wanted = [port for role, ports in PORTS.items() if role in host.roles for port in ports]
        if host.roles & {"control-plane", "worker"}:
            wanted.append(KUBELET_PORT)
        for port in wanted:
            if (user := host.facts["listening"].get(str(port))) is not None:
                by = f" by {user}" if user.strip("-") else ""
                what = f"Port {port} is in use{by}."
                yield Finding(ERROR, "ports", host.name, what, f"Stop what listens there: ss -ltnp 'sport = {port}'.")


@_rule("residue", "No host carries traces of an earlier cluster.")
def _residue(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    reset = "kubeadm reset -f; "
    fixes = {
        "files": "Nothing of it is needed: {reset}rm -rf {what}.",
        "cni": "rm -f {what}, then restart the container runtime.",
        "iptables": "{reset}iptables -F; iptables -t nat -F; iptables -t mangle -F; iptables -X, or reboot.",
        "mount": "umount {what}.",
        "interface": "ip link delete {what}, or reboot.",
    }
    for host in hosts:
        owner = host.facts["owner"]
        if owner and owner != wish.cluster:
            what = f"The host was prepared for another cluster ({owner})."
            fix = "Uninstall that cluster, or choose another host; then rm /var/lib/sanqian/cluster."
            yield Finding(ERROR, "residue", host.name, what, fix)
        if _own(host, wish):
            continue
        for trace in host.facts["residue"]:
            fix = fixes[trace["kind"]].format(what=trace["what"], reset=reset)
            what = f"Left by an earlier cluster: {trace['what']}."
            yield Finding(ERROR, "residue", host.name, what, fix)


@_rule("space", "There is free space.")
def _space(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for host in hosts:
        free = host.facts["free"]
        for path in ("/var/lib", *([wish.artifact_directory] if _first(hosts) is host else [])):
            mount = max((m for m in free if f"{path}/".startswith(f"{m.rstrip('/')}/")), key=len, default=None)
            if mount is None or free[mount] >= COMFORTABLE_FREE:
                continue
            level = ERROR if free[mount] < LEAST_FREE else WARNING
            what = f"{free[mount] / GIB:.0f} GiB are free below {path} (on {mount})."
            fix = f"Make room: {LEAST_FREE // GIB} GiB are needed, {COMFORTABLE_FREE // GIB} are comfortable."
            yield Finding(level, "space", host.name, what, fix)


def _first(hosts: Sequence[Reading]) -> Reading | None:
    return next((host for host in hosts if "control-plane" in host.roles), None)


@_rule("tools", "The programs that the installation starts with are there.")
def _tools(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for host in hosts:
        has = set(host.facts["tools"])
        wanted = ["tar", "gzip"] if host is _first(hosts) else []
        for tool in wanted:
            if tool not in has:
                yield Finding(ERROR, "tools", host.name, f"{tool} is missing.", f"apt install {tool}.")
        if host is _first(hosts) and not has & {"curl", "python3"}:
            what = "curl and python3 are missing; one of them speaks to the registry."
            yield Finding(ERROR, "tools", host.name, what, "apt install curl.")
        if "setsid" not in has:
            what = "setsid is missing; a job then shares its session with the SSH server's."
            yield Finding(WARNING, "tools", host.name, what, "apt install util-linux.")


@_rule("gpu", "The hosts have the GPUs that the components want.")
def _gpu(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    workers = [host for host in hosts if "worker" in host.roles]
    for host in hosts:
        if "gpu" in host.roles and not host.facts["gpus"]:
            what = "The host is in the role group gpu and lspci shows no NVIDIA GPU."
            yield Finding(ERROR, "gpu", host.name, what, "Check the card's seat and power, or the role group.")
    if "gpu-operator" in wish.components and workers and not any(host.facts["gpus"] for host in workers):
        missing = [host.name for host in workers if "lspci" not in host.facts["tools"]]
        fix = "Leave gpu-operator out, or check the cards."
        if missing:
            fix = f"lspci is missing on {', '.join(missing)}, so nobody knows: apt install pciutils."
        yield Finding(WARNING, "gpu", "", "gpu-operator is chosen and no worker shows an NVIDIA GPU.", fix)
    elif "gpu-operator" in wish.components:
        for host in workers:
            if not host.facts["gpus"] and "gpu" not in host.roles:
                what = "A worker without an NVIDIA GPU: jobs that want one do not run here."
                yield Finding(WARNING, "gpu", host.name, what, "Nothing to do where that is meant.")


@_rule("disks", "The storage hosts have raw disks.")
def _disks(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    for host in hosts:
        if "storage" not in host.roles:
            continue
        if not any(disk["raw"] for disk in host.facts["disks"]):
            seen = ", ".join(
                f"{disk['path']} ({disk['fstype'] or disk['parttable'] or disk['mountpoint'] or 'not usable'})"
                for disk in host.facts["disks"]
                if disk["type"] in ("disk", "loop")
            )
            what = f"A storage host without a raw disk of 5 GiB; it has {seen or 'none that lsblk shows'}."
            fix = "Add a disk without partitions and file system, or take the host out of the role group storage."
            yield Finding(ERROR, "disks", host.name, what, fix)


@_rule("network", "The hosts reach each other.")
def _network(hosts: Sequence[Reading], wish: Wish) -> Iterator[Finding]:
    answering = {host.name for host in hosts}
    for host in hosts:
        reach = {peer: reached for peer, reached in host.facts["reach"].items() if peer in answering}
        lost = [peer for peer, reached in reach.items() if reached is False]
        if lost:
            what = f"It does not reach {', '.join(lost)} on the SSH port of the internal address."
            yield Finding(ERROR, "network", host.name, what, "Check addresses, routes and firewalls between them.")
        if any(reached is None for reached in reach.values()):
            what = "Nothing is there to try whether it reaches the others."
            yield Finding(WARNING, "network", host.name, what, "apt install iputils-ping.")
