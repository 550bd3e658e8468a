"""Where a pod may run: selectors, affinity, taints, and extended resources such as ``nvidia.com/gpu``."""

from __future__ import annotations

from collections import Counter

from lab.toolchain.apiserver.selectors import expression_matches, object_selects
from lab.toolchain.common.objects import Obj, clone, condition_true, dig, labels, set_condition
from lab.toolchain.controllers.world import World


def reconcile(world: World) -> None:
    """Bind pods that have no node, the spread kept even; say why where no node fits."""
    pods = world.store.all("", "pods")
    waiting = [p for p in pods if not dig(p, "spec", "nodeName") and not p["metadata"].get("deletionTimestamp")]
    if not waiting:
        return
    nodes = world.store.all("", "nodes")
    placed = [p for p in pods if dig(p, "spec", "nodeName") and dig(p, "status", "phase") in ("Pending", "Running")]
    for pod in waiting:
        reasons: Counter[str] = Counter()
        candidates: list[tuple[tuple[int, int], str]] = []
        for node in nodes:
            why = _why_not(world, pod, node, placed)
            if why:
                reasons[why] += 1
                continue
            name = node["metadata"]["name"]
            here = [p for p in placed if p["spec"]["nodeName"] == name]
            kin = sum(1 for p in here if _owner(p) == _owner(pod))
            candidates.append(((kin, len(here)), name))
        if candidates:
            name = min(candidates)[1]
            _bind(world, pod, name)
            bound = clone(pod)
            bound["spec"]["nodeName"] = name
            placed.append(bound)
        else:
            _refuse(world, pod, len(nodes), reasons)


def _owner(pod: Obj) -> str:
    owners = pod["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("uid", pod["metadata"]["name"]))


def fits(spec: Obj, node: Obj, daemon: bool = False) -> bool:
    """Whether a pod of `spec` may run on the node by selector, affinity and taints."""
    return _selected(spec, node) and _tolerated(spec, node, daemon) is None


def _selected(spec: Obj, node: Obj) -> bool:
    have = {**labels(node), "metadata.name": node["metadata"]["name"]}
    if any(have.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    required = dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(
        all(expression_matches(term, have) for term in choice.get("matchExpressions") or [])
        and all(expression_matches(term, have) for term in choice.get("matchFields") or [])
        for choice in required.get("nodeSelectorTerms") or []
    )


def _tolerated(spec: Obj, node: Obj, daemon: bool) -> str | None:
    """None, or the taint that keeps the pod away."""
    for taint in dig(node, "spec", "taints", default=[]):
        if taint.get("effect") not in ("NoSchedule", "NoExecute"):
            continue
        if daemon and taint["key"].startswith("node.kubernetes.io/"):
            continue
        if not any(_tolerates(toleration, taint) for toleration in spec.get("tolerations") or []):
            return f"{{{taint['key']}: {taint.get('value', '')}}}"
    return None


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def _why_not(world: World, pod: Obj, node: Obj, placed: list[Obj]) -> str:
    spec = pod["spec"]
    if dig(node, "spec", "unschedulable"):
        return "node(s) were unschedulable"
    if not condition_true(node, "Ready"):
        return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
    if not _selected(spec, node):
        return "node(s) didn't match Pod's node affinity/selector"
    taint = _tolerated(spec, node, daemon=False)
    if taint:
        return f"node(s) had untolerated taint {taint}"
    here = [p for p in placed if p["spec"]["nodeName"] == node["metadata"]["name"]]
    terms = dig(spec, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution", default=[])
    for term in terms:
        selector = term.get("labelSelector")
        if any(
            object_selects(selector, labels(p)) and p["metadata"]["namespace"] == pod["metadata"]["namespace"]
            for p in here
        ):
            return "node(s) didn't match pod anti-affinity rules"
    for resource, wanted in _extended(spec).items():
        have = int(dig(node, "status", "allocatable", resource, default=0))
        if have - sum(_extended(p["spec"]).get(resource, 0) for p in here) < wanted:
            return f"Insufficient {resource}"
    if _unbound_claim(world, pod):
        return "pod has unbound immediate PersistentVolumeClaims"
    return ""


def _extended(spec: Obj) -> dict[str, int]:
    found: Counter[str] = Counter()
    for container in spec.get("containers", []):
        for name, value in (dig(container, "resources", "limits", default={})).items():
            if "/" in name and str(value).isdigit():
                found[name] += int(value)
    return dict(found)


def _unbound_claim(world: World, pod: Obj) -> bool:
    from lab.toolchain.apiserver.store import Key

    for volume in pod["spec"].get("volumes") or []:
        name = dig(volume, "persistentVolumeClaim", "claimName")
        if name:
            claim = world.store.find(Key("", "persistentvolumeclaims", pod["metadata"]["namespace"], name))
            if claim is None or dig(claim, "status", "phase") != "Bound":
                return True
    return False


def _bind(world: World, pod: Obj, node: str) -> None:
    def put(obj: Obj) -> None:
        obj["spec"]["nodeName"] = node
        set_condition(obj, "PodScheduled", "True")

    world.store.modify(world.key("", "pods", pod), put)
    where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    world.event(pod, "Normal", "Scheduled", f"Successfully assigned {where} to {node}", "default-scheduler")


def _refuse(world: World, pod: Obj, nodes: int, reasons: Counter[str]) -> None:
    detail = ", ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
    message = f"0/{nodes} nodes are available: {detail or 'no nodes'}."
    changed = [False]

    def put(obj: Obj) -> None:
        changed[0] = set_condition(obj, "PodScheduled", "False", "Unschedulable", message)

    world.store.modify(world.key("", "pods", pod), put)
    if changed[0]:
        world.event(pod, "Warning", "FailedScheduling", message, "default-scheduler")
    world.later(2)
