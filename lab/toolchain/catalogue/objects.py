"""`components.yaml` read and made into Kubernetes objects; texts in them may be templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lab.toolchain.common import shapes
from lab.toolchain.common.objects import Obj

_OF_THE_CLUSTER = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CSIDriver",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
}


@dataclass(frozen=True)
class Group:
    """Objects of one template file; `condition` is the path of the value that switches them on."""

    objects: list[Obj]
    condition: str = ""


@cache
def load() -> Mapping[str, Obj]:
    """{component: its entry}; the keys of an entry are described in the file."""
    found: dict[str, Obj] = yaml.safe_load((Path(__file__).parent / "components.yaml").read_text())
    return found


def images() -> list[str]:
    """Every image that a component's pods may ask for, as ``name:tag`` without the registry."""
    found: set[str] = set()
    for entry in load().values():
        found.update(entry.get("images", []))
        for given in entry.get("workloads", []):
            found.update(_workload(given)["images"])
    return sorted(found)


def definitions(entry: Obj) -> list[Obj]:
    """CustomResourceDefinitions from lines ``group/version Kind plural [cluster] [short=a,b]``."""
    found = []
    for line in entry.get("crds", []):
        api, kind, plural, *rest = line.split()
        group, _, version = api.rpartition("/")
        short = next((word.removeprefix("short=") for word in rest if word.startswith("short=")), "")
        found.append(shapes.definition(group, version, kind, plural, cluster="cluster" in rest, short=short))
    return found


def groups(name: str, entry: Obj, namespace: str, registry: str) -> Iterator[Group]:
    """Everything but the definitions, in the order in which it can be created."""
    if entry.get("makes_namespace"):
        yield Group([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}])
    account = entry.get("account_name", name) if entry.get("account", True) else ""
    if account:
        yield Group([shapes.account(account, namespace), *shapes.cluster_role(account, account, namespace)])
    for given in entry.get("workloads", []):
        yield _running(_workload(given), namespace, registry, account)
    for given in entry.get("objects", []):
        obj = {key: value for key, value in given.items() if key != "if"}
        metadata = {key: value for key, value in given["metadata"].items() if key != "cluster"}
        if obj["kind"] not in _OF_THE_CLUSTER and not given["metadata"].get("cluster"):
            metadata = {"namespace": namespace, **metadata}
        yield Group([with_registry({**obj, "metadata": metadata}, registry)], given.get("if", ""))


def _running(workload: Obj, namespace: str, registry: str, account: str) -> Group:
    """A workload with its services."""
    pod = {"serviceAccountName": account} if account else {}
    made = shapes.workload(
        workload["kind"],
        workload["name"],
        namespace,
        [f"{registry}/{image}" for image in workload["images"]],
        labels=workload.get("labels"),
        replicas=workload.get("replicas", 1),
        ports=workload.get("ports", ()),
        pod={**pod, **workload.get("pod", {})},
    )
    labels = made["spec"]["selector"]["matchLabels"]
    services = [shapes.service(name, namespace, port, labels) for name, port in workload.get("services", {}).items()]
    return Group([made, *services], workload.get("if", ""))


def _workload(given: str | Obj) -> Obj:
    """``Kind name image...``, or a mapping that has this under ``is``."""
    more: Obj = {"is": given} if isinstance(given, str) else given
    kind, name, *listed = more["is"].split()
    return {"kind": kind, "name": name, "images": listed, **more}


def with_registry(value: Any, registry: str) -> Any:
    """REGISTRY in any text becomes the registry."""
    if isinstance(value, dict):
        return {key: with_registry(item, registry) for key, item in value.items()}
    if isinstance(value, list):
        return [with_registry(item, registry) for item in value]
    return value.replace("REGISTRY", registry) if isinstance(value, str) else value
