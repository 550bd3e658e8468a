"""The platform's components for the lab: `components.yaml` made into charts, values and manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lab import packing
from lab.packing import File, Tree
from lab.toolchain.common import shapes

Obj = dict[str, Any]
REGISTRY = "dockerhub.kubekey.local/kubesphereio"
_NAMESPACE = "{{ .Release.Namespace }}"
_NO_NAMESPACE = {
    "ClusterRole", "ClusterRoleBinding", "CSIDriver", "Namespace", "PersistentVolume", "PriorityClass",
    "IngressClass", "StorageClass", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
}  # fmt: skip
# A value that YAML must not take for a text: written as RAW<template>RAW, the quotes go with it.
_RAW = re.compile(r"'?RAW(.*?)RAW'?")


@cache
def load() -> Mapping[str, Obj]:
    found: dict[str, Obj] = yaml.safe_load((Path(__file__).parent / "components.yaml").read_text())
    return found


def images() -> list[str]:
    """Every image that a component's pods may ask for, as ``name:tag``."""
    found: set[str] = set()
    for entry in load().values():
        found.update(entry.get("images", []))
        for workload in map(_workload, entry.get("workloads", [])):
            found.update(workload["images"])
    return sorted(found)


def files() -> Tree:
    """Charts, values and manifests under their paths in the artifact."""
    tree: Tree = {}
    for name, entry in load().items():
        if "chart" in entry:
            tree[f"helm-charts/{name}-{entry['chart']}.tgz"] = File(packing.tar_gz(_chart(name, entry)))
            values = {"global": {"imageRegistry": REGISTRY}, **entry.get("override", {})}
            tree[f"deploy/values/{name}.yaml"] = File.text(_dump(values))
        else:
            text = "---\n".join(_dump(obj) for obj in _objects(name, entry, entry.get("namespace", name), REGISTRY))
            tree[f"deploy/yaml_apps/{entry.get('file', name)}.yaml"] = File.text(text)
    return tree


def softwares() -> str:
    """conf/softwares.yaml: what the artifact brings."""
    rows = [
        {"name": name, "type": "helm" if "chart" in entry else "manifest", "version": str(entry.get("chart", ""))}
        for name, entry in load().items()
    ]
    return _dump({"SIMULATED": True, "softwares": rows})


# -- charts ---------------------------------------------------------------------------------------------------


def _chart(name: str, entry: Obj) -> Tree:
    meta = {
        "apiVersion": "v2",
        "name": name,
        "version": str(entry["chart"]),
        "appVersion": str(entry.get("app", entry["chart"])),
        "description": f"{name}, SIMULATED for the lab",
        "type": "application",
    }
    values = {"global": {"imageRegistry": "docker.io/library"}, **entry.get("values", {})}
    tree: Tree = {
        "Chart.yaml": File.text(_dump(meta)),
        "values.yaml": File.text(_dump(values)),
        "templates/NOTES.txt": File.text(f"SIMULATED {name} {{{{ .Chart.Version }}}} is in {_NAMESPACE}.\n"),
    }
    for index, definition in enumerate(_definitions(entry)):
        tree[f"crds/{index:02d}-{definition['metadata']['name']}.yaml"] = File.text(_dump(definition))
    registry = "{{ .Values.global.imageRegistry }}"
    namespace = entry.get("namespace", _NAMESPACE)
    for condition, group in _groups(name, {**entry, "crds": []}, namespace, registry):
        body = "---\n".join(_dump(obj) for obj in group)
        if condition:
            body = f"{{{{- if .Values.{condition} }}}}\n{body}{{{{- end }}}}\n"
        first = group[0]
        where = f"templates/{first['kind'].lower()}-{first['metadata']['name']}.yaml"
        tree[where.replace("{{ .Release.Name }}", "release")] = File.text(body)
    return {f"{name}/{path}": file for path, file in tree.items()}


def _dump(value: Any) -> str:
    text = yaml.safe_dump(value, sort_keys=False, width=10_000)
    return _RAW.sub(r"\1", text)


# -- objects --------------------------------------------------------------------------------------------------


def _objects(name: str, entry: Obj, namespace: str, registry: str) -> Iterator[Obj]:
    yield from _definitions(entry)
    for _condition, group in _groups(name, entry, namespace, registry):
        yield from group


def _definitions(entry: Obj) -> list[Obj]:
    """From lines ``group/version Kind plural [cluster] [short=a,b]``."""
    found = []
    for line in entry.get("crds", []):
        api, kind, plural, *rest = line.split()
        group, _, version = api.rpartition("/")
        short = next((word.removeprefix("short=") for word in rest if word.startswith("short=")), "")
        found.append(shapes.definition(group, version, kind, plural, cluster="cluster" in rest, short=short))
    return found


def _groups(name: str, entry: Obj, namespace: str, registry: str) -> Iterator[tuple[str, list[Obj]]]:
    """(values path that switches it on, objects): one group a file of a chart."""
    if entry.get("makes_namespace"):
        yield "", [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    if entry.get("account", True) and entry.get("workloads"):
        account = entry.get("account_name", name)
        yield "", [shapes.account(account, namespace), *shapes.cluster_role(account, account, namespace)]
    for workload in map(_workload, entry.get("workloads", [])):
        where = workload.get("namespace", namespace)
        pod = {"serviceAccountName": entry.get("account_name", name), **workload.get("pod", {})}
        if not entry.get("account", True):
            pod.pop("serviceAccountName")
        made = shapes.workload(
            workload["kind"],
            workload["name"],
            where,
            [f"{registry}/{image}" for image in workload["images"]],
            labels=workload.get("labels"),
            replicas=workload.get("replicas", 1),
            ports=workload.get("ports", ()),
            pod=pod,
        )
        group = [made]
        labels = made["spec"]["selector"]["matchLabels"]
        for service, port in workload.get("services", {}).items():
            group.append(shapes.service(service, where, port, labels))
        yield workload.get("if", ""), group
    for given in entry.get("objects", []):
        obj = {key: value for key, value in given.items() if key != "if"}
        if obj["kind"] not in _NO_NAMESPACE and not given["metadata"].get("cluster"):
            obj["metadata"] = {"namespace": namespace, **obj["metadata"]}
        obj["metadata"] = {key: value for key, value in obj["metadata"].items() if key != "cluster"}
        yield given.get("if", ""), [_with_registry(obj, registry)]


def _workload(given: str | Obj) -> Obj:
    """``Kind name image`` in short, or a mapping with further keys."""
    if isinstance(given, str):
        kind, name, *listed = given.split()
        return {"kind": kind, "name": name, "images": listed}
    kind, name, *listed = given["is"].split()
    return {"kind": kind, "name": name, "images": listed, **given}


def _with_registry(value: Any, registry: str) -> Any:
    """REGISTRY in any text becomes the registry."""
    if isinstance(value, dict):
        return {key: _with_registry(item, registry) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_registry(item, registry) for item in value]
    return value.replace("REGISTRY", registry) if isinstance(value, str) else value
