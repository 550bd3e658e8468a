"""What was found in a Kubernetes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from clusters.ceph.place import Place
from clusters.snapshot import Node

JSON = Any
CONTROL_PLANE = frozenset({"control-plane", "master"})


@dataclass(frozen=True)
class Chart:
    """A Helm release at its latest revision; `chart` is empty where the release's own record cannot be read."""

    namespace: str
    release: str
    revision: int
    status: str
    chart: str = ""
    version: str = ""
    app_version: str = ""


@dataclass(frozen=True)
class Part:
    """A component of the catalogue that is there. `chart_version` is empty for what Helm did not install."""

    name: str
    state: str
    version: str = ""
    chart_version: str = ""


@dataclass(frozen=True)
class Existing:
    """One Kubernetes. `uid` (of the namespace kube-system) tells it from all others; what is empty is not known.

    `authority` is the SHA-256 of the certificate authority (DER, hex), `registry` and `project` where its own images
    come from, `ceph` what Rook runs (the cluster's own first), `unread` what could not be asked, with the reason.
    """

    uid: str
    version: str
    authority: str = ""
    nodes: tuple[Node, ...] = ()
    parts: tuple[Part, ...] = ()
    charts: tuple[Chart, ...] = ()
    runtimes: tuple[str, ...] = ()
    network_plugin: str = ""
    registry: str = ""
    project: str = ""
    pod_cidr: str = ""
    service_cidr: str = ""
    endpoint: str = ""
    ceph: tuple[Place, ...] = ()
    unread: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """All of it; `from_json` is its inverse as far as nodes are needed to tell hosts apart."""
        data = asdict(self)
        data["ceph"] = [place.to_json() for place in self.ceph]
        data["nodes"] = [
            {name: getattr(node, name) for name in _NODE} | {"roles": list(node.roles)} for node in self.nodes
        ]
        return data

    @classmethod
    def from_json(cls, data: dict[str, JSON]) -> Existing:
        """What `to_json` made `data` from."""
        return cls(
            **{
                **data,
                "nodes": tuple(Node(**{**node, "roles": tuple(node["roles"])}) for node in data["nodes"]),
                "parts": tuple(Part(**part) for part in data["parts"]),
                "charts": tuple(Chart(**chart) for chart in data["charts"]),
                "runtimes": tuple(data["runtimes"]),
                "ceph": tuple(map(Place.from_json, data["ceph"])),
            }
        )


def former_ids(imported: Mapping[str, JSON]) -> tuple[str, ...]:
    """The ids that an imported cluster had in registrations that were forgotten, as its hosts still say."""
    return tuple(imported.get("formerly") or ())


_NODE = ("name", "ready", "internal_ip", "machine_id", "kubelet_version", "container_runtime", "arch")


def roles_of(node: Node) -> set[str]:
    """The node's role groups by its labels. One without any label of a role is a worker."""
    found = {"control-plane"} if CONTROL_PLANE & set(node.roles) else set()
    if "worker" in node.roles or not found:
        found.add("worker")
    return found
