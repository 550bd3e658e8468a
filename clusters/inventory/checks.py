"""Judging an inventory: what would make an installation fail, or is probably not meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from clusters.inventory import network, schema
from clusters.inventory.model import (
    CONTROL_PLANE,
    ETCD,
    MAX_HOSTS,
    MAX_SUGGESTIONS,
    Finding,
    HostSpec,
    Inventory,
    Place,
    Places,
    Platform,
)
from clusters.inventory.network import is_label, is_qualified

VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?")
LENGTHS = {
    "kubernetes_version": 32,
    "container_manager": 32,
    "network_plugin": 32,
    "pod_cidr": 100,
    "service_cidr": 100,
    "control_plane_domain": 253,
    "control_plane_address": 253,
    "internal_load_balancer": 32,
    "private_registry": 253,
    "registry_namespace": 63,
    "registry_type": 32,
    "registry_user": 100,
}
"""Longest text of each setting, as the registry's columns have it."""
CHOICES = {
    "container_manager": ("containerd", "docker", "crio", "isula"),
    "network_plugin": ("calico", "flannel", "cilium", "kubeovn", "hybridnet", "none"),
    "registry_type": ("harbor", "registry"),
}
LOAD_BALANCERS = ("haproxy", "kube-vip")
_PART = "[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
FORMS = {
    "private_registry": (
        re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*"),
        "Write a name such as registry.example.org, with a port where it is not 443.",
    ),
    "registry_namespace": (
        re.compile(f"{_PART}(?:/{_PART})*"),
        "Use lower-case letters and digits, with '.', '_', '-' or '/' between.",
    ),
}
"""What goes into addresses and requests as it is."""


def validate(inventory: Inventory, places: Places | None = None) -> tuple[Finding, ...]:
    """All that is wrong or doubtful in `inventory`. `places` says where each value was written, if it was a file."""
    at = Places() if places is None else places
    return (
        *_name(inventory, at),
        *_hosts(inventory, at),
        *_groups(inventory, at),
        *_platform(inventory.platform, at),
        *network.check_cidrs(inventory, at),
    )


def _name(inventory: Inventory, at: Places) -> Iterator[Finding]:
    if inventory.name and not is_label(inventory.name):
        message = f"'{inventory.name}' cannot be a cluster's name here."
        yield at.at("name").finding("warning", "name", message, "Give a name of lower-case letters, digits and '-'.")


def _hosts(inventory: Inventory, at: Places) -> Iterator[Finding]:
    if not inventory.hosts and "hosts" in at:
        yield at["hosts"].finding("error", "no-hosts", "There are no hosts.", "List at least one host under 'hosts'.")
    if len(inventory.hosts) > MAX_HOSTS:
        message = f"There are {len(inventory.hosts)} hosts."
        yield at.at("hosts").finding("error", "too-many-hosts", message, f"A cluster has at most {MAX_HOSTS} hosts.")
        return
    names: dict[str, int] = {}
    addresses: dict[tuple[str, int], int] = {}
    internals: dict[str, int] = {}
    for number, host in enumerate(inventory.hosts):
        yield from _host(host, number, at)
        yield from _unique(inventory, at, number, names, "name", host.name, host.name)
        reached = (network.canonical(host.address), host.port)
        clash = list(_unique(inventory, at, number, addresses, "address", reached, host.address))
        yield from clash
        if not clash:
            inside = network.canonical(host.internal_address)
            yield from _unique(inventory, at, number, internals, "internal_address", inside, host.internal_address)


def _unique(
    inventory: Inventory, at: Places, number: int, seen: dict[Any, int], field: str, key: Any, shown: str
) -> Iterator[Finding]:
    if not shown:
        return
    first = seen.setdefault(key, number)
    if first == number:
        return
    place, other = at.at(f"hosts[{number}].{field}"), at.at(f"hosts[{first}].{field}")
    owner = f"host '{inventory.hosts[first].name}'" + (f" on line {other.line}" if other.line else f" ({other.path})")
    word = field.replace("_", " ")
    if field == "name":
        message, fix = f"Two hosts are named '{shown}'; the first is {other.path}", "Give each host a name of its own."
        message += f" on line {other.line}." if other.line else "."
    else:
        message, fix = f"The {word} {shown} is also that of {owner}.", f"Give each host an {word} of its own."
    yield place.finding("error", f"duplicate-{field.replace('_', '-')}", message, fix)


