"""Charts with templates, values files and manifests, made of the components' objects."""

from __future__ import annotations

import re
from typing import Any

import yaml

from lab import packing
from lab.packing import File, Tree
from lab.toolchain.catalogue import objects
from lab.toolchain.common.objects import Obj

REGISTRY = "dockerhub.kubekey.local/kubesphereio"
_NAMESPACE = "{{ .Release.Namespace }}"
# A value that YAML must not take for a text: written as RAW<template>RAW, the quotes go with it.
_RAW = re.compile(r"'?RAW(.*?)RAW'?")


def dump(value: Any) -> str:
    text = yaml.safe_dump(value, sort_keys=False, width=10_000)
    return _RAW.sub(r"\1", text)


def manifest(name: str, entry: Obj) -> File:
    """All objects of a component in one file, as ``kubectl apply -f`` takes it."""
    namespace = entry.get("namespace", name)
    made = objects.definitions(entry)
    made += [obj for group in objects.groups(name, entry, namespace, REGISTRY) for obj in group.objects]
    return File.text("---\n".join(dump(obj) for obj in made))


def values(entry: Obj) -> File:
    """deploy/values/<component>.yaml: what the platform sets."""
    own = objects.with_registry(entry.get("override", {}), REGISTRY)
    return File.text(dump({"global": {"imageRegistry": REGISTRY}, **own}))


def archive(name: str, entry: Obj) -> File:
    """The packed chart."""
    return File(packing.tar_gz({f"{name}/{path}": file for path, file in _chart(name, entry).items()}))


def _chart(name: str, entry: Obj) -> Tree:
    version, app = str(entry["chart"]), str(entry.get("app", entry["chart"]))
    meta = {
        "apiVersion": "v2",
        "name": name,
        "version": version,
        "appVersion": app,
        "description": f"{name}, SIMULATED for the lab",
        "type": "application",
    }
    own = {"global": {"imageRegistry": "docker.io/library"}, **entry.get("values", {})}
    tree: Tree = {
        "Chart.yaml": File.text(dump(meta)),
        "values.yaml": File.text(dump(own)),
        "templates/NOTES.txt": File.text(f"SIMULATED {name} {{{{ .Chart.Version }}}} is in {_NAMESPACE}.\n"),
    }
    for definition in objects.definitions(entry):
        tree[f"crds/{definition['metadata']['name']}.yaml"] = File.text(dump(definition))
    labels = {
        "helm.sh/chart": "{{ .Chart.Name }}-{{ .Chart.Version }}",
        "app.kubernetes.io/instance": "{{ .Release.Name }}",
        "app.kubernetes.io/version": "{{ .Chart.AppVersion }}",
    }
    registry = "{{ .Values.global.imageRegistry }}"
    for group in objects.groups(name, entry, entry.get("namespace", _NAMESPACE), registry):
        for obj in group.objects:
            obj["metadata"]["labels"] = {**obj["metadata"].get("labels", {}), **labels}
        body = "---\n".join(dump(obj) for obj in group.objects)
        if group.condition:
            body = f"{{{{- if .Values.{group.condition} }}}}\n{body}{{{{- end }}}}\n"
        first = group.objects[0]
        tree[f"templates/{first['kind'].lower()}-{first['metadata']['name']}.yaml"] = File.text(body)
    return tree
