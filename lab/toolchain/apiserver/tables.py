"""What ``kubectl get`` prints: meta.k8s.io/v1 Tables with the columns of pkg/printers/internalversion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.toolchain.apiserver import jsonpath
from lab.toolchain.apiserver.kinds import Kind
from lab.toolchain.common.objects import Obj, dig, human_age, labels

Cells = Callable[[Obj], list[Any]]


def _age(obj: Obj) -> str:
    return human_age(obj["metadata"].get("creationTimestamp"))


def _images(containers: list[Obj]) -> tuple[str, str]:
    return ",".join(c["name"] for c in containers), ",".join(c.get("image", "") for c in containers)


def _selector(selector: Obj | None) -> str:
    pairs = (selector or {}).get("matchLabels", selector) or {}
    return ",".join(f"{k}={v}" for k, v in sorted(pairs.items())) or "<none>"


def pod_status(pod: Obj) -> str:
    """The STATUS column: deletion, then a container's waiting or termination reason, then the phase."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status", {})
    text: str = status.get("reason") or status.get("phase", "Pending")
    for state in (c.get("state", {}) for c in status.get("initContainerStatuses", [])):
        if dig(state, "waiting", "reason") and state["waiting"]["reason"] != "PodInitializing":
            return f"Init:{state['waiting']['reason']}"
    for container in status.get("containerStatuses", []):
        state = container.get("state", {})
        text = dig(state, "waiting", "reason") or dig(state, "terminated", "reason") or text
    return text


def _pod(pod: Obj) -> list[Any]:
    statuses = dig(pod, "status", "containerStatuses", default=[])
    ready = sum(1 for c in statuses if c.get("ready"))
    restarts = sum(c.get("restartCount", 0) for c in statuses)
    ended = [dig(c, "lastState", "terminated", "finishedAt") for c in statuses]
    last = max((e for e in ended if e), default=None)
    shown = f"{restarts} ({human_age(last)} ago)" if restarts and last else str(restarts)
    gates = dig(pod, "spec", "readinessGates")
    return [
        f"{ready}/{len(pod['spec'].get('containers', []))}",
        pod_status(pod),
        shown,
        _age(pod),
        dig(pod, "status", "podIP", default="<none>"),
        dig(pod, "spec", "nodeName", default="<none>"),
        dig(pod, "status", "nominatedNodeName", default="<none>"),
        f"0/{len(gates)}" if gates else "<none>",
    ]


def _node(node: Obj) -> list[Any]:
    status = node.get("status", {})
    ready = next((c["status"] for c in status.get("conditions", []) if c["type"] == "Ready"), "Unknown")
    text = {"True": "Ready"}.get(ready, "NotReady") + (
        ",SchedulingDisabled" if dig(node, "spec", "unschedulable") else ""
    )
    prefix = "node-role.kubernetes.io/"
    roles = sorted(key.removeprefix(prefix) for key in labels(node) if key.startswith(prefix))
    addresses = {a["type"]: a["address"] for a in status.get("addresses", [])}
    info = status.get("nodeInfo", {})
    return [
        text,
        ",".join(roles) or "<none>",
        _age(node),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", "<none>"),
        addresses.get("ExternalIP", "<none>"),
        info.get("osImage", "<unknown>"),
        info.get("kernelVersion", "<unknown>"),
        info.get("containerRuntimeVersion", "<unknown>"),
    ]


def _deployment(obj: Obj) -> list[Any]:
    status, containers = obj.get("status", {}), dig(obj, "spec", "template", "spec", "containers", default=[])
    return [
        f"{status.get('readyReplicas', 0)}/{dig(obj, 'spec', 'replicas', default=1)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _age(obj),
        *_images(containers),
        _selector(dig(obj, "spec", "selector")),
    ]


def _replicaset(obj: Obj) -> list[Any]:
    status, containers = obj.get("status", {}), dig(obj, "spec", "template", "spec", "containers", default=[])
    return [
        dig(obj, "spec", "replicas", default=1),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        _age(obj),
        *_images(containers),
        _selector(dig(obj, "spec", "selector")),
    ]


def _statefulset(obj: Obj) -> list[Any]:
    containers = dig(obj, "spec", "template", "spec", "containers", default=[])
    ready = f"{dig(obj, 'status', 'readyReplicas', default=0)}/{dig(obj, 'spec', 'replicas', default=1)}"
    return [ready, _age(obj), *_images(containers)]


def _daemonset(obj: Obj) -> list[Any]:
    status, pod = obj.get("status", {}), dig(obj, "spec", "template", "spec", default={})
    return [
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        _selector(pod.get("nodeSelector")),
        _age(obj),
        *_images(pod.get("containers", [])),
        _selector(dig(obj, "spec", "selector")),
    ]


def _job(obj: Obj) -> list[Any]:
    status = obj.get("status", {})
    containers = dig(obj, "spec", "template", "spec", "containers", default=[])
    took = "" if not status.get("startTime") else human_age(status["startTime"])
    return [
        f"{status.get('succeeded', 0)}/{dig(obj, 'spec', 'completions', default=1)}",
        took,
        _age(obj),
        *_images(containers),
        _selector(dig(obj, "spec", "selector")),
    ]


