"""Steps that read a cluster's health: once, or until chosen components are healthy."""

from __future__ import annotations

import time
from typing import Any

from clusters import catalog, health
from clusters.catalog import CatalogError, Entry
from clusters.health import ComponentHealth
from clusters.kube import Kube
from clusters.kubeconfig import KubeError
from clusters.models import HealthState
from clusters.problems import Scene, suspects
from clusters.snapshot import ClusterSnapshot
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.health import Reading, check_cluster, entries_of, store
from tasks.kube_access import open_kube
from tasks.models import Outcome
from tasks.remote import RemoteError

TIMEOUT = 600.0  # seconds that components may take, where a plan names no other
PATIENCE = 180.0  # seconds that a component may be at fault without a break: what crashes at first may recover
POLL = 2.0
LOG_LINES, LOGS = 20, 3  # lines of a pod, pods of a component


@register("check-health")
class CheckHealth(Action):
    """Reads the cluster once and stores what it saw, as the service does on its own clock."""

    def probe(self, ctx: Context) -> bool | None:
        return False

    def run(self, ctx: Context) -> Done | Wait:
        if not ctx.cluster.kubeconfig:
            raise ActionFailed(
                f"Cluster {ctx.cluster.name} has no kubeconfig yet.", "Install Kubernetes first.", again=False
            )
        check_cluster(ctx.cluster.pk)
        ctx.cluster.refresh_from_db()
        seen = ctx.cluster.observation
        if not seen.reachable:
            raise ActionFailed(seen.error, kind="unreachable")
        shown = [row for row in ctx.cluster.components.all() if row.state != HealthState.ABSENT or row.chosen]
        for row in shown:
            ctx.log(_line(row.name, row.state, row.ready, row.desired, row.reason))
        healthy = sum(row.state == HealthState.HEALTHY for row in shown)
        return Done(
            {
                "state": ctx.cluster.state,
                "reason": ctx.cluster.state_reason,
                "nodes": seen.nodes,
                "components": {row.name: {"state": row.state, "reason": row.reason} for row in shown},
            },
            Outcome.CHECKED,
            f"{healthy} of {len(shown)} components are healthy",
        )


