"""One reading of a live cluster, as dataclasses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JSON = Any


@dataclass(frozen=True)
class Condition:
    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class Ended:
    """How a container ended."""

    reason: str = ""
    message: str = ""
    exit_code: int = 0
    signal: int = 0
    at: datetime | None = None


@dataclass(frozen=True)
class Container:
    """A container's status. `waiting` is a reason, empty when it does not wait (or gives none)."""

    name: str
    ready: bool = False
    started: bool = False
    restarts: int = 0
    running_since: datetime | None = None
    running: bool = False
    waiting: str = ""
    message: str = ""
    ended: Ended | None = None
    last: Ended | None = None
    sidecar: bool = False


@dataclass(frozen=True)
class Pod:
    namespace: str
    name: str
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    node: str = ""
    ip: str = ""
    created: datetime | None = None
    deleting: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    wanted: int = 1
    wanted_init: int = 0
    containers: tuple[Container, ...] = ()
    init: tuple[Container, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        condition = self.conditions.get("Ready")
        return condition is not None and condition.status == "True"

    @property
    def over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True)
class Workload:
    """A deployment, stateful set or daemon set. `release` is the Helm release it came with, as namespace/name."""

    kind: str
    namespace: str
    name: str
    desired: int = 1
    ready: int = 0
    updated: int = 0
    observed: bool = True
    created: datetime | None = None
    selector: Mapping[str, JSON] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    release: str = ""
    conditions: Mapping[str, Condition] = field(default_factory=dict)

    def owns(self, pod: Pod) -> bool:
        return pod.namespace == self.namespace and bool(self.selector) and selects(self.selector, pod.labels)


@dataclass(frozen=True)
class Node:
    """`cpu` in cores, `memory` in bytes; `gpus` counts devices, `gpus_allocatable` those that pods can get."""

    name: str
    ready: bool
    reason: str = ""
    roles: tuple[str, ...] = ()
    schedulable: bool = True
    kubelet_version: str = ""
    os_image: str = ""
    kernel: str = ""
    container_runtime: str = ""
    arch: str = ""
    internal_ip: str = ""
    machine_id: str = ""
    cpu: float = 0
    memory: int = 0
    gpu_product: str = ""
    gpus: int = 0
    gpus_allocatable: int = 0
    created: datetime | None = None

    def to_json(self) -> dict[str, JSON]:
        """What is stored and shown of a node."""
        return {
            "name": self.name,
            "ready": self.ready,
            "reason": self.reason,
            "roles": list(self.roles),
            "schedulable": self.schedulable,
            "kubelet_version": self.kubelet_version,
            "os_image": self.os_image,
            "kernel": self.kernel,
            "container_runtime": self.container_runtime,
            "arch": self.arch,
            "internal_ip": self.internal_ip,
            "cpu": self.cpu,
            "memory": self.memory,
            "gpus": {"product": self.gpu_product, "count": self.gpus, "allocatable": self.gpus_allocatable},
            "created": self.created.isoformat() if self.created else None,
        }


@dataclass(frozen=True)
class Event:
    """A warning about an object."""

    namespace: str
    kind: str
    name: str
    reason: str
    message: str
    at: datetime | None = None
    count: int = 1


@dataclass(frozen=True)
class Release:
    """A Helm release's latest revision. `status` as Helm writes it: deployed, failed, pending-install ..."""

    namespace: str
    name: str
    revision: int
    status: str
    changed: datetime | None = None


@dataclass(frozen=True)
class ClusterSnapshot:
    """What was seen at `taken_at`, which is `clock` by the cluster's own clock (None: not known).

    `crds` tells whether each is established, `endpoints` the ready addresses of ``namespace/service``, `objects`
    the further objects by `ObjectRule.key`. `unread` names what could not be listed (by resource, with the reason):
    nothing is concluded from its absence.
    """

    taken_at: datetime
    clock: datetime | None = None
    version: str = ""
    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    crds: Mapping[str, bool] = field(default_factory=dict)
    endpoints: Mapping[str, int] = field(default_factory=dict)
    objects: Mapping[str, Sequence[Mapping[str, JSON]]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    releases: tuple[Release, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """What the cluster's time stamps are compared with."""
        return self.clock or self.taken_at


def selects(selector: Mapping[str, JSON], labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector fits `labels`."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_fits(term, labels) for term in selector.get("matchExpressions") or ())


def _fits(term: Mapping[str, JSON], labels: Mapping[str, str]) -> bool:
    key, values = term.get("key", ""), term.get("values") or ()
    match term.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
