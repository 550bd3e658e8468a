"""Objects as the Kubernetes API gives them, for tests of what is concluded from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from clusters import readings
from clusters.snapshot import ClusterSnapshot

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
JSON = dict[str, Any]


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def container(
    name: str = "main",
    *,
    ready: bool = False,
    restarts: int = 0,
    waiting: str = "",
    message: str = "",
    running: float | None = None,
    ended: JSON | None = None,
    last: JSON | None = None,
) -> JSON:
    """`running`: seconds since it started."""
    state: JSON = {}
    if waiting:
        state = {"waiting": {"reason": waiting, "message": message}}
    elif ended is not None:
        state = {"terminated": ended}
    elif running is not None or ready:
        state = {"running": {"startedAt": ago(3600 if running is None else running)}}
    return {
        "name": name,
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": {"terminated": last} if last is not None else {},
    }


def pod(
    name: str,
    *containers: JSON,
    namespace: str = "cpod-system",
    app: str = "agent",
    phase: str = "Running",
    node: str = "worker1",
    age: float = 3600,
    ready: bool | None = None,
    conditions: list[JSON] | None = None,
    **status: Any,
) -> JSON:
    states = list(containers) or [container(ready=True)]
    is_ready = all(c["ready"] for c in states) if ready is None else ready
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app": app},
            "creationTimestamp": ago(age),
        },
        "spec": {"nodeName": node, "containers": [{"name": c["name"]} for c in states]},
        "status": {
            "phase": phase,
            "podIP": "10.233.64.9",
            "containerStatuses": states,
            "conditions": conditions or [{"type": "Ready", "status": str(is_ready), "lastTransitionTime": ago(age)}],
            **status,
        },
    }


def workload(
    kind: str,
    name: str,
    *,
    namespace: str = "cpod-system",
    app: str = "agent",
    desired: int = 1,
    ready: int = 1,
    updated: int | None = None,
    age: float = 3600,
    release: str = "",
    labels: dict[str, str] | None = None,
    observed: int = 1,
    conditions: list[JSON] | None = None,
) -> JSON:
    """`release` is namespace/name."""
    notes = {}
    if release:
        where, _, what = release.partition("/")
        notes = {"meta.helm.sh/release-namespace": where, "meta.helm.sh/release-name": what}
    new = desired if updated is None else updated
    status: JSON = {"observedGeneration": observed, "conditions": conditions or []}
    if kind == "daemonset":
        status |= {"desiredNumberScheduled": desired, "numberReady": ready, "updatedNumberScheduled": new}
    else:
        status |= {"readyReplicas": ready, "updatedReplicas": new}
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": 1,
            "creationTimestamp": ago(age),
            "annotations": notes,
            "labels": labels or {},
        },
        "spec": {"replicas": desired, "selector": {"matchLabels": {"app": app}}},
        "status": status,
    }


def node(name: str, *, ready: bool = True, message: str = "", labels: JSON | None = None, **more: Any) -> JSON:
    conditions = [{"type": "Ready", "status": str(ready), "reason": "Kubelet", "message": message}]
    return {
        "metadata": {"name": name, "labels": labels or {}, "creationTimestamp": ago(7200)},
        "spec": {},
        "status": {"conditions": conditions, **more},
    }


def warning(kind: str, name: str, reason: str, message: str, *, namespace: str = "cpod-system") -> JSON:
    return {
        "metadata": {"name": f"{name}.1", "namespace": namespace, "creationTimestamp": ago(30)},
        "involvedObject": {"kind": kind, "name": name, "namespace": namespace},
        "reason": reason,
        "message": message,
        "type": "Warning",
        "lastTimestamp": ago(20),
    }


def snapshot(
    *,
    pods: list[JSON] | None = None,
    nodes: list[JSON] | None = None,
    events: list[JSON] | None = None,
    releases: list[JSON] | None = None,
    deployment: list[JSON] | None = None,
    statefulset: list[JSON] | None = None,
    daemonset: list[JSON] | None = None,
    **more: Any,
) -> ClusterSnapshot:
    kinds = {"deployment": deployment, "statefulset": statefulset, "daemonset": daemonset}
    return ClusterSnapshot(
        taken_at=NOW,
        nodes=tuple(map(readings.node_from, nodes or ())),
        pods=tuple(map(readings.pod_from, pods or ())),
        workloads=tuple(readings.workload_from(k, item) for k, items in kinds.items() for item in items or ()),
        events=tuple(map(readings.event_from, events or ())),
        releases=readings.releases_from(releases or ()),
        **more,
    )


def release(name: str, status: str, *, namespace: str = "", revision: int = 1, age: float = 3600) -> JSON:
    changed = str(int((NOW - timedelta(seconds=age)).timestamp()))
    labels = {"owner": "helm", "name": name, "status": status, "version": str(revision), "modifiedAt": changed}
    return {
        "metadata": {"name": f"sh.helm.release.v1.{name}.v{revision}", "namespace": namespace or name, "labels": labels}
    }
