"""From a snapshot of a cluster to the states of its components, its nodes and itself. Pure.

Against flapping:

- A container that crashed repeatedly counts as crashing until it has run for `problems.STABLE` seconds.
- What starts or is rolled out is ``progressing``, which alone makes a cluster neither degraded nor ready again.
- A reading that fails makes components ``unknown`` at once, but is announced (by events, and by the cluster's
  state) only when the next one fails too; changes are told from what was announced last, so one missed reading
  leaves no trace. `tasks.health` keeps what was announced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from clusters import objects
from clusters.catalog import Catalog, Entry, WorkloadRule
from clusters.objects import Piece
from clusters.problems import STARTING, Scene, Verdict, bare_pod_verdict, told, workload_verdict
from clusters.snapshot import ClusterSnapshot, Node, Pod, Release, Workload

JSON = Any
ORDER = ("healthy", "progressing", "degraded", "unhealthy")
FAULTS = ("degraded", "unhealthy", "absent", "unknown")


@dataclass(frozen=True)
class ComponentHealth:
    """A component's state, of the words of `HealthState`. `details` (JSON) lists parts and workloads."""

    name: str
    state: str
    desired: int = 0
    ready: int = 0
    reason: str = ""
    version: str = ""
    details: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeHealth:
    """A host as a Kubernetes node: healthy, degraded (under pressure), unhealthy (not ready) or absent."""

    name: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Change:
    """`old` is empty for what was not known before."""

    name: str
    old: str
    new: str
    reason: str = ""


def judge(snapshot: ClusterSnapshot, catalog: Catalog, chosen: Collection[str]) -> dict[str, ComponentHealth]:
    """The health of every component of the catalogue, by name. `chosen` are those that were installed."""
    scene = Scene(snapshot)
    return {entry.name: _Judgement(entry, scene, entry.name in chosen).result() for entry in catalog.entries}


def judge_nodes(snapshot: ClusterSnapshot, expected: Collection[str]) -> dict[str, NodeHealth]:
    """The health of the cluster's nodes and of the hosts that are `expected` to be nodes, by name."""
    found = {node.name: _node(node) for node in snapshot.nodes}
    for name in expected:
        found.setdefault(name, NodeHealth(name, "absent", f"host {name} is no node of the cluster"))
    return found


def unread(catalog: Catalog, chosen: Collection[str], known: Collection[str], error: str) -> dict[str, ComponentHealth]:
    """What can be said without a reading: nothing of the components that are `known` or ought to be there."""
    names = [
        e.name for e in catalog.entries if e.name in chosen or e.name in known or (e.default and not e.installable)
    ]
    return {name: ComponentHealth(name, "unknown", reason=error) for name in names}


def diff(old: Mapping[str, str], new: Mapping[str, ComponentHealth] | Mapping[str, NodeHealth]) -> tuple[Change, ...]:
    """What changed since the states announced in `old`. The absence of what was never there is no news."""
    changes = []
    for name, health in new.items():
        before = old.get(name, "")
        if health.state != before and (before or health.state != "absent"):
            changes.append(Change(name, before, health.state, health.reason))
    return tuple(changes)


def cluster_state(
    previous: str,
    catalog: Catalog,
    chosen: Collection[str],
    components: Mapping[str, ComponentHealth],
    nodes: Mapping[str, NodeHealth],
    own: Collection[ComponentHealth] = (),
) -> tuple[str, str]:
    """``ready`` or ``degraded``, and why. What is merely progressing leaves a `previous` state as it was.

    `own` is the health of what is no component of the catalogue; what is unknown of it says nothing of the cluster.
    """
    faults = [f"node {node.name}: {node.reason or node.state}" for node in nodes.values() if node.state != "healthy"]
    waiting = []
    faults += [f"{one.name} is {one.state}: {one.reason}" for one in own if one.state in ("degraded", "unhealthy")]
    for entry in catalog.entries:
        health = components.get(entry.name)
        if health is None:
            continue
        counts = entry.name in chosen or not entry.installable
        required = entry.name in chosen or (entry.default and not entry.installable)
        if not counts or (health.state == "absent" and not required):
            continue
        text = f"{entry.name} is {health.state}{f': {health.reason}' if health.reason else ''}"
        if health.state in FAULTS:
            faults.append(text)
        elif health.state == "progressing":
            waiting.append(text)
    if faults:
        return "degraded", told(faults)
    if waiting and previous == "degraded":
        return "degraded", f"recovering: {told(waiting)}"
    return "ready", ""


