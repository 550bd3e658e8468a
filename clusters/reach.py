"""Whether the service may connect to where a customer says: asked when it is written, and again when it connects.

What is written is judged as far as it is an address; what a name stands for is only looked up to connect. A name may
change its meaning between the two, so the address that was judged is the one connected to.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from clusters.access import Access
from clusters.addresses import Address, literal, may_reach
from clusters.inventory import Finding, Inventory, Places

REMEMBERED = 60.0  # seconds; a connection in use needs no resolver
MOST_NAMES = 10_000
FIX = (
    "Give the address that it has in its own network. If this one is meant, the operator allows its network: "
    "SANQIAN_ALLOW_NETWORKS."
)


class Refused(Exception):
    """The service does not connect there. `fix` says what to do."""

    def __init__(self, message: str, fix: str = FIX) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}"


def judge(inventory: Inventory, access: Access, places: Places | None = None) -> Iterator[Finding]:
    """Errors for hosts at addresses that are refused. What lies behind a jump host is in another network than ours."""
    at = Places() if places is None else places
    for number, host in enumerate(inventory.hosts):
        if access.own(host.name).jump:
            continue
        try:
            check(host.address, host.port)
        except Refused as error:
            written = f"hosts[{number}].address"
            place = at.at(written if written in at or not at else f"hosts[{number}].internal_address")
            yield place.finding("error", "refused-address", f"{error.message} (host '{host.name}')", error.fix)


def check(host: str, port: int) -> None:
    """Raises `Refused` for an address, or a name that means this machine everywhere. Asks no resolver."""
    address = literal(host)
    if address is not None:
        _check(address, port, host)
    elif re.fullmatch(r"(.*\.)?localhost(\.localdomain)?\.?", host.lower()):
        _check(ip_address("127.0.0.1"), port, host)


def check_url(url: str) -> None:
    """`check` of the host and port in a URL."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise Refused("Its port is none.", "Write a number from 1 to 65535.") from None
    check(parts.hostname or "", port or (443 if parts.scheme == "https" else 80))


def resolve(host: str, port: int) -> list[str]:
    """The addresses that `host` stands for and that may be connected to, in the resolver's order.

    Raises `Refused`, and OSError where the name is unknown.
    """
    address = literal(host)
    found = [address] if address else looked_up(host, port)
    permitted: list[str] = []
    refusal: Refused | None = None
    for one in found:
        try:
            _check(one, port, host)
        except Refused as error:
            refusal = error
        else:
            permitted.append(str(one))
    if not permitted:
        raise refusal or socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return permitted


def looked_up(host: str, port: int) -> list[Address]:
    """What the resolver says that `host` stands for, in its order, unjudged. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no valid name") from error
    return list(dict.fromkeys(ip_address(str(one[4][0]).partition("%")[0]) for one in found))


class Names:
    """What names stand for, remembered for a while, so that what was judged stays what is connected to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[str, float]] = {}

    def address_of(self, host: str, port: int) -> str:
        """One address for `host`, the same as before while it is among the answers. Raises as `resolve`.

        While the resolver does not answer, the last address holds.
        """
        if literal(host) is not None:
            check(host, port)
            return host
        with self._lock:
            known, until = self._known.get((host, port), ("", 0.0))
        if time.monotonic() < until:
            return known
        try:
            found = resolve(host, port)
        except OSError:
            if not known:
                raise
            found = [known]
        chosen = known if known in found else found[0]
        with self._lock:
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            self._known[host, port] = (chosen, time.monotonic() + REMEMBERED)
        return chosen


def guarded(pools: Mapping[str, Any]) -> dict[str, Any]:
    """urllib3's classes of pools by scheme, with connections that lead to permitted addresses alone.

    They raise `Refused` before anything is sent.
    """
    return {scheme: type(f"Guarded{pool.__name__}", (pool,), _with_guard(pool)) for scheme, pool in pools.items()}


def _with_guard(pool: Any) -> dict[str, Any]:
    def connected(connection: Any) -> socket.socket:
        with suppress(OSError):  # of which urllib3 tells
            resolve(connection.host, connection.port)
        sock: socket.socket = made(connection)
        try:
            # urllib3 asks the resolver itself, which may answer otherwise by now.
            _check(ip_address(str(sock.getpeername()[0]).partition("%")[0]), connection.port, connection.host)
        except BaseException:
            sock.close()
            raise
        return sock

    made: Callable[[Any], socket.socket] = pool.ConnectionCls._new_conn
    return {"ConnectionCls": type("Guarded", (pool.ConnectionCls,), {"_new_conn": connected})}


def _check(address: Address, port: int, host: str) -> None:
    said = host if str(address) == host else f"{host} ({address})"
    if (str(address), port) in _own_servers(port):
        raise Refused(f"{said} port {port} is where the service keeps its own data.", "Give another address.")
    if not may_reach(address, settings.ALLOW_NETWORKS, settings.REFUSE_NETWORKS):
        raise Refused(f"{said} leads into the service's own machine or network.")


def _own_servers(port: int) -> set[tuple[str, int]]:
    """Addresses of the service's database, broker and cache at `port`."""
    database = settings.DATABASES["default"]
    named = [(str(database.get("HOST") or ""), int(database.get("PORT") or 5432))]
    for url in re.split("[;,]", f"{settings.BROKER_URL};{settings.CACHES['default'].get('LOCATION') or ''}"):
        parts = urlsplit(url)
        named.append((parts.hostname or "", parts.port or 6379))
    found: set[tuple[str, int]] = set()
    for host, own in named:
        # A path is a socket of this machine.
        if own == port and host and not host.startswith("/"):
            try:
                found.update((str(one), port) for one in looked_up(host, port))
            except OSError:
                continue
    return found
