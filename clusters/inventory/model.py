"""The words of the inventory: hosts, role groups, platform settings, and what was found while reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Any
Level = Literal["error", "warning", "repair"]

ETCD, CONTROL_PLANE, WORKER, REGISTRY, STORAGE = "etcd", "control-plane", "worker", "registry", "storage"
ROLE_GROUPS = (ETCD, CONTROL_PLANE, WORKER, REGISTRY, STORAGE)

MAX_HOSTS = 1000
MAX_FINDINGS = 200
MAX_TEXT = 500
MAX_SUGGESTIONS = 50
"""How many typing errors get a suggestion: finding near names takes time."""


@dataclass(frozen=True)
class HostSpec:
    """One host. `address` is where SSH goes, `internal_address` what the cluster's members use.

    `private_key_path` is a path on the machine where the file was written. `extra` keeps keys that only kk reads.
    """

    name: str
    address: str
    internal_address: str
    port: int = 22
    user: str = "root"
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    private_key_path: str = ""
    arch: str = "amd64"
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    """Settings of the platform, named and defaulted as in `clusters.models.Cluster`.

    `extra` keeps what only kk reads, in the shape of the kk document: ``{"spec": {"system": {...}}, ...}``.
    CIDRs may be two, IPv4 and IPv6, with a comma between.
    """

    kubernetes_version: str = "v1.24.3"
    container_manager: str = "containerd"
    network_plugin: str = "calico"
    pod_cidr: str = "10.233.64.0/18"
    service_cidr: str = "10.233.0.0/18"
    control_plane_domain: str = "lb.kubesphere.local"
    control_plane_address: str = ""
    control_plane_port: int = 6443
    internal_load_balancer: str = ""
    private_registry: str = "dockerhub.kubekey.local"
    registry_namespace: str = "kubesphereio"
    registry_type: str = "harbor"
    registry_user: str = ""
    registry_password: str = field(default="", repr=False)
    extra: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """Hosts in the customer's order, role groups with their ranges expanded, and the platform's settings."""

    name: str = ""
    hosts: tuple[HostSpec, ...] = ()
    role_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)

    def roles_of(self, host: str) -> tuple[str, ...]:
        """The role groups that name `host`, the known ones first."""
        groups = [*ROLE_GROUPS, *(group for group in self.role_groups if group not in ROLE_GROUPS)]
        return tuple(group for group in groups if host in self.role_groups.get(group, ()))


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and what to do. `line` and `column` count from 1; 0 where there is no file.

    `path` is the field as the customer wrote it: ``spec.hosts[2].port``, ``hosts[2].internal_address``.
    A ``repair`` says what was changed to make sense of the file.
    """

    level: Level
    code: str
    path: str
    line: int
    column: int
    message: str
    fix: str


@dataclass(frozen=True)
class Place:
    """Where a value was written."""

    path: str
    line: int = 0
    column: int = 0

    def finding(self, level: Level, code: str, message: str, fix: str) -> Finding:
        """A finding about this place; texts that quote a very long value are cut."""
        path, message, fix = (
            text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…" for text in (self.path, message, fix)
        )
        return Finding(level, code, path, self.line, self.column, message, fix)


class Places(dict[str, Place]):
    """Where each value of an inventory was written, by the field's path in the dataclasses.

    Keys: ``name``, ``hosts[2]``, ``hosts[2].port``, ``role_groups``, ``role_groups.etcd``,
    ``role_groups.etcd.master1``, and the platform's fields by name.
    `names` turns a dataclass field into the word the customer's format has for it.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.names = names or {}

    def at(self, key: str) -> Place:
        """Where `key` was written; for a value that was left out, its parent's line."""
        if key in self:
            return self[key]
        parent, dot, leaf = key.rpartition(".")
        if dot and parent in self:
            above = self[parent]
            return Place(f"{above.path}.{self.names.get(leaf, leaf)}", above.line, above.column)
        return Place(key)


@dataclass(frozen=True)
class Parsed:
    """What was read. `inventory` is None when any finding is an error; `draft` is what could be read even so."""

    inventory: Inventory | None
    findings: tuple[Finding, ...] = ()
    draft: Inventory | None = None
    places: Places = field(default_factory=Places, compare=False, repr=False)

    @classmethod
    def of(cls, draft: Inventory | None, findings: Iterable[Finding], places: Places | None = None) -> Parsed:
        """`draft` as the inventory if no finding is an error.

        Findings are put in the order of the file; of very many, the errors come first and the rest is counted.
        """
        ordered = sorted(findings, key=lambda finding: (finding.line, finding.column))
        sound = not any(finding.level == "error" for finding in ordered)
        if len(ordered) > MAX_FINDINGS:
            ordered.sort(key=lambda finding: finding.level != "error")
            left = f"{len(ordered) - MAX_FINDINGS} more findings are not shown."
            more = Place("").finding("warning", "more", left, "Mend those shown, then check again.")
            ordered = [*ordered[:MAX_FINDINGS], more]
        return cls(draft if sound else None, tuple(ordered), draft, Places() if places is None else places)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that forbid using the inventory."""
        return tuple(finding for finding in self.findings if finding.level == "error")
