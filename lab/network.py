"""A lab's network: a bridge in a network namespace, with one leg into the machine's own.

The leg's interface is named `sanqian<N>` on both sides: its name is the claim on 10.77.N.0/24, which makes the claim
atomic between labs. Addresses' MACs are fixed and every side knows them, so a cut host is as silent as one behind a
router: packets vanish, and nobody is told that the host is unreachable.
"""

from __future__ import annotations

import ipaddress
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.layout import Host, mac_address
from lab.system import poll, run, run_json

BRIDGE = "lab0"
NAMESPACES = Path("/run/netns")
NAMESPACE = "sanqian-"
LEG = re.compile(r"sanqian(\d{1,3})")
GATEWAY = 1
# A route this long that covers part of a lab's network belongs to someone who would miss the addresses.
LEAST_ROUTE_LENGTH = 12


def first_octets() -> str:
    """The two octets that all labs of the machine share: $SANQIAN_LAB_NETWORK or 10.77."""
    value = os.environ.get("SANQIAN_LAB_NETWORK", "10.77")
    try:
        network = ipaddress.ip_network(f"{value}.0.0/16")
    except ValueError as error:
        raise LabError(f"SANQIAN_LAB_NETWORK={value!r} is not two octets", "for example 10.77") from error
    if not network.is_private:
        raise LabError(f"SANQIAN_LAB_NETWORK={value!r} is not a private network", "for example 10.77")
    return value


def candidates(name: str) -> Iterator[int]:
    """Third octets for the lab `name`, its own first, then every other one in turn."""
    first = zlib.crc32(name.encode()) % 250
    return ((first + step) % 250 + 1 for step in range(250))


def lab_names() -> list[str]:
    """Names of all labs that have a network namespace."""
    return [path.name.removeprefix(NAMESPACE) for path in NAMESPACES.glob(f"{NAMESPACE}*")]


class Network:
    """The network of the lab `name`; knows nothing that is not to be read from the kernel."""

    def __init__(self, name: str) -> None:
        self.namespace = f"{NAMESPACE}{name}"
        self._name = name
        self._path = NAMESPACES / self.namespace

    def number(self) -> int | None:
        """N of 10.77.N.0/24, or None while there is no network."""
        if not self._path.exists():
            return None
        listed = run(["ip", "-n", self.namespace, "-o", "link", "show"], check=False)
        found = LEG.search(listed.stdout)
        return int(found.group(1)) if found else None

    def prefix(self) -> str | None:
        number = self.number()
        return None if number is None else f"{first_octets()}.{number}"

    def up(self) -> str:
        """Make what is missing; return the prefix, such as ``10.77.4``."""
        number = self.number()
        if number is None:
            # What a killed run left is a namespace without leg, or a file that is no namespace.
            self.down()
            run(["ip", "netns", "add", self.namespace])
            number = self._claim()
        prefix, leg = f"{first_octets()}.{number}", f"sanqian{number}"
        inside = run_json(["ip", "-n", self.namespace, "-j", "link", "show"])
        lines = ["link set lo up"]
        if BRIDGE not in {link["ifname"] for link in inside}:
            lines.append(f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
        lines += [
            f"link set {BRIDGE} addrgenmode none up",
            f"link set {leg} addrgenmode none master {BRIDGE} up",
        ]
        run(["ip", "-n", self.namespace, "-batch", "-"], stdin="\n".join(lines))
        lines = [
            f"link set {leg} addrgenmode none address {mac_address(GATEWAY, prefix)} up",
            f"addr replace {prefix}.{GATEWAY}/24 dev {leg}",
        ]
        run(["ip", "-batch", "-"], stdin="\n".join(lines))
        return prefix

    def know(self, hosts: Iterable[Host]) -> None:
        """Tell the machine the hosts' MACs, so that it never asks."""
        number = self.number()
        prefix = f"{first_octets()}.{number}"
        run(["ip", "-batch", "-"], stdin=neighbours(hosts, prefix, f"sanqian{number}"))

    def down(self) -> None:
        """Remove the leg and the namespace; nothing is left when this returns."""
        number = self.number()
        if number is not None:
            run(["ip", "link", "del", f"sanqian{number}"], check=False)
        if self._path.exists():
            run(["ip", "netns", "del", self.namespace], check=False)
        poll(lambda: not self.leftovers(), 10, f"removing the network of lab {self._name}")

    def leftovers(self) -> list[str]:
        return [f"network namespace {self._path}"] if self._path.exists() else []

    def cut(self, host: Host) -> None:
        """Drop every packet from and to the host without a word."""
        self._set_port(host, "0")

    def heal(self, host: Host) -> None:
        self._set_port(host, "3")

    def cut_hosts(self, hosts: Iterable[Host]) -> set[str]:
        """Names of the hosts whose port is there and does not forward."""
        if not self._path.exists():
            return set()
        ports: list[dict[str, Any]] = run_json(["bridge", "-n", self.namespace, "-j", "link", "show"])
        silent = {port["ifname"] for port in ports if port.get("state") == "disabled"}
        return {host.name for host in hosts if port_name(host) in silent}

    def _set_port(self, host: Host, state: str) -> None:
        run(["bridge", "-n", self.namespace, "link", "set", "dev", port_name(host), "state", state])

    def _claim(self) -> int:
        for number in candidates(self._name):
            leg, network = f"sanqian{number}", f"{first_octets()}.{number}.0/24"
            if _taken(ipaddress.IPv4Network(network)):
                continue
            made = run(
                ["ip", "link", "add", leg, "type", "veth", "peer", "name", leg, "netns", self.namespace],
                check=False,
            )
            if not made.returncode:
                return number
            if "exists" not in made.stderr.lower():
                raise LabError(f"no network for the lab: {made.stderr.strip()}")
        raise LabError(f"every network of {first_octets()}.0.0/16 is taken", "set SANQIAN_LAB_NETWORK, or `down` a lab")


def port_name(host: Host) -> str:
    """The host's port on the bridge."""
    return f"host{host.number}"


def neighbours(hosts: Iterable[Host], prefix: str, device: str) -> str:
    """`ip -batch` lines that fix the hosts' MACs on `device`."""
    return "\n".join(
        f"neigh replace {host.address} lladdr {mac_address(host.number, prefix)} dev {device} nud permanent"
        for host in hosts
    )


def _taken(network: ipaddress.IPv4Network) -> bool:
    for route in run_json(["ip", "-4", "-j", "route", "show", "table", "all"]):
        if route["dst"] == "default":
            continue
        known = ipaddress.IPv4Network(route["dst"], strict=False)
        if known.prefixlen >= LEAST_ROUTE_LENGTH and known.overlaps(network):
            return True
    return False
