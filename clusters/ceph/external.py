"""What tells an external Ceph: the addresses of its monitors, and a user's key. Pure."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from ipaddress import ip_address

PORTS = (3300, 6789)  # of a monitor's newer and older protocol; it listens to both unless told otherwise
_HEADER = struct.Struct("<HIIH")  # CryptoKey as Ceph encodes it: type, created (s, ns), length of the secret
_TYPES = {1: 16, 2: 32}  # AES with 16 bytes, AES256KRB5 with 32


@dataclass(frozen=True)
class Monitor:
    """`ports`: those it may listen to, one where it is said which."""

    address: str
    ports: tuple[int, ...] = PORTS

    @classmethod
    def parse(cls, text: str) -> Monitor:
        """``10.0.0.1``, ``10.0.0.1:6789``, ``fd00::1`` or ``[fd00::1]:3300``. Raises ValueError saying why not."""
        host, port = text, ""
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise ValueError("its brackets do not match")
            port = rest[1:]
            if rest and not port:
                raise ValueError("its port is missing")
        elif text.count(":") == 1:
            host, _, port = text.partition(":")
            if not port:
                raise ValueError("its port is missing")
        try:
            address = ip_address(host)
        except ValueError:
            raise ValueError("it is no IP address") from None
        if address.is_unspecified or address.is_loopback or address.is_multicast:
            raise ValueError("no other host can be reached there")
        if not port:
            return cls(str(address))
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("its port is no number from 1 to 65535")
        return cls(str(address), (int(port),))

    def __str__(self) -> str:
        """As Ceph's clients take it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.ports[0]}" if len(self.ports) == 1 else host


def key_fault(key: str) -> str:
    """Why `key` cannot be a key of Ceph (cephx); empty where it has the form of one. Shows nothing of it."""
    try:
        data = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return "It is not base64."
    if len(data) < _HEADER.size:
        return "It is too short."
    kind, _, _, length = _HEADER.unpack_from(data)
    if kind not in _TYPES:
        return "It does not begin as a key of Ceph does."
    if length != _TYPES[kind] or len(data) != _HEADER.size + length:
        return "It is cut short, or something is behind it."
    return ""