def _host(host: HostSpec, number: int, at: Places) -> Iterator[Finding]:
    def place(field: str) -> Any:
        return at.at(f"hosts[{number}].{field}").finding

    who = f"host '{host.name}'" if host.name else "a host"
    if not host.name:
        yield place("name")("error", "name", "A host has no name.", "Write 'name: master1' in its entry.")
    elif not is_label(host.name):
        fix = "Use lower-case letters, digits and '-', at most 63, beginning and ending with a letter or digit"
        lower = host.name.lower().replace("_", "-").replace(".", "-")
        fix += f": {lower}." if is_label(lower) else "."
        if "[" in host.name:
            fix = "Write one entry per host; ranges are for role groups."
        yield place("name")("error", "name", f"'{host.name}' cannot be a host's name.", fix)
    if not host.address:
        message, fix = f"The address of {who} is missing.", "Write 'address: 10.0.0.1' in its entry."
        yield place("address")("error", "address", message, fix)
    else:
        yield from network.check_address(host, at, number)
    if not 1 <= host.port <= 65535:
        message = f"{host.port} is no port ({who})."
        yield place("port")("error", "port", message, "Write a number from 1 to 65535; SSH's own is 22.")
    if not host.user or len(host.user) > 32 or not re.fullmatch(r"[^\s\-:/][^\s:/]*", host.user):
        message, fix = f"'{host.user}' cannot be a user's name ({who}).", "Write the name of the user SSH logs in as."
        yield place("user")("error", "user", message, fix)
    if host.arch not in ("amd64", "arm64"):
        message, fix = f"The architecture '{host.arch}' of {who} is not known.", "Write arch: amd64 or arch: arm64."
        yield place("arch")("error", "arch", message, fix)
    for key, value in host.labels.items():
        if not is_qualified(key) or (
            value and not re.fullmatch(r"(?=.{1,63}\Z)[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", value)
        ):
            message = f"The label '{key}: {value}' of {who} is not one that Kubernetes takes."
            fix = "Use letters, digits, '-', '_' and '.', at most 63, beginning and ending with a letter or digit."
            yield place(f"labels.{key}")("error", "label", message, fix)


def _groups(inventory: Inventory, at: Places) -> Iterator[Finding]:
    known = {host.name for host in inventory.hosts}
    suggestions = 0
    for group, members in inventory.role_groups.items():
        if not group or len(group) > 32:
            message = f"The role group '{group}' has {len(group)} characters."
            yield at.at(f"role_groups.{group}").finding("error", "role-group", message, "Use 1 to 32 characters.")
        strangers: dict[Place, list[str]] = {}
        for name in members:
            if name not in known:
                strangers.setdefault(at.at(f"role_groups.{group}.{name}"), []).append(name)
        for place, names in strangers.items():
            suggestions += 1
            near = schema.nearest(names[0], known) if suggestions <= MAX_SUGGESTIONS and len(names) == 1 else ""
            yield _unknown_hosts(place, group, names, near)
    if not inventory.role_groups.get(CONTROL_PLANE):
        message = "The role group 'control-plane' is empty: nothing would run the cluster."
        fix = "Name one host, or three for high availability, under 'control-plane'."
        yield at.at(f"role_groups.{CONTROL_PLANE}").finding("error", "empty-control-plane", message, fix)
    yield from _etcd(inventory, at)
    grouped = {name for members in inventory.role_groups.values() for name in members}
    for number, host in enumerate(inventory.hosts):
        if host.name and host.name not in grouped:
            message, fix = f"Host '{host.name}' is in no role group.", "Name it under 'worker', or remove the host."
            yield at.at(f"hosts[{number}]").finding("warning", "host-without-role", message, fix)


