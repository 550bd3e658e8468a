"""Addresses, names and networks of an inventory."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from itertools import combinations

from clusters.inventory.model import Finding, HostSpec, Inventory, Places

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?)*"
)
_NAME = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


def is_label(text: str) -> bool:
    """Whether `text` is a name for a host: an RFC 1123 label."""
    return _LABEL.fullmatch(text) is not None


def is_qualified(text: str) -> bool:
    """Whether `text` is a label key of Kubernetes: a name, or a domain, '/' and a name."""
    domain, slash, name = text.rpartition("/")
    return _NAME.fullmatch(name) is not None and (not slash or _DOMAIN.fullmatch(domain) is not None)


def ip(text: str) -> Address | None:
    """The IP address that `text` is."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_address(text: str) -> bool:
    """Whether `text` is an IP address or a domain name; digits and dots alone are no name."""
    if ip(text) is not None:
        return True
    return _DOMAIN.fullmatch(text) is not None and re.fullmatch(r"[0-9.]+", text) is None


def canonical(text: str) -> str:
    """One spelling for each address, to compare by; of a dual-stack pair, the first."""
    first = text.split(",")[0].strip()
    address = ip(first)
    return str(address) if address else first.lower()


def check_address(host: HostSpec, at: Places, number: int) -> Iterator[Finding]:
    """What is wrong with a host's address and internal address."""
    place, inside = at.at(f"hosts[{number}].address"), at.at(f"hosts[{number}].internal_address")
    written = f"hosts[{number}].address" in at or not at
    who = f"host '{host.name}'"
    reached = ip(host.address)
    if not is_address(host.address):
        place = place if written else inside
        message = f"'{host.address}' is neither an IP address nor a domain name ({who})."
        yield place.finding("error", "address", message, "Write the address SSH reaches the host at, such as 10.0.0.1.")
        return
    if reached is not None and (reached.is_unspecified or reached.is_multicast):
        place = place if written else inside
        message = f"{host.address} is the address of no single host ({who})."
        yield place.finding("error", "address", message, "Write the address SSH reaches the host at, such as 10.0.0.1.")
        return
    parts = [part.strip() for part in host.internal_address.split(",")]
    addresses = [ip(part) for part in parts]
    versions = [address.version for address in addresses if address]
    if len(versions) < len(parts) or len(parts) > 2 or len(set(versions)) < len(versions):
        message = f"The internal address '{host.internal_address}' of {who} is no IP address."
        fix = "Write an IP address of the host's own, or an IPv4 and an IPv6 address with a comma between."
        yield inside.finding("error", "internal-address", message, fix)


def _networks(text: str) -> list[tuple[str, Network]]:
    """The networks of a CIDR or two, each with how it was written. Raises ValueError."""
    parts = [part.strip() for part in text.split(",")]
    if not all("/" in part for part in parts):
        raise ValueError("a network needs a length")
    return [(part, ipaddress.ip_network(part, strict=False)) for part in parts]


def check_cidrs(inventory: Inventory, at: Places) -> Iterator[Finding]:
    """Bad CIDRs, and CIDRs that overlap each other or take in a host."""
    words = {"pod_cidr": "pod", "service_cidr": "service"}
    found: list[tuple[str, Network]] = []
    for name, word in words.items():
        value: str = getattr(inventory.platform, name)
        if not value:
            continue
        try:
            networks = _networks(value)
        except ValueError:
            message = f"'{value}' is no network for {word}s."
            yield at.at(name).finding(
                "error", "cidr", message, "Write an address and a length, such as 10.233.64.0/18."
            )
            continue
        for part, network in networks:
            found.append((name, network))
            if ip(part.split("/")[0]) != network.network_address:
                message = f"'{part}' has bits behind its length; it means {network}."
                yield at.at(name).finding("warning", "cidr", message, f"Write {network}.")
    for (one, first), (other, second) in combinations(found, 2):
        if first.version == second.version and first.overlaps(second):
            message = f"The {words[one]} network {first} and the {words[other]} network {second} overlap."
            fix = (
                "Choose networks apart from each other, such as 10.233.64.0/18 for pods and 10.233.0.0/18 for services."
            )
            yield at.at(other).finding("error", "cidr-overlap", message, fix)
    for name, network in found:
        yield from _hosts_inside(inventory, at, name, words[name], network)


def _hosts_inside(inventory: Inventory, at: Places, name: str, word: str, network: Network) -> Iterator[Finding]:
    inside = []
    for host in inventory.hosts:
        texts = {host.address, *host.internal_address.split(",")}
        if any((address := ip(text.strip())) and address in network for text in texts):
            inside.append(host.name)
    if inside:
        others = f" and {len(inside) - 1} more" if len(inside) > 1 else ""
        message = f"The {word} network {network} takes in the address of host '{inside[0]}'{others}."
        fix = "Choose a network that no host's address is in."
        yield at.at(name).finding("error", "cidr-overlap", message, fix)
