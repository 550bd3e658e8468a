"""How to log in to hosts, as it came with a request: which host gets which key or password. Pure."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from clusters.inventory import Finding, HostSpec, Inventory, Place, Places, refuse_paths

LARGEST_KEY = 64 * 1024


@dataclass(frozen=True)
class Login:
    """A private key with an optional passphrase, a password, or both; `sudo_password` for a user who is not root."""

    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sudo_password: str = field(default="", repr=False)


@dataclass(frozen=True)
class HostAccess:
    """What one host has of its own. `jump` is another host's name, `host_key` a line of known_hosts' type and key."""

    passphrase: str = field(default="", repr=False)
    sudo_password: str = field(default="", repr=False)
    host_key: str = ""
    jump: str = ""


@dataclass(frozen=True)
class Access:
    """All that came with a request. Keys and passphrases by the path as written; `login` is for every host."""

    private_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    passphrases: Mapping[str, str] = field(default_factory=dict, repr=False)
    login: Login = Login()
    hosts: Mapping[str, HostAccess] = field(default_factory=dict)

    def own(self, name: str) -> HostAccess:
        """What the host of that name has of its own."""
        return self.hosts.get(name, HostAccess())

    def login_of(self, host: HostSpec) -> Login:
        """What `host` is logged in with; its own comes first."""
        own, path = self.own(host.name), host.private_key_path
        if host.private_key:
            key, passphrase = host.private_key, own.passphrase or self.login.passphrase
        elif path in self.private_keys:
            key, passphrase = self.private_keys[path], own.passphrase or self.passphrases.get(path, "")
        else:
            key, passphrase = self.login.private_key, own.passphrase or self.login.passphrase
        return Login(
            private_key=key,
            passphrase=passphrase if key else "",
            password=host.password or self.login.password,
            sudo_password=own.sudo_password or self.login.sudo_password,
        )


def judge(inventory: Inventory, access: Access, places: Places | None = None) -> tuple[Finding, ...]:
    """Errors for hosts that nothing could log in to, keys that cannot be read, and ways that lead nowhere."""
    at = Places() if places is None else places
    fallback = bool(access.login.private_key or access.login.password)
    found = [*refuse_paths(inventory, access.private_keys, fallback=fallback, places=at)]
    seen: set[tuple[str, str]] = set()
    for number, host in enumerate(inventory.hosts):
        login = access.login_of(host)
        pair = (login.private_key, login.passphrase)
        if login.private_key and pair not in seen:
            seen.add(pair)
            if fault := key_fault(*pair):
                place = _key_place(host, number, access, at)
                found.append(place.finding("error", "private-key", f"{fault[0]} (host '{host.name}')", fault[1]))
        if (key := access.own(host.name).host_key) and not is_host_key(key):
            message = f"The host key of '{host.name}' is none."
            fix = "Write type and key as in known_hosts: ssh-ed25519 AAAA..."
            found.append(Place(f"hosts[{number}].host_key").finding("error", "host-key", message, fix))
    found += jump_findings(inventory, access)
    return tuple(found)


def _key_place(host: HostSpec, number: int, access: Access, at: Places) -> Place:
    if host.private_key:
        return at.at(f"hosts[{number}].private_key")
    if host.private_key_path in access.private_keys:
        return Place(f"private_keys.{host.private_key_path}")
    return Place("private_key")


def login_fault(login: Login) -> tuple[str, str] | None:
    """What is wrong with one host's login and the fix, or None."""
    if login.private_key:
        return key_fault(login.private_key, login.passphrase)
    if not login.password:
        return "There is neither a private key nor a password.", "Send private_key or password."
    return None


def jump_findings(inventory: Inventory, access: Access) -> Iterator[Finding]:
    """Errors for ways over hosts that do not exist, or that lead in a circle."""
    names = {host.name for host in inventory.hosts}
    for number, host in enumerate(inventory.hosts):
        place = Place(f"hosts[{number}].jump")
        jump = access.own(host.name).jump
        if jump and jump not in names:
            message = f"'{host.name}' is reached through '{jump}', which is not among the hosts."
            yield place.finding("error", "jump", message, f"Name one of: {', '.join(sorted(names))}.")
        elif jump and host.name in _way(jump, access):
            message = f"The way to '{host.name}' leads through itself."
            yield place.finding("error", "jump", message, "Let one host of the circle be reached directly.")


def _way(name: str, access: Access) -> Iterable[str]:
    """The hosts on the way, until the way ends or repeats itself."""
    way: list[str] = []
    while name and name not in way:
        way.append(name)
        name = access.own(name).jump
    return way


@functools.lru_cache(maxsize=64)
def key_fault(private_key: str, passphrase: str) -> tuple[str, str] | None:
    """What is wrong with a private key and the fix, or None. A passphrase that is not needed is no fault."""
    text = private_key.strip()
    if text.startswith(("ssh-", "ecdsa-")):
        return "This is a public key.", "Send the private one, which lies beside it without .pub."
    if "PRIVATE KEY-----" not in text or len(text) > LARGEST_KEY:
        return "This is no private key.", "Send the whole text of the key file, from -----BEGIN to END-----."
    load = load_ssh_private_key if "BEGIN OPENSSH" in text else load_pem_private_key
    try:
        load(f"{text}\n".encode(), passphrase.encode() if passphrase else None)
    except TypeError:
        if passphrase:
            return None  # a key without a passphrase opens all the same
        return "The private key has a passphrase.", "Send it as passphrase, or under passphrases by the key's path."
    except ValueError as error:
        if "password" in str(error).lower() or "passphrase" in str(error).lower() or passphrase:
            return "The passphrase does not open the private key.", "Send the right passphrase."
        return "The private key is damaged.", "Send the whole text of the key file, unchanged."
    except UnsupportedAlgorithm:
        return "The private key is of a kind that is not supported.", "Use Ed25519, ECDSA or RSA."
    return None


def public_key_of(private_key: str, passphrase: str) -> str:
    """``<type> <base64>`` of a private key that has no `key_fault`."""
    text = f"{private_key.strip()}\n".encode()
    load = load_ssh_private_key if b"BEGIN OPENSSH" in text else load_pem_private_key
    try:
        key = load(text, passphrase.encode() if passphrase else None)
    except TypeError:
        key = load(text, None)  # the passphrase is not needed
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def is_host_key(text: str) -> bool:
    """Whether `text` is ``<type> <base64>`` of a public key, whose own type is the one written."""
    words = text.split()
    if len(words) < 2:
        return False
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        return False
    size = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + size] == words[0].encode()
