"""From what the Kubernetes API answers (JSON) to the parts of a `ClusterSnapshot`. Pure.

A missing field gives its default. A field of another type raises TypeError, ValueError or AttributeError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from clusters.snapshot import Condition, Container, Ended, Event, Node, Pod, Release, Workload

JSON = Any

_FACTORS = {
    **dict(zip(("n", "u", "m", "", *"kMGTPE"), (10.0**power for power in range(-9, 19, 3)), strict=True)),
    **{f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)},
}
_QUANTITY = re.compile(r"^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$")


def moment(text: str | None) -> datetime | None:
    """A time stamp of the API; None where there is none or it cannot be read."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def quantity(text: str | int | float | None) -> float:
    """A Kubernetes quantity (``3920m``, ``16Gi``, ``1e3``) in units; 0 where it cannot be read."""
    match = _QUANTITY.match(str(text or "0"))
    if match is None or match[2] not in _FACTORS:
        return 0.0
    try:
        return float(match[1]) * _FACTORS[match[2]]
    except ValueError:
        return 0.0


def conditions_from(items: Sequence[Mapping[str, JSON]] | None) -> dict[str, Condition]:
    return {
        item.get("type", ""): Condition(
            item.get("type", ""),
            item.get("status", ""),
            item.get("reason") or "",
            item.get("message") or "",
            moment(item.get("lastTransitionTime")),
        )
        for item in items or ()
    }


def node_from(data: Mapping[str, JSON]) -> Node:
    meta, spec, status = data.get("metadata") or {}, data.get("spec") or {}, data.get("status") or {}
    labels, capacity, info = meta.get("labels") or {}, status.get("capacity") or {}, status.get("nodeInfo") or {}
    conditions = conditions_from(status.get("conditions"))
    prefix = "node-role.kubernetes.io/"
    roles = {key.removeprefix(prefix) for key in labels if key.startswith(prefix)}
    roles |= {labels["kubernetes.io/role"]} if labels.get("kubernetes.io/role") else set()
    counted = int(quantity(capacity.get("nvidia.com/gpu")))
    labelled = str(labels.get("nvidia.com/gpu.count", ""))
    addresses = {item.get("type"): item.get("address", "") for item in status.get("addresses") or ()}
    return Node(
        name=meta.get("name", ""),
        ready=conditions["Ready"].status == "True" if "Ready" in conditions else False,
        reason=_node_reason(conditions),
        roles=tuple(sorted(filter(None, roles))),
        schedulable=not spec.get("unschedulable", False),
        kubelet_version=info.get("kubeletVersion", ""),
        os_image=info.get("osImage", ""),
        kernel=info.get("kernelVersion", ""),
        container_runtime=info.get("containerRuntimeVersion", ""),
        arch=info.get("architecture", ""),
        internal_ip=addresses.get("InternalIP", ""),
        machine_id=info.get("machineID", ""),
        cpu=quantity(capacity.get("cpu")),
        memory=int(quantity(capacity.get("memory"))),
        gpu_product=labels.get("nvidia.com/gpu.product", ""),
        gpus=int(labelled) if labelled.isdigit() else counted,
        gpus_allocatable=int(quantity((status.get("allocatable") or {}).get("nvidia.com/gpu"))),
        created=moment(meta.get("creationTimestamp")),
    )


def _node_reason(conditions: Mapping[str, Condition]) -> str:
    ready = conditions.get("Ready")
    if ready is None:
        return "the kubelet has not reported yet"
    if ready.status != "True":
        return f"{ready.reason}: {ready.message}".strip(": ") or "not ready"
    return ", ".join(
        f"{name}: {condition.message or condition.reason}"
        for name, condition in conditions.items()
        if name.endswith(("Pressure", "Unavailable")) and condition.status == "True"
    )


def pod_from(data: Mapping[str, JSON]) -> Pod:
    meta, spec, status = data.get("metadata") or {}, data.get("spec") or {}, data.get("status") or {}
    inits = spec.get("initContainers") or []
    sidecars = {c.get("name") for c in inits if c.get("restartPolicy") == "Always"}
    owners = [o for o in meta.get("ownerReferences") or () if o.get("controller")]
    return Pod(
        namespace=meta.get("namespace", ""),
        name=meta.get("name", ""),
        phase=status.get("phase", "Pending"),
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        node=spec.get("nodeName") or "",
        ip=status.get("podIP") or "",
        created=moment(meta.get("creationTimestamp")),
        deleting=bool(meta.get("deletionTimestamp")),
        labels=meta.get("labels") or {},
        owner=f"{owners[0].get('kind', '')}/{owners[0].get('name', '')}" if owners else "",
        wanted=len(spec.get("containers") or ()) + len(sidecars),
        wanted_init=len(inits),
        containers=tuple(_container(item) for item in status.get("containerStatuses") or ()),
        init=tuple(_container(item, sidecars) for item in status.get("initContainerStatuses") or ()),
        conditions=conditions_from(status.get("conditions")),
    )


