"""Kubernetes objects from few words: workloads, services, definitions. The values may be Helm template text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.toolchain.common.objects import Obj

EVERYWHERE = ({"operator": "Exists"},)


def metadata(name: str, namespace: str = "", labels: Mapping[str, str] | None = None) -> Obj:
    found: Obj = {"name": name}
    if namespace:
        found["namespace"] = namespace
    if labels:
        found["labels"] = dict(labels)
    return found


def workload(
    kind: str,
    name: str,
    namespace: str,
    images: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    replicas: Any = 1,
    ports: Sequence[int] = (),
    pod: Mapping[str, Any] | None = None,
) -> Obj:
    """A Deployment, DaemonSet or StatefulSet with one container an image.

    `labels` select the pods (default: ``app.kubernetes.io/name``); `pod` is merged into the pod's spec.
    """
    selected = dict(labels or {"app.kubernetes.io/name": name})
    containers: list[Obj] = [
        {"name": name if index == 0 else container_name(image), "image": image} for index, image in enumerate(images)
    ]
    if ports:
        containers[0]["ports"] = [{"containerPort": port, "protocol": "TCP"} for port in ports]
    spec: Obj = {
        "selector": {"matchLabels": selected},
        "template": {"metadata": {"labels": dict(selected)}, "spec": {"containers": containers, **(pod or {})}},
    }
    if kind != "DaemonSet":
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata(name, namespace, selected), "spec": spec}


def container_name(image: str) -> str:
    """``registry/project/kube-rbac-proxy:v1`` -> ``kube-rbac-proxy``."""
    return image.rsplit("/", 1)[-1].split(":")[0]


def service(name: str, namespace: str, port: int, labels: Mapping[str, str], target: int = 0) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, namespace, labels),
        "spec": {"selector": dict(labels), "ports": [{"name": "main", "port": port, "targetPort": target or port}]},
    }


def definition(group: str, version: str, kind: str, plural: str, *, cluster: bool = False, short: str = "") -> Obj:
    """A CustomResourceDefinition that takes any content."""
    names: Obj = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    if short:
        names["shortNames"] = short.split(",")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Cluster" if cluster else "Namespaced",
            "versions": [
                {"name": version, "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
            ],
        },
    }


def account(name: str, namespace: str) -> Obj:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name, namespace)}


def cluster_role(name: str, account_name: str, namespace: str, rules: Sequence[Mapping[str, Any]] = ()) -> list[Obj]:
    """A ClusterRole and its binding to a service account."""
    api = "rbac.authorization.k8s.io"
    allowed = list(rules) or [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    return [
        {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": metadata(name), "rules": allowed},
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata(name),
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account_name, "namespace": namespace}],
        },
    ]
