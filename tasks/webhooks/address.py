"""Where a webhook may lead: the address as written, and the network addresses that its name stands for. Pure.

A customer chooses the address and the service connects to it from within the operator's network, so only what is
public is connected to, and networks that the operator allows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from clusters.addresses import Address, Network, within

LONGEST = 500
PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_TEXT = re.compile(r"[\x21-\x7e]+")
# IANA's special-purpose registries (RFC 6890), and a cloud's metadata at an address that looks public.
_NOT_PUBLIC = [
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        # Of IPv6 only 2000::/3 is public; of that, not what stands for other addresses or for none.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
_UNICAST = IPv6Network("2000::/3")


class Refused(Exception):
    """The address may not be connected to. `fix` says what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


@dataclass(frozen=True)
class Target:
    """An address, taken apart once: what is checked is what is connected to."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """The address without its path, which may hold what is secret."""
        return f"{self.scheme}://{self.authority}"

    @property
    def literal(self) -> Address | None:
        """The network address, where the host is one and no name."""
        try:
            return None if "%" in self.host else ip_address(self.host)
        except ValueError:
            return None


def target(url: str) -> Target:
    """The parts of `url`. Raises `Refused`."""
    example = "Write it as https://hooks.example.com/path."
    if not _TEXT.fullmatch(url) or "\\" in url:
        raise Refused("It has blanks or characters that no address has.", "Encode them: %20, xn--... for a name.")
    if len(url) > LONGEST:
        raise Refused(f"It is longer than {LONGEST} characters.", "Use a shorter address.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("It is no address.", example) from None
    if parts.scheme not in PORTS:
        raise Refused(f"'{parts.scheme}' is neither https nor http.", example)
    if "@" in parts.netloc:
        raise Refused("It holds a user's name or password.", "Leave them out: requests are signed instead.")
    if parts.fragment:
        raise Refused("It has a part behind '#', which no server gets.", "Leave that out.")
    found = Target(
        parts.scheme,
        (parts.hostname or "").lower(),
        PORTS[parts.scheme] if port is None else port,
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if found.literal is None and not _HOST.fullmatch(found.host):
        raise Refused("There is no valid host in it.", example)
    if found.port not in PORTS.values() and found.port < 1024:
        raise Refused(f"Port {found.port} is not allowed.", "Use 80, 443, or one from 1024 on.")
    return found


def may_connect(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the service may connect to this network address; `allowed` are networks of the operator's own."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if within(address, allowed):
        return True
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return not within(address, _NOT_PUBLIC)