def _unknown_hosts(place: Place, group: str, names: list[str], near: str) -> Finding:
    """One finding for all the names that one entry, such as a range, stands for."""
    if len(names) == 1:
        message = f"The role group '{group}' names '{names[0]}', which is not among the hosts."
        fix = f"Did you mean '{near}'? Otherwise add" if near else "Add"
        return place.finding(
            "error", "unknown-host", message, f"{fix} '{names[0]}' under 'hosts', or take it out of the group."
        )
    shown = ", ".join(f"'{name}'" for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    message = f"The role group '{group}' names {shown}, which are not among the hosts."
    return place.finding("error", "unknown-host", message, "Add them under 'hosts', or take them out of the group.")


def _etcd(inventory: Inventory, at: Places) -> Iterator[Finding]:
    members = len(inventory.role_groups.get(ETCD, ()))
    place = at.at(f"role_groups.{ETCD}")
    spec = inventory.platform.extra.get("spec")
    settings = spec.get("etcd") if isinstance(spec, Mapping) else None
    elsewhere = isinstance(settings, Mapping) and settings.get("type") in ("kubeadm", "external")
    if members == 0 and not elsewhere:
        message = "The role group 'etcd' is empty: the cluster would have nowhere to keep its state."
        yield place.finding("error", "empty-etcd", message, "Name one host, or three for high availability.")
    elif members and members % 2 == 0:
        message = f"etcd has {members} members; an even number survives no more failures than {members - 1}."
        yield place.finding("warning", "even-etcd", message, f"Use {members - 1} or {members + 1} members.")


def _platform(platform: Platform, at: Places) -> Iterator[Finding]:
    for name, limit in LENGTHS.items():
        value: str = getattr(platform, name)
        if len(value) > limit:
            message = f"{at.at(name).path} has {len(value)} characters."
            yield at.at(name).finding("error", "too-long", message, f"Use at most {limit}.")
        elif not value and name not in schema.MAY_BE_EMPTY:
            default = next(field.default for field in fields(Platform) if field.name == name)
            message = f"{at.at(name).path} is empty."
            yield at.at(name).finding("error", "empty", message, f"Write '{default}', or another value.")
    for name, (form, fix) in FORMS.items():
        value = getattr(platform, name)
        if value and not form.fullmatch(value):
            yield at.at(name).finding("error", "form", f"{at.at(name).path} has a form that cannot be used.", fix)
    for name in (*LENGTHS, "registry_password"):
        if re.search(r"[\x01-\x1f\x7f]", getattr(platform, name)):
            message = f"{at.at(name).path} holds control characters."
            yield at.at(name).finding("error", "control-character", message, "Write one line, without tabs.")
    for name, choices in CHOICES.items():
        value = getattr(platform, name)
        if value and value not in choices:
            near = schema.nearest(value, choices)
            fix = f"Did you mean '{near}'?" if near else f"Known are {', '.join(choices)}."
            message = f"{at.at(name).path}: '{value}' is not known."
            yield at.at(name).finding("warning", "unknown-value", message, fix)
    if platform.kubernetes_version and not VERSION.fullmatch(platform.kubernetes_version):
        message = f"'{platform.kubernetes_version}' is no version of Kubernetes."
        guess = re.fullmatch(r"v?([0-9]+\.[0-9]+)(\.[0-9]+)?", platform.kubernetes_version)
        fix = f"Write it as v{guess[1]}{guess[2] or '.0'}." if guess else "Write it as v1.24.3."
        yield at.at("kubernetes_version").finding("error", "version", message, fix)
    balancer = platform.internal_load_balancer
    if balancer and balancer not in LOAD_BALANCERS:
        near = schema.nearest(balancer, LOAD_BALANCERS)
        fix = f"Did you mean '{near}'?" if near else "Write haproxy or kube-vip, or leave it empty."
        message = f"There is no internal load balancer '{balancer}'."
        yield at.at("internal_load_balancer").finding("error", "load-balancer", message, fix)
    if balancer == "kube-vip" and not platform.control_plane_address:
        message = "kube-vip needs a free address for the control plane."
        fix = "Write that address as the control-plane endpoint's address."
        yield at.at("control_plane_address").finding("error", "load-balancer", message, fix)
    if not 1 <= platform.control_plane_port <= 65535:
        message = f"{platform.control_plane_port} is no port."
        yield at.at("control_plane_port").finding(
            "error", "port", message, "Write a number from 1 to 65535; the API server's own is 6443."
        )
    for name in ("control_plane_domain", "control_plane_address"):
        value = getattr(platform, name)
        if value and not network.is_address(value):
            message, fix = (
                f"'{value}' is neither an address nor a domain name.",
                "Write one such as lb.kubesphere.local.",
            )
            yield at.at(name).finding("error", "address", message, fix)