def _node(node: Node) -> NodeHealth:
    if not node.ready:
        return NodeHealth(node.name, "unhealthy", node.reason or "not ready")
    return NodeHealth(node.name, "degraded" if node.reason else "healthy", node.reason)


class _Judgement:
    """One component looked at in one scene."""

    def __init__(self, entry: Entry, scene: Scene, chosen: bool) -> None:
        self.entry, self.scene, self.chosen = entry, scene, chosen
        self.seen: dict[tuple[str, str, str], tuple[Workload | Pod, Verdict]] = {}
        self.missing: list[str] = []
        self.release = self._release()

    def result(self) -> ComponentHealth:
        entry = self.entry
        for rule in entry.health.workloads:
            self._look(rule)
        parts = [self._part(name, rules) for name, rules in entry.health.parts.items()]
        self._look_for_the_rest()
        pieces, objects_there = self._objects()
        if not self.seen and not objects_there and self.release is None:
            unsure = [text for text in map(self._unread, self._needed_resources()) if text]
            state, reason = ("unknown", unsure[0]) if unsure else ("absent", "not installed" if self.chosen else "")
            return ComponentHealth(entry.name, state, reason=reason)
        verdicts = [verdict for _, verdict in self.seen.values()]
        pieces = [*(Piece(v.state, v.reason) for v in verdicts), *self._lacking(), *pieces]
        desired, ready = sum(v.desired for v in verdicts), sum(v.ready for v in verdicts)
        if not verdicts:
            desired, ready = len(pieces), sum(piece.state == "healthy" for piece in pieces)
        state = max((piece.state for piece in pieces), key=ORDER.index, default="healthy")
        # A workload that is down leaves the component degraded as long as another one serves.
        if state == "unhealthy" and ready and all(p.state != "unhealthy" for p in pieces[len(verdicts) :]):
            state = "degraded"
        elif state == "degraded" and desired and not ready:
            state = "unhealthy"
        worst = sorted((p for p in pieces if p.text), key=lambda p: -ORDER.index(p.state))
        texts = [p.text for p in worst if (p.state in FAULTS) == (state in FAULTS)] if state != "healthy" else []
        return ComponentHealth(
            entry.name, state, desired, ready, told(texts), self._version(), self._details(parts, texts)
        )

    # What is there

    def _release(self) -> Release | None:
        for release in self.scene.snapshot.releases:
            mine = release.namespace == self.entry.namespace and release.name == self.entry.name
            if self.entry.kind == "helm" and mine and release.status != "uninstalled":
                return release
        return None

    def _look(self, rule: WorkloadRule) -> list[Verdict]:
        found = [
            self._see(item)
            for kind in rule.kinds
            for item in self._candidates(kind)
            if fnmatchcase(item.name, rule.name)
        ]
        if not found and not rule.optional:
            self.missing.append(str(rule))
        return found

    def _candidates(self, kind: str) -> list[Workload] | list[Pod]:
        spaces, snapshot = self.entry.namespaces, self.scene.snapshot
        if kind == "pod":
            return [p for space in spaces for p in self.scene.pods(space) if not p.over]
        return [w for w in snapshot.workloads if w.kind == kind and w.namespace in spaces]

    def _see(self, item: Workload | Pod) -> Verdict:
        kind = item.kind if isinstance(item, Workload) else "pod"
        key = (kind, item.namespace, item.name)
        if key not in self.seen:
            if isinstance(item, Workload):
                verdict = workload_verdict(item, self.scene)
            else:
                verdict = bare_pod_verdict(item, self.scene)
            self.seen[key] = (item, verdict)
        return self.seen[key][1]

    def _part(self, name: str, rules: tuple[WorkloadRule, ...]) -> dict[str, JSON]:
        verdicts = [verdict for rule in rules for verdict in self._look(rule)]
        state = max((v.state for v in verdicts), key=ORDER.index, default="absent")
        return {
            "name": name,
            "state": state,
            "desired": sum(v.desired for v in verdicts),
            "ready": sum(v.ready for v in verdicts),
            "reason": told(v.reason for v in verdicts if v.reason),
        }

    def _look_for_the_rest(self) -> None:
        """Workloads that no rule names but that came with the component's Helm release."""
        if self.entry.kind == "helm":
            mine = f"{self.entry.namespace}/{self.entry.name}"
            for workload in self.scene.snapshot.workloads:
                if workload.release == mine:
                    self._see(workload)

    def _objects(self) -> tuple[list[Piece], bool]:
        pieces: list[Piece] = []
        there = False
        for rule in self.entry.health.objects:
            if self._unread(rule.key):
                continue
            listed = self.scene.snapshot.objects.get(rule.key, ())
            found = objects.matching(rule, listed, self.entry.namespaces)
            # Beside workloads, such an object does not show that the component is there: it may outlive it.
            there = there or (bool(found) and not self._has_workloads)
            pieces += [objects.judge(rule, item, self.scene.now) for item in found]
            if not found and not rule.optional:
                pieces.append(self._lack(f"{rule.resource} {rule.name}".removesuffix(" *")))
        return pieces, there

    @property
    def _has_workloads(self) -> bool:
        return bool(self.entry.health.workloads or self.entry.health.parts)

    def _needed_resources(self) -> list[str]:
        return [] if self._has_workloads else [rule.key for rule in self.entry.health.objects]

    def _unread(self, resource: str) -> str:
        why = self.scene.snapshot.unread.get(resource)
        return f"{resource} could not be listed: {why}" if why else ""

    # What is not

    def _lacking(self) -> list[Piece]:
        snapshot, health = self.scene.snapshot, self.entry.health
        pieces = [self._lack(text) for text in self.missing]
        if self.release is not None:
            pieces += self._of_release(self.release)
        if "customresourcedefinitions" not in snapshot.unread:
            pieces += [self._lack(f"CRD {name}") for name in health.crds if not snapshot.crds.get(name)]
        if "endpoints" not in snapshot.unread:
            for service in health.webhooks:
                if not snapshot.endpoints.get(f"{self.entry.namespace}/{service}"):
                    pieces.append(self._lack(f"a ready endpoint of the webhook {service}"))
        return pieces

    def _lack(self, what: str) -> Piece:
        if self._young:
            return Piece("progressing", f"{what} is not there yet")
        return Piece("degraded", f"{what} is missing")

    @property
    def _young(self) -> bool:
        """Whether the component was installed or changed so recently that its operator may still be at work."""
        times = [item.created for item, _ in self.seen.values()]
        times += [self.release.changed] if self.release is not None else []
        return any(self.scene.age(at) <= STARTING for at in times)

    def _of_release(self, release: Release) -> list[Piece]:
        if release.status in ("deployed", "superseded", ""):
            return []
        said = f"Helm release {release.name} is {release.status} (revision {release.revision})"
        if release.status.startswith(("pending", "uninstalling")):
            age = self.scene.age(release.changed)
            if age <= self.entry.timeout:
                return [Piece("progressing", said)]
            return [Piece("degraded", f"{said} for {age / 60:.0f} min: a killed run left it; install it again")]
        return [Piece("degraded", said)]

    # What is said of it

    def _version(self) -> str:
        for item, _ in self.seen.values():
            chart = item.labels.get("helm.sh/chart", "")
            if chart and self.entry.kind == "helm":
                return chart.removeprefix(f"{self.entry.chart}-")[:64]
        versions = [item.labels.get("app.kubernetes.io/version", "") for item, _ in self.seen.values()]
        return next(filter(None, versions), "")[:64]

    def _details(self, parts: list[dict[str, JSON]], problems: list[str]) -> dict[str, JSON]:
        workloads = [
            {
                "kind": kind,
                "namespace": namespace,
                "name": name,
                "state": verdict.state,
                "desired": verdict.desired,
                "ready": verdict.ready,
            }
            for (kind, namespace, name), (_, verdict) in self.seen.items()
        ]
        details: dict[str, JSON] = {"parts": parts, "workloads": workloads, "problems": problems}
        if self.release is not None:
            details["release"] = {"status": self.release.status, "revision": self.release.revision}
        return details
