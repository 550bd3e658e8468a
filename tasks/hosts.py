"""From Node rows to SSH connections: credentials, jump hosts, and host keys pinned on first contact."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from clusters.models import Node
from tasks.remote import Credential, Remote, Target, fingerprint, get_pool

log = logging.getLogger(__name__)


def target_of(node: Node) -> Target:
    """Where and how to log in to `node`, through its jump host where it has one."""
    stored = node.credential
    return Target(
        key=str(node.pk),
        name=node.name,
        host=node.address,
        port=node.port,
        user=node.user,
        credential=Credential(
            private_key=stored.private_key or None,
            passphrase=stored.passphrase or None,
            password=stored.password or None,
            sudo_password=stored.sudo_password or None,
        ),
        host_key=node.host_key or None,
        jump=target_of(node.jump) if node.jump else None,
    )


@contextmanager
def connection(node: Node) -> Iterator[Remote]:
    """A connection to `node`, whose key the first one pins. Raises `tasks.remote.RemoteError`."""
    for hop in _way(node):
        if not hop.host_key:
            pin(hop)
    with get_pool().connection(target_of(node)) as remote:
        yield remote


def pin(node: Node) -> None:
    """Store the key that the host shows, unless another worker was first; then theirs holds."""
    shown = get_pool().first_contact(target_of(node))
    if Node.objects.filter(pk=node.pk, host_key="").update(host_key=shown):
        log.info("pinned the host key of %s (%s): %s", node.name, node.address, fingerprint(shown))
        node.host_key = shown
    else:
        node.refresh_from_db(fields=["host_key"])


def _way(node: Node) -> list[Node]:
    return [*_way(node.jump), node] if node.jump else [node]