@register("verify-components")
class VerifyComponents(Action):
    """Waits until all components of `components` are healthy.

    Fails when one has been at fault for `PATIENCE` seconds or when `timeout` seconds are over, naming each that is
    not healthy with the cause, and with the last lines of its pods' logs.
    """

    def run(self, ctx: Context) -> Done | Wait:
        entries = self._entries(ctx)
        now = time.time()
        began = ctx.memory.setdefault("began", now)
        late = now - began > float(ctx.args.get("timeout") or TIMEOUT)
        try:
            with open_kube(ctx.cluster) as (kube, via):
                snapshot = kube.snapshot(catalog.load())
                found = self._judge(ctx, snapshot, entries)
                waiting = {name: one for name, one in found.items() if one.state != HealthState.HEALTHY}
                lasting = self._faults(ctx, waiting, now)
                if waiting and (late or lasting):
                    logs = _logs(kube, snapshot, waiting)
                    store(ctx.cluster.pk, Reading(snapshot.taken_at, snapshot, via))
                    raise self._failure(ctx, found, waiting, logs)
        except (KubeError, RemoteError) as error:
            if late:
                raise ActionFailed(f"The cluster cannot be read: {error}", kind="unreachable") from error
            return Wait(POLL, f"the cluster cannot be read: {error}"[:300])
        self._say(ctx, found)
        healthy = len(found) - len(waiting)
        ctx.progress(100 * healthy / max(1, len(found)), f"{healthy} of {len(found)} components are healthy")
        if waiting:
            name, one = next(iter(waiting.items()))
            return Wait(POLL, f"{healthy} of {len(found)} are healthy; {name}: {one.reason or one.state}"[:300])
        store(ctx.cluster.pk, Reading(snapshot.taken_at, snapshot, via))
        return Done(
            {"components": {name: _told(one) for name, one in found.items()}},
            Outcome.CHECKED,
            f"{healthy} of {len(found)} components are healthy",
        )

    def _entries(self, ctx: Context) -> list[Entry]:
        try:
            return [catalog.load()[name] for name in ctx.args.get("components", ())]
        except CatalogError as error:
            raise ActionFailed(str(error), error.fix, again=False) from error

    def _judge(self, ctx: Context, snapshot: ClusterSnapshot, entries: list[Entry]) -> dict[str, ComponentHealth]:
        names = [entry.name for entry in entries]
        found = health.judge(snapshot, entries_of(ctx.cluster), names)
        return {name: found[name] for name in names}

    def _faults(self, ctx: Context, waiting: dict[str, ComponentHealth], now: float) -> bool:
        """Whether a component has been at fault for too long without a break."""
        before: dict[str, float] = ctx.memory.get("at_fault", {})
        since = {name: before.get(name, now) for name, one in waiting.items() if one.state in health.FAULTS}
        ctx.memory["at_fault"] = since
        return any(now - at > PATIENCE for at in since.values())

    def _say(self, ctx: Context, found: dict[str, ComponentHealth]) -> None:
        """Each component's state whenever it changes, so that the log tells the story once."""
        said: dict[str, str] = ctx.memory.setdefault("said", {})
        for name, one in found.items():
            line = _line(name, one.state, one.ready, one.desired, one.reason)
            if said.get(name) != one.state:
                said[name] = one.state
                ctx.log(line)

    def _failure(
        self,
        ctx: Context,
        found: dict[str, ComponentHealth],
        waiting: dict[str, ComponentHealth],
        logs: dict[str, list[str]],
    ) -> ActionFailed:
        self._say(ctx, found)
        for name, lines in logs.items():
            ctx.log(f"--- {name}: last lines of its log")
            for line in lines:
                ctx.log(line)
        causes = []
        for name, one in waiting.items():
            last = f" (log: {logs[name][-1]})" if logs.get(name) else ""
            causes.append(f"{name} is {one.state}: {one.reason or 'no cause is known'}{last}")
        result = {name: _told(one) | {"log": logs.get(name, [])} for name, one in waiting.items()}
        return ActionFailed(
            f"{len(waiting)} of {len(found)} components are not healthy. {' | '.join(causes)}",
            "Mend the cause named, then retry the operation: what is healthy is not installed again.",
            kind="unhealthy",
            result={"components": result},
        )


def _told(one: ComponentHealth) -> dict[str, Any]:
    return {"state": one.state, "desired": one.desired, "ready": one.ready, "reason": one.reason}


def _line(name: str, state: str, ready: int, desired: int, reason: str) -> str:
    return f"{name}: {state} {ready}/{desired}{f' ({reason})' if reason else ''}"


def _logs(kube: Kube, snapshot: ClusterSnapshot, waiting: dict[str, ComponentHealth]) -> dict[str, list[str]]:
    """The last lines of the pods that keep components from being healthy, by component."""
    scene = Scene(snapshot)
    found: dict[str, list[str]] = {}
    for name, one in waiting.items():
        bad = {
            (w["kind"], w["namespace"], w["name"])
            for w in one.details.get("workloads", ())
            if w["state"] != HealthState.HEALTHY
        }
        workloads = [w for w in snapshot.workloads if (w.kind, w.namespace, w.name) in bad]
        for pod, container, previous in suspects(workloads, scene)[:LOGS]:
            try:
                text = kube.pod_log_tail(
                    pod.namespace, pod.name, container=container, lines=LOG_LINES, previous=previous
                )
            except KubeError as error:
                text = f"the log of pod {pod.name} cannot be read: {error.message}"
            found.setdefault(name, []).extend(line for line in text.splitlines() if line.strip())
    return found
