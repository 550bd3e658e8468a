"""The hosts of a cluster as a change would leave them, judged before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clusters import reach, registry
from clusters.access import Access, HostAccess, Login, is_host_key, jump_findings, login_fault
from clusters.api.problems import Problem, invalid
from clusters.api.registration import Registration, invalid_configuration
from clusters.inventory import Finding, HostSpec, Inventory, Parsed, from_mapping
from clusters.models import Node

LACKING = ("empty-etcd", "empty-control-plane")
LOGIN = ("private_key", "passphrase", "password", "sudo_password")


def extended(
    given: Registration, nodes: Sequence[Node], platform: Mapping[str, Any]
) -> tuple[Inventory, Sequence[str], Sequence[Finding]]:
    """The cluster with the new hosts of `given`, their names, and what speaks about them. Raises `Problem`."""
    # What a file of new hosts alone lacks is in the cluster.
    if given.draft is None or any(one.level == "error" and one.code not in LACKING for one in given.findings):
        raise invalid_configuration(given.findings)
    known = {node.name: node for node in nodes}
    specs = {host.name: host for host in given.draft.hosts}
    for name in specs.keys() & known.keys():
        if specs[name].address != known[name].address:
            raise Problem(
                "conflict",
                f"{name} has the address {specs[name].address} in the file, {known[name].address} as registered.",
                hint="Give the new host a name of its own.",
            )
    new = [name for name in specs if name not in known]
    hosts = [*map(as_json, nodes), *(_spec_as_json(specs[name], given.draft.roles_of(name)) for name in new)]
    parsed = from_mapping({"hosts": hosts, "settings": platform})
    places = tuple(f"hosts[{n}]" for n in range(len(nodes), len(hosts)))
    findings = tuple(one for one in parsed.findings if one.level == "error" or one.path.startswith(places))
    if parsed.inventory is None:
        raise invalid_configuration(findings)
    merged = tuple(specs[host.name] if host.name in new else host for host in parsed.inventory.hosts)
    return replace(parsed.inventory, hosts=merged), new, findings


def judged(
    platform: Mapping[str, Any],
    nodes: Sequence[Node],
    hosts: Sequence[dict[str, Any]],
    place: int,
    login: Login,
    own: HostAccess,
) -> tuple[Inventory, tuple[Finding, ...]]:
    """The cluster with the host at `place` as it is to be, and what speaks about that host. Raises `Problem`."""
    if fault := login_fault(login):
        raise invalid("private_key", *fault)
    if own.host_key and not is_host_key(own.host_key):
        raise invalid("host_key", "This is no host key.", "Write type and key: ssh-ed25519 AAAA...")
    parsed = from_mapping({"hosts": hosts, "settings": platform})
    at = f"hosts[{place}]"
    findings = [one for one in parsed.findings if one.level == "error" or one.path.startswith(at)]
    if parsed.draft is not None:
        ways = {**registry.access_of(nodes), parsed.draft.hosts[place].name: own}
        findings += jump_findings(parsed.draft, Access(hosts=ways))
        findings += (one for one in reach.judge(parsed.draft, Access(hosts=ways)) if one.path.startswith(f"{at}."))
    judged = Parsed.of(parsed.draft, (replace(one, path=one.path.removeprefix(f"{at}.")) for one in findings))
    if judged.inventory is None:
        raise invalid_configuration(judged.findings)
    return judged.inventory, judged.findings


def as_json(node: Node) -> dict[str, Any]:
    """A host as it would be registered."""
    words = ("name", "address", "internal_address", "port", "user", "arch", "labels", "extra")
    return {**{word: getattr(node, word) for word in words}, "roles": node.role_groups}


def own_changed(node: Node, body: Mapping[str, Any]) -> HostAccess:
    """The host's own pinned key and way as they are to be."""
    own = HostAccess(host_key=node.host_key, jump=node.jump.name if node.jump else "")
    return replace(own, **{word: body[word] for word in ("host_key", "jump") if word in body})


def login_changed(node: Node, body: Mapping[str, Any]) -> Login | None:
    """The credential as it is to be; None where it stays. A new key comes with its own passphrase, or none."""
    given = {word: body[word] for word in LOGIN if word in body}
    if not given:
        return None
    if "private_key" in given:
        given.setdefault("passphrase", "")
    return replace(registry.login_of(node), **given)


def _spec_as_json(host: HostSpec, roles: Sequence[str]) -> dict[str, Any]:
    words = ("name", "address", "internal_address", "port", "user", "arch", "labels", "extra")
    return {**{word: getattr(host, word) for word in words}, "roles": list(roles)}
