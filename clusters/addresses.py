"""Network addresses that lead to the service's own machine or network, and to no host of a customer. Pure.

Customers choose where hosts, API servers and backup stores are, and the service connects from within the operator's
network. Clusters have private addresses, so those are taken; webhooks know a stricter rule of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# The machine itself, its link, everybody, and what clouds answer questions about a machine at without asking who is
# there: mostly of the link's own network, some elsewhere.
REFUSED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
        *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
        *("::/128", "::1/128", "fe80::/10", "ff00::/8"),
        *("fd00:ec2::254/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128"),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


def literal(host: str) -> Address | None:
    """The address that `host` is; None for a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def may_reach(address: Address, allowed: Sequence[Network] = (), refused: Sequence[Network] = ()) -> bool:
    """Whether the service may connect there. What the operator refuses comes first, then what he allows."""
    plain = _plain(address)
    if within(plain, refused):
        return False
    return within(plain, allowed) or not within(plain, REFUSED)


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether it is in one of them."""
    return any(address in network for network in networks if network.version == address.version)


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