def _service(obj: Obj) -> list[Any]:
    spec = obj.get("spec", {})
    ports = ",".join(
        f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p.get('protocol', 'TCP')}"
        for p in spec.get("ports", [])
    )
    return [
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP", "<none>"),
        "<pending>" if spec.get("type") == "LoadBalancer" else "<none>",
        ports or "<none>",
        _age(obj),
        _selector(spec.get("selector")),
    ]


def _event(obj: Obj) -> list[Any]:
    about = obj.get("involvedObject", {})
    return [
        human_age(obj.get("lastTimestamp") or obj["metadata"].get("creationTimestamp")),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{about.get('kind', '').lower()}/{about.get('name', '')}",
        obj.get("message", ""),
    ]


def _pvc(obj: Obj) -> list[Any]:
    return [
        dig(obj, "status", "phase", default="Pending"),
        dig(obj, "spec", "volumeName", default=""),
        dig(obj, "status", "capacity", "storage", default=""),
        ",".join(
            {"ReadWriteOnce": "RWO", "ReadWriteMany": "RWX"}.get(m, m) for m in obj["spec"].get("accessModes", [])
        ),
        obj["spec"].get("storageClassName", ""),
        _age(obj),
    ]


def _storageclass(obj: Obj) -> list[Any]:
    return [
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"),
        str(bool(obj.get("allowVolumeExpansion"))).lower(),
        _age(obj),
    ]


# plural -> columns after NAME ("*" before a name: only with -o wide) and the function that fills them
_COLUMNS: dict[tuple[str, str], tuple[str, Cells]] = {
    ("", "pods"): ("Ready Status Restarts Age *IP *Node *Nominated_Node *Readiness_Gates", _pod),
    ("", "nodes"): (
        "Status Roles Age Version *Internal-IP *External-IP *OS-Image *Kernel-Version *Container-Runtime",
        _node,
    ),
    ("apps", "deployments"): ("Ready Up-to-date Available Age *Containers *Images *Selector", _deployment),
    ("apps", "replicasets"): ("Desired Current Ready Age *Containers *Images *Selector", _replicaset),
    ("apps", "statefulsets"): ("Ready Age *Containers *Images", _statefulset),
    ("apps", "daemonsets"): (
        "Desired Current Ready Up-to-date Available Node_Selector Age *Containers *Images *Selector",
        _daemonset,
    ),
    ("batch", "jobs"): ("Completions Duration Age *Containers *Images *Selector", _job),
    ("", "services"): ("Type Cluster-IP External-IP Port(s) Age *Selector", _service),
    ("", "configmaps"): ("Data Age", lambda o: [len(o.get("data") or {}), _age(o)]),
    ("", "secrets"): (
        "Type Data Age",
        lambda o: [o.get("type", "Opaque"), len(o.get("data") or {}), _age(o)],
    ),
    ("", "namespaces"): ("Status Age", lambda o: [dig(o, "status", "phase", default="Active"), _age(o)]),
    ("", "serviceaccounts"): ("Secrets Age", lambda o: [len(o.get("secrets") or []), _age(o)]),
    ("", "events"): ("Last_Seen Type Reason Object Message", _event),
    ("", "persistentvolumeclaims"): ("Status Volume Capacity Access_Modes StorageClass Age", _pvc),
    ("storage.k8s.io", "storageclasses"): (
        "Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age",
        _storageclass,
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions"): (
        "Created_At",
        lambda o: [o["metadata"]["creationTimestamp"]],
    ),
}


def table(kind: Kind, items: list[Obj], list_metadata: Obj, include: str) -> Obj:
    """A Table of `items`; `include` is the request's ``includeObject`` (None, Metadata, Object)."""
    definitions: list[Obj] = [{"name": "Name", "type": "string", "format": "name", "priority": 0}]
    cells: Cells
    if kind.custom:
        columns = kind.columns
        definitions += [{"name": c.name, "type": c.type, "format": "", "priority": c.priority} for c in columns]
        if not any(c.name == "Age" for c in columns):
            definitions.append({"name": "Age", "type": "string", "format": "", "priority": 0})

        def custom(obj: Obj) -> list[Any]:
            row = [_custom_cell(obj, c.type, c.path) for c in columns]
            return row if any(c.name == "Age" for c in columns) else [*row, _age(obj)]

        cells = custom
    else:
        names, cells = _COLUMNS.get((kind.group, kind.plural), ("Age", lambda o: [_age(o)]))
        definitions += [
            {
                "name": name.lstrip("*").replace("_", " "),
                "type": "string",
                "format": "",
                "priority": int(name.startswith("*")),
            }
            for name in names.split()
        ]
    if kind.plural == "events" and not kind.custom:
        definitions = definitions[1:]
    rows = []
    for obj in items:
        line = cells(obj) if kind.plural == "events" and not kind.custom else [obj["metadata"]["name"], *cells(obj)]
        row: Obj = {"cells": line}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _custom_cell(obj: Obj, type_: str, path: str) -> Any:
    found = jsonpath.find(obj, path)
    if not found:
        return None
    if type_ == "date":
        return human_age(str(found[0]))
    return ",".join(str(value) for value in found) if len(found) > 1 else found[0]
