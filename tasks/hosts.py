"""From Node rows to SSH connections: credentials, jump hosts, and host keys pinned on first contact."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from clusters import reach
from clusters.access import Login
from clusters.models import Node
from clusters.registry import login_of
from tasks.remote import Credential, Remote, RemoteError, Target, Unreachable, fingerprint, get_pool

log = logging.getLogger(__name__)
STORED: Mapping[str, Login] = {}
_NAMES = reach.Names()


def target_of(node: Node, logins: Mapping[str, Login] = STORED) -> Target:
    """Where and how to log in to `node`, through its jump host where it has one.

    `logins`, by the host's name, take the place of what is stored. Raises `RemoteError` for an address that may not be
    connected to.
    """
    return Target(
        key=str(node.pk),
        name=node.name,
        # Behind a jump host the address is one of that host's network, and the name its resolver's.
        host=node.address if node.jump else _permitted(node),
        port=node.port,
        user=node.user,
        credential=_credential(logins.get(node.name) or login_of(node)),
        host_key=node.host_key or None,
        jump=target_of(node.jump, logins) if node.jump else None,
    )


@contextmanager
def connection(node: Node) -> Iterator[Remote]:
    """A connection to `node`, whose key the first one pins. Raises `tasks.remote.RemoteError`."""
    _pin_all(node)
    with get_pool().connection(target_of(node)) as remote:
        yield remote


@contextmanager
def fresh_connection(node: Node, login: Login | None = None, logins: Mapping[str, Login] = STORED) -> Iterator[Remote]:
    """A connection made for this block alone, with `login` in the place of what is stored. Raises as `connection`.

    `logins` are for the hosts on the way, see `target_of`.
    """
    _pin_all(node)
    own = target_of(node, logins)
    if login is not None:
        own = replace(own, credential=_credential(login))
    own = replace(own, key=f"{own.key} fresh")
    get_pool().forget(own)
    try:
        with get_pool().connection(own) as remote:
            yield remote
    finally:
        get_pool().forget(own)


def _pin_all(node: Node) -> None:
    for hop in _way(node):
        if not hop.host_key:
            pin(hop)


def pin(node: Node) -> None:
    """Store the key that the host shows, unless another worker was first; then theirs holds."""
    shown = get_pool().first_contact(target_of(node))
    if Node.objects.filter(pk=node.pk, host_key="").update(host_key=shown):
        log.info("pinned the host key of %s (%s): %s", node.name, node.address, fingerprint(shown))
        node.host_key = shown
    else:
        node.refresh_from_db(fields=["host_key"])


def _permitted(node: Node) -> str:
    """The network address of a host that is reached directly."""
    try:
        return _NAMES.address_of(node.address, node.port)
    except reach.Refused as error:
        raise RemoteError(error.message, error.fix, host=node.name, kind="refused-address") from error
    except OSError as error:
        fix = "correct the address, or the resolver."
        raise Unreachable(f"the name {node.address} cannot be resolved.", fix, host=node.name, kind="dns") from error


def _credential(login: Login) -> Credential:
    return Credential(
        private_key=login.private_key or None,
        passphrase=login.passphrase or None,
        password=login.password or None,
        sudo_password=login.sudo_password or None,
    )


def _way(node: Node) -> list[Node]:
    return [*_way(node.jump), node] if node.jump else [node]