def _container(data: Mapping[str, JSON], sidecars: set[str] | None = None) -> Container:
    state = data.get("state") or {}
    waiting, running = state.get("waiting") or {}, state.get("running")
    return Container(
        name=data.get("name", ""),
        ready=bool(data.get("ready")),
        started=bool(data.get("started")),
        restarts=int(data.get("restartCount") or 0),
        running=running is not None,
        running_since=moment((running or {}).get("startedAt")),
        waiting=waiting.get("reason") or "",
        message=waiting.get("message") or "",
        ended=_ended(state.get("terminated")),
        last=_ended((data.get("lastState") or {}).get("terminated")),
        sidecar=data.get("name") in (sidecars or ()),
    )


def _ended(data: Mapping[str, JSON] | None) -> Ended | None:
    if data is None:
        return None
    return Ended(
        data.get("reason") or "",
        data.get("message") or "",
        int(data.get("exitCode") or 0),
        int(data.get("signal") or 0),
        moment(data.get("finishedAt")),
    )


def workload_from(kind: str, data: Mapping[str, JSON]) -> Workload:
    """`kind` is deployment, statefulset or daemonset."""
    meta, spec, status = data.get("metadata") or {}, data.get("spec") or {}, data.get("status") or {}
    notes = meta.get("annotations") or {}
    if kind == "daemonset":
        desired, ready = status.get("desiredNumberScheduled"), status.get("numberReady")
        updated = status.get("updatedNumberScheduled")
    else:
        desired, ready, updated = (
            spec.get("replicas", 1),
            status.get("readyReplicas"),
            status.get("updatedReplicas"),
        )
    release = notes.get("meta.helm.sh/release-name", "")
    strategy = (spec.get("updateStrategy") or {}).get("type", "")
    return Workload(
        kind=kind,
        namespace=meta.get("namespace", ""),
        name=meta.get("name", ""),
        desired=int(desired or 0),
        ready=int(ready or 0),
        # With OnDelete nothing rolls until somebody deletes pods, so nothing is waited for.
        updated=int(desired or 0) if strategy == "OnDelete" else int(updated or 0),
        observed=int(status.get("observedGeneration") or 0) >= int(meta.get("generation") or 0),
        created=moment(meta.get("creationTimestamp")),
        selector=spec.get("selector") or {},
        labels=meta.get("labels") or {},
        release=f"{notes.get('meta.helm.sh/release-namespace', '')}/{release}" if release else "",
        conditions=conditions_from(status.get("conditions")),
    )


def event_from(data: Mapping[str, JSON]) -> Event:
    about = data.get("involvedObject") or {}
    series = data.get("series") or {}
    times = (series.get("lastObservedTime"), data.get("lastTimestamp"), data.get("eventTime"))
    first = (data.get("metadata") or {}).get("creationTimestamp")
    return Event(
        namespace=about.get("namespace") or "",
        kind=about.get("kind") or "",
        name=about.get("name") or "",
        reason=data.get("reason") or "",
        message=data.get("message") or "",
        at=next((at for at in map(moment, (*times, first)) if at), None),
        count=int(series.get("count") or data.get("count") or 1),
    )


def crd_from(data: Mapping[str, JSON]) -> tuple[str, bool]:
    """The name, and whether it is established."""
    conditions = conditions_from((data.get("status") or {}).get("conditions"))
    established = conditions.get("Established")
    return (data.get("metadata") or {}).get("name", ""), established is not None and established.status == "True"


def endpoints_from(data: Mapping[str, JSON]) -> tuple[str, int]:
    """``namespace/service`` and its ready addresses."""
    meta = data.get("metadata") or {}
    ready = sum(len(subset.get("addresses") or ()) for subset in data.get("subsets") or ())
    return f"{meta.get('namespace', '')}/{meta.get('name', '')}", ready


def releases_from(secrets: Sequence[Mapping[str, JSON]]) -> tuple[Release, ...]:
    """The latest revision of each Helm release, from the labels of Helm's secrets."""
    latest: dict[tuple[str, str], Release] = {}
    for secret in secrets:
        meta = secret.get("metadata") or {}
        labels = meta.get("labels") or {}
        revision, changed = str(labels.get("version", "0")), str(labels.get("modifiedAt", ""))
        release = Release(
            namespace=meta.get("namespace", ""),
            name=labels.get("name", ""),
            revision=int(revision) if revision.isdigit() else 0,
            status=labels.get("status", ""),
            changed=datetime.fromtimestamp(int(changed), UTC)
            if changed.isdigit()
            else moment(meta.get("creationTimestamp")),
        )
        key = (release.namespace, release.name)
        if key not in latest or latest[key].revision < release.revision:
            latest[key] = release
    return tuple(latest.values())
