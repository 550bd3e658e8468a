"""What keeps a pod or a workload from being ready, in words. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clusters.snapshot import ClusterSnapshot, Container, Event, Pod, Workload

STARTING = 600.0  # seconds something may take to come up before that is a fault
UNSCHEDULED = 60.0  # seconds the scheduler may take: volumes are bound and nodes added meanwhile
# A container that ended with an error counts as crashing until it is ready; from the third time on, until it has
# run this long (seconds). Else it would be well in each reading that falls between two crashes.
STABLE, CRASHES = 120.0, 3
RECENT = 3600.0  # seconds; older warnings explain nothing
FAILING = frozenset(
    {
        *("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"),
        *("ImageInspectError", "RegistryUnavailable", "CreateContainerConfigError", "CreateContainerError"),
        *("RunContainerError", "StartError", "PreStartHookError", "PostStartHookError"),
    }
)
# They only repeat what the container's state says.
_ECHOES = frozenset({"BackOff", "Failed", "Pulling", "Pulled", "Created", "Started", "Killing"})
_SHOWN = 3


@dataclass(frozen=True)
class Problem:
    """`fault`: it will not pass by waiting. Otherwise it is on its way."""

    text: str
    fault: bool


@dataclass(frozen=True)
class Verdict:
    """A workload's state, of the words of `HealthState`."""

    state: str
    desired: int
    ready: int
    reason: str = ""


class Scene:
    """A snapshot with its pods, warnings and lost nodes at hand."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self.snapshot = snapshot
        self.now = snapshot.now
        self.lost = {node.name for node in snapshot.nodes if not node.ready}
        self._pods: defaultdict[str, list[Pod]] = defaultdict(list)
        for pod in snapshot.pods:
            self._pods[pod.namespace].append(pod)
        self._events: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for event in snapshot.events:
            if event.at is not None and self.age(event.at) <= RECENT:
                self._events[event.kind, event.namespace, event.name].append(event)

    def pods(self, namespace: str) -> list[Pod]:
        return self._pods[namespace]

    def pods_of(self, workload: Workload) -> list[Pod]:
        """The workload's pods, without those that have done their work."""
        return [p for p in self._pods[workload.namespace] if p.phase != "Succeeded" and workload.owns(p)]

    def age(self, since: datetime | None) -> float:
        """Seconds from `since` to the reading; endless where it is not known."""
        return (self.now - since).total_seconds() if since is not None else float("inf")

    def warning(self, kind: str, namespace: str, name: str, *, skip: Iterable[str] = ()) -> str:
        """The latest warning about the object as ``reason: message``; empty where there is none."""
        found = [e for e in self._events.get((kind, namespace, name), ()) if e.reason not in skip]
        if not found:
            return ""
        latest = min(found, key=lambda event: self.age(event.at))
        return f"{latest.reason}: {_short(latest.message)}"

    def replicaset_warning(self, workload: Workload) -> str:
        """Why the workload's pods cannot even be created."""
        kind = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}[workload.kind]
        if own := self.warning(kind, workload.namespace, workload.name):
            return own
        for where, namespace, name in list(self._events):
            if (where, namespace) == ("ReplicaSet", workload.namespace):
                base, _, tag = name.rpartition("-")
                if base == workload.name and tag:
                    return self.warning(where, namespace, name)
        return ""


def pod_problem(pod: Pod, scene: Scene) -> Problem | None:
    """What is wrong with the pod, naming it; None for one that is ready or has done its work."""
    found = _pod_problem(pod, scene)
    return Problem(f"pod {pod.name}: {found.text}", found.fault) if found else None


def workload_verdict(workload: Workload, scene: Scene) -> Verdict:
    """The state of a deployment, stateful set or daemon set by its own status and its pods."""
    desired = workload.desired
    if desired == 0 and workload.observed:
        return Verdict("healthy", 0, 0)
    pods = scene.pods_of(workload)
    enough = workload.ready >= desired
    problems: list[Problem] = []
    unstable = 0
    for pod in pods:
        found = pod_problem(pod, scene)
        if found is None or (pod.phase == "Failed" and enough):
            continue
        problems.append(found)
        unstable += pod.ready and found.fault
    ready = max(0, min(workload.ready, desired) - unstable)
    problems += _own_problems(workload, scene, missing=len(pods) < desired)
    rolling = not workload.observed or workload.updated < desired
    faults = [problem for problem in problems if problem.fault]
    if faults:
        state = "degraded" if ready else "unhealthy"
    elif ready < desired or rolling:
        state = "progressing"
    else:
        return Verdict("healthy", desired, ready)
    said = faults or problems or [Problem("the rollout is under way" if rolling else "pods are starting", False)]
    return Verdict(
        state,
        desired,
        ready,
        f"{workload.kind} {workload.name} {ready}/{desired}: {told(problem.text for problem in said)}",
    )


def bare_pod_verdict(pod: Pod, scene: Scene) -> Verdict:
    """The state of a pod that no workload owns, such as a static one."""
    problem = pod_problem(pod, scene)
    if problem is None:
        return Verdict("healthy", 1, 1)
    return Verdict("unhealthy" if problem.fault else "progressing", 1, 0, problem.text)


