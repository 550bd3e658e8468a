"""Pods as ``kubectl get pods -A`` shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from clusters.snapshot import Ended, Pod


def pods_table(pods: Iterable[Pod], now: datetime) -> list[dict[str, Any]]:
    """One row a pod, by namespace and name. `age_seconds` is as of `now`; None where unknown."""
    rows = []
    for pod in sorted(pods, key=lambda pod: (pod.namespace, pod.name)):
        ready, status, restarts = columns(pod)
        rows.append(
            {
                "namespace": pod.namespace,
                "name": pod.name,
                "ready": f"{ready}/{pod.wanted}",
                "status": status,
                "restarts": restarts,
                "age_seconds": max(0, int((now - pod.created).total_seconds())) if pod.created else None,
                "ip": pod.ip,
                "node": pod.node,
            }
        )
    return rows


def columns(pod: Pod) -> tuple[int, str, int]:
    """READY's left side, STATUS and RESTARTS by the rules of kubectl's printer (printPod of the API server)."""
    status = pod.reason or pod.phase
    scheduled = pod.conditions.get("PodScheduled")
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        status = "SchedulingGated"
    restarts = sum(c.restarts for c in pod.init)
    ready, init_status = _init(pod)
    initialised = pod.conditions.get("Initialized")
    if not init_status or (initialised is not None and initialised.status == "True"):
        restarts = sum(c.restarts for c in pod.init if c.sidecar) + sum(c.restarts for c in pod.containers)
        running = False
        # The first container that has something to say decides, so it is looked at last.
        for container in reversed(pod.containers):
            if container.waiting:
                status = container.waiting
            elif container.ended:
                status = _ending(container.ended)
            elif container.ready and container.running:
                running = True
                ready += 1
        if status == "Completed" and running:
            status = "Running" if pod.ready else "NotReady"
    else:
        status = init_status
    if pod.deleting and pod.reason == "NodeLost":
        status = "Unknown"
    elif pod.deleting and not pod.over:
        status = "Terminating"
    return ready, status, restarts


def _init(pod: Pod) -> tuple[int, str]:
    """Ready sidecars, and the status that init containers give; empty when all are done."""
    ready = 0
    for place, container in enumerate(pod.init):
        if container.ended and container.ended.exit_code == 0:
            continue
        if container.sidecar and container.started:
            ready += container.ready
            continue
        if container.ended:
            return ready, f"Init:{_ending(container.ended)}"
        if container.waiting and container.waiting != "PodInitializing":
            return ready, f"Init:{container.waiting}"
        return ready, f"Init:{place}/{pod.wanted_init}"
    return ready, ""


def _ending(ended: Ended) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"
