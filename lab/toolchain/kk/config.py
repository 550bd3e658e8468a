"""kk's configuration file: ``apiVersion: kubekey.kubesphere.io/v1alpha2, kind: Cluster``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DEFAULT_VERSION = "v1.24.3"
DEFAULT_REGISTRY = "dockerhub.kubekey.local"
_RANGE = re.compile(r"^(?P<head>.*)\[(?P<first>\d+):(?P<last>\d+)\](?P<tail>.*)$")


class ConfigError(Exception):
    """The configuration cannot be used; kk prints it after ``error:``."""


@dataclass(frozen=True)
class Host:
    name: str
    address: str
    internal: str
    port: int = 22
    user: str = "root"
    password: str = ""
    key: str = ""  # path of the private key
    arch: str = "amd64"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    path: Path
    name: str
    hosts: tuple[Host, ...]
    groups: Mapping[str, tuple[str, ...]]
    version: str = DEFAULT_VERSION
    cluster_domain: str = "cluster.local"
    endpoint_domain: str = "lb.kubesphere.local"
    endpoint_address: str = ""
    endpoint_port: int = 6443
    pod_cidr: str = "10.233.64.0/18"
    service_cidr: str = "10.233.0.0/18"
    plugin: str = "calico"
    container_manager: str = "containerd"
    registry: str = DEFAULT_REGISTRY
    registry_namespace: str = "kubesphereio"
    registry_user: str = "admin"
    registry_password: str = "Harbor12345"  # noqa: S105  Harbor's own documented default
    registry_login: bool = False  # whether the configuration says it

    def host(self, name: str) -> Host:
        return next(host for host in self.hosts if host.name == name)

    def group(self, *names: str) -> tuple[Host, ...]:
        """The hosts of any of the groups, in the file's order."""
        wanted = {member for name in names for member in self.groups.get(name, ())}
        return tuple(host for host in self.hosts if host.name in wanted)

    @property
    def masters(self) -> tuple[Host, ...]:
        return self.group("control-plane")

    @property
    def nodes(self) -> tuple[Host, ...]:
        return self.group("control-plane", "worker")

    @property
    def first(self) -> Host:
        return self.masters[0]

    @property
    def image_root(self) -> str:
        return f"{self.registry}/{self.registry_namespace}"


def load(path: Path) -> Config:
    """Read a configuration. Raises `ConfigError`."""
    try:
        document = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"Failed to look up current directory: open {path}: no such file or directory") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"Unable to unmarshal the given cluster configuration file: {error}") from error
    spec = document.get("spec") if isinstance(document, dict) else None
    if not isinstance(spec, dict) or document.get("kind") != "Cluster":
        raise ConfigError(f"{path}: no matches for kind Cluster in version kubekey.kubesphere.io/v1alpha2")
    hosts = tuple(_host(entry, index) for index, entry in enumerate(spec.get("hosts") or []))
    names = [host.name for host in hosts]
    groups = {_group(name): _members(name, members, names) for name, members in (spec.get("roleGroups") or {}).items()}
    for required in ("etcd", "control-plane"):
        if not groups.get(required):
            raise ConfigError(f"The number of {required} cannot be 0")
    return Config(path, str((document.get("metadata") or {}).get("name") or "sample"), hosts, groups, **_settings(spec))


def _settings(spec: Mapping[str, Any]) -> dict[str, Any]:
    endpoint, kubernetes = spec.get("controlPlaneEndpoint") or {}, spec.get("kubernetes") or {}
    network, registry = spec.get("network") or {}, spec.get("registry") or {}
    private = str(registry.get("privateRegistry") or "")
    login = (registry.get("auths") or {}).get(private or DEFAULT_REGISTRY) or {}
    found = {
        "version": kubernetes.get("version"),
        "cluster_domain": kubernetes.get("clusterName"),
        "endpoint_domain": endpoint.get("domain"),
        "endpoint_address": endpoint.get("address"),
        "endpoint_port": endpoint.get("port"),
        "pod_cidr": network.get("kubePodsCIDR"),
        "service_cidr": network.get("kubeServiceCIDR"),
        "plugin": network.get("plugin"),
        "container_manager": kubernetes.get("containerManager"),
        "registry": private,
        "registry_namespace": registry.get("namespaceOverride"),
        "registry_user": login.get("username"),
        "registry_password": login.get("password"),
        "registry_login": bool(login),
    }
    return {key: value for key, value in found.items() if value}


def _group(name: str) -> str:
    return "control-plane" if name == "master" else name


def _members(group: str, members: Any, known: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for member in members or []:
        found += expand(str(member))
    for name in found:
        if name not in known:
            raise ConfigError(f"[{group}] incorrect format or host name not in hosts: {name}")
    return tuple(dict.fromkeys(found))


def expand(pattern: str) -> list[str]:
    """``worker[1:3]`` -> worker1, worker2, worker3; zero-padded bounds keep their width."""
    match = _RANGE.match(pattern)
    if match is None:
        return [pattern]
    width = len(match["first"]) if match["first"].startswith("0") else 0
    numbers = range(int(match["first"]), int(match["last"]) + 1)
    return [f"{match['head']}{number:0{width}d}{match['tail']}" for number in numbers]


def _host(entry: Mapping[str, Any], index: int) -> Host:
    name = str(entry.get("name") or "")
    address = str(entry.get("address") or entry.get("internalAddress") or "")
    if not name or not address:
        raise ConfigError(f"spec.hosts[{index}]: name and address are required")
    password = str(entry.get("password") or "")
    key = str(entry.get("privateKeyPath") or ("" if password else "~/.ssh/id_rsa"))
    return Host(
        name,
        address,
        str(entry.get("internalAddress") or address).split(",")[0],
        int(entry.get("port") or 22),
        str(entry.get("user") or "root"),
        password,
        str(Path(key).expanduser()) if key else "",
        str(entry.get("arch") or "amd64"),
        {str(k): str(v) for k, v in (entry.get("labels") or {}).items()},
    )