def suspects(workloads: Iterable[Workload], scene: Scene) -> list[tuple[Pod, str, bool]]:
    """The pods that keep `workloads` from being ready: each with the container to ask for its log, and whether
    its previous run holds what matters. Pods that never ran a container have no log and are left out."""
    found = []
    for workload in workloads:
        for pod in scene.pods_of(workload):
            if _pod_problem(pod, scene) is None:
                continue
            for container in (*pod.init, *pod.containers):
                if container.last or container.running or (container.ended and container.ended.exit_code):
                    if container.ready or (container.ended and not container.ended.exit_code):
                        continue
                    found.append((pod, container.name, not (container.running or container.ended)))
                    break
    return found


def told(texts: Iterable[str]) -> str:
    """The first few in a sentence, and how many more there are."""
    texts = list(dict.fromkeys(texts))
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more


def _own_problems(workload: Workload, scene: Scene, *, missing: bool) -> list[Problem]:
    problems = []
    progressing = workload.conditions.get("Progressing")
    if progressing and progressing.status == "False":
        problems.append(Problem(_short(progressing.message) or progressing.reason, True))
    failure = workload.conditions.get("ReplicaFailure")
    if failure and failure.status == "True":
        problems.append(Problem(_short(failure.message) or failure.reason, True))
    elif missing and workload.ready < workload.desired and (warning := scene.replicaset_warning(workload)):
        problems.append(Problem(warning, True))
    elif missing and workload.ready < workload.desired:
        problems.append(Problem("pods are missing", scene.age(workload.created) > STARTING))
    return problems


def _pod_problem(pod: Pod, scene: Scene) -> Problem | None:
    if pod.phase == "Succeeded":
        return None
    if pod.node in scene.lost and not pod.deleting:
        return Problem(f"its node {pod.node} is not ready", True)
    if pod.deleting:
        return Problem("is being ended", False)
    if pod.phase == "Failed":
        ended = next((c for c in pod.containers if c.ended and c.ended.exit_code), None)
        detail = _short(pod.message) or (_end_of(ended) if ended else "")
        return Problem(f"{pod.reason or 'Failed'}{': ' if detail else ''}{detail}", True)
    scheduled = pod.conditions.get("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        why = _short(scheduled.message) or scheduled.reason
        return Problem(f"unschedulable: {why}", scene.age(pod.created) > UNSCHEDULED)
    for container in (*pod.init, *pod.containers):
        if found := _container_problem(container, scene):
            return found
    if pod.ready:
        return None
    return _starting(pod, scene)


def _container_problem(container: Container, scene: Scene) -> Problem | None:
    name = f"container {container.name}"
    if container.waiting in FAILING:
        said = f" ({_short(container.message)})" if container.message else ""
        ending = f"; last {_last(container)}" if container.last else ""
        return Problem(f"{name}: {container.waiting}{said}{ending}", True)
    if container.ended and container.ended.exit_code:
        return Problem(f"{name}: {_end_of(container)}", True)
    last = container.last
    again = container.restarts >= CRASHES or not container.ready
    if container.running and last and last.exit_code and again:
        running = scene.age(container.running_since or last.at)
        if running < STABLE:
            return Problem(
                f"{name}: restarted {container.restarts} times, now running for {running:.0f} s; "
                f"last {_last(container)}",
                True,
            )
    return None


def _starting(pod: Pod, scene: Scene) -> Problem:
    """The pod is scheduled, nothing has failed, and it is not ready."""
    condition = pod.conditions.get("Ready")
    spent = scene.age((condition.since if condition else None) or pod.created)
    warning = scene.warning("Pod", pod.namespace, pod.name, skip=_ECHOES)
    why = "not ready yet"
    for container in pod.init:
        if not (container.ended or (container.sidecar and container.started)):
            why = f"init container {container.name}: {container.waiting or 'running'}"
            break
    else:
        for container in pod.containers:
            if not container.ready:
                why = f"container {container.name}: {container.waiting or 'running, not ready'}"
                break
    fault = spent > STARTING
    if fault and spent != float("inf"):
        why += f" for {spent / 60:.0f} min"
    return Problem(f"{why}{f' ({warning})' if warning else ''}", fault)


def _end_of(container: Container) -> str:
    ended = container.ended
    return _ending(ended.exit_code, ended.signal, ended.reason, ended.message) if ended else ""


def _last(container: Container) -> str:
    last = container.last
    return _ending(last.exit_code, last.signal, last.reason, last.message) if last else ""


def _ending(code: int, signal: int, reason: str, message: str) -> str:
    how = f"signal {signal}" if signal else f"exit code {code}"
    named = f" ({reason})" if reason and reason != "Error" else ""
    return f"{how}{named}{f': {_short(message)}' if message else ''}"


def _short(text: str, limit: int = 300) -> str:
    """On one line; of a long text the beginning and the end, where the cause usually stands."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit // 2]} … {line[-limit // 2 :]}"
