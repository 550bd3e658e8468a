"""The JSON body of the REST API -> `Inventory`, and platform settings given by the registry's own names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from clusters.inventory import schema
from clusters.inventory.checks import validate
from clusters.inventory.document import Node, Unreadable, check_text, wrap
from clusters.inventory.model import JSON, Finding, Inventory, Parsed, Place, Places, Platform
from clusters.inventory.reading import Reading

SETTINGS = tuple(field.name for field in fields(Platform) if field.name != "extra")
OTHER_SETTINGS = (
    *("api_address", "storage_class", "object_store_bucket", "log_level", "drift_hours", "backup_hours"),
    "ceph_key",
    *("backup_store", "backup_endpoint", "backup_region", "backup_bucket", "backup_prefix"),
    *("backup_access_key", "backup_secret_key"),
)
"""Settings of a cluster that no inventory holds."""

CREDENTIALS = ("passphrase", "sudo_password", "host_key", "jump")
"""Keys of a host that the registry reads itself."""


def from_mapping(data: Mapping[str, JSON]) -> Parsed:
    """The inventory in ``{"hosts": [...], "role_groups": {...}, "settings": {...}}``, judged.

    A host's ``roles`` add to ``role_groups``; its ``extra`` holds keys that only kk reads. Other keys of `data` are
    left alone. Paths are those of the body, ``hosts[2].internal_address``; lines are 0.
    """
    places = Places()
    reading = Reading(places)
    try:
        body = {key: wrap(data[key], key) for key in ("hosts", "role_groups") if data.get(key) is not None}
    except Unreadable as error:
        return Parsed(None, (error.finding,))
    hosts, roles = _renamed(body.get("hosts"), reading)
    document: dict[str, Node] = {"hosts": hosts} if hosts else {}
    groups = body.get("role_groups")
    if roles and (groups is None or isinstance(groups.value, dict)):
        groups = _joined(groups, roles)
    if groups:
        document["roleGroups"] = groups
    where = {key: node.place for key, node in document.items()}
    inventory = reading.inventory(Node(document, Place("hosts"), keys=where))
    if inventory is None:
        return Parsed.of(None, reading.findings, places)
    for name in SETTINGS:
        places[name] = Place(f"settings.{name}")
    settings = data.get("settings") or {}
    return _judged(inventory, reading.findings, places, settings)


def with_settings(parsed: Parsed, settings: Mapping[str, JSON]) -> Parsed:
    """`parsed` with platform settings replaced by those given, judged anew."""
    if parsed.draft is None or not settings:
        return parsed
    places = Places(parsed.places.names)
    places.update(parsed.places)
    places.update({name: Place(f"settings.{name}") for name in settings})
    before = set(validate(parsed.draft, parsed.places))
    return _judged(parsed.draft, [one for one in parsed.findings if one not in before], places, settings)


def _judged(inventory: Inventory, findings: Iterable[Finding], places: Places, settings: JSON) -> Parsed:
    platform, found = _platform(inventory.platform, settings)
    inventory = replace(inventory, platform=platform)
    return Parsed.of(inventory, [*findings, *found, *validate(inventory, places)], places)


def _platform(platform: Platform, settings: JSON) -> tuple[Platform, list[Finding]]:
    """`platform` with `settings` in place, and what is wrong with their names and types."""
    if not isinstance(settings, Mapping):
        message, fix = "'settings' must be an object.", 'Write {"kubernetes_version": "v1.24.3"}.'
        return platform, [Place("settings").finding("error", "type", message, fix)]
    findings: list[Finding] = []
    values: dict[str, str | int] = {}
    for name, value in settings.items():
        place = Place(f"settings.{name}")
        if name in OTHER_SETTINGS:
            continue
        if name not in SETTINGS:
            findings.append(_unknown(name, place, (*SETTINGS, *OTHER_SETTINGS), "settings"))
            continue
        kind = type(getattr(platform, name))
        if type(value) is kind:
            values[name] = value
            try:
                check_text(str(value), place)
            except Unreadable as error:
                findings.append(error.finding)
        else:
            word = "a number" if kind is int else "text"
            findings.append(place.finding("error", "type", f"'{name}' must be {word}.", f"Write {name} as {word}."))
    return replace(platform, **values), findings  # type: ignore[arg-type]


def _renamed(node: Node | None, reading: Reading) -> tuple[Node | None, dict[str, list[Node]]]:
    """The hosts under kk's keys, and the role groups that their ``roles`` name."""
    roles: dict[str, list[Node]] = {}
    if node is None or not isinstance(node.value, list):
        return node, roles
    known = (*schema.HOST_KEYS, *CREDENTIALS, "roles", "extra")
    hosts = []
    for host in node.value:
        if not isinstance(host.value, dict):
            hosts.append(host)
            continue
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        for name, value in host.value.items():
            if name in schema.HOST_KEYS:
                key = schema.HOST_KEYS[name]
                entries[key], keys[key] = value, value.place
            elif name == "roles":
                _add_roles(value, host.value.get("name"), roles, reading)
            elif name == "extra" and isinstance(value.value, dict):
                entries |= value.value
                keys |= value.keys
            elif name not in known:
                reading.findings.append(_unknown(name, host.keys[name], known, "a host"))
        hosts.append(Node(entries, host.place, keys=keys))
    return Node(hosts, node.place), roles


def _add_roles(value: Node, name: Node | None, roles: dict[str, list[Node]], reading: Reading) -> None:
    items = value.value
    if not isinstance(items, list) or not all(isinstance(item.value, str) for item in items):
        message, fix = "'roles' must be a list of role groups.", 'Write ["control-plane", "etcd"].'
        reading.findings.append(value.place.finding("error", "type", message, fix))
    elif name is not None:
        for item in items:
            roles.setdefault(item.value, []).append(Node(name.value, item.place, name.text))


def _joined(groups: Node | None, roles: Mapping[str, list[Node]]) -> Node:
    """The role groups with the hosts that name them in their ``roles``."""
    entries = dict(groups.value) if groups else {}
    keys = dict(groups.keys) if groups else {}
    for group, members in roles.items():
        before = entries.get(group)
        named = before.value if before and isinstance(before.value, list) else [before] if before else []
        texts = {node.text for node in named}
        added = [node for node in members if node.text not in texts]
        place = before.place if before else Place(f"role_groups.{group}")
        entries[group] = Node([*named, *added], place)
        keys.setdefault(group, place)
    return Node(entries, Place("role_groups"), keys=keys)


def _unknown(name: str, place: Place, known: Iterable[str], where: str) -> Finding:
    near = schema.nearest(name, known)
    fix = f"Did you mean '{near}'?" if near else "Remove it, or check its spelling."
    return place.finding("warning", "unknown-key", f"Unknown key '{name}' in {where}; it was left out.", fix)
