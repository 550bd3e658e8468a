"""Ceph seen through the first control-plane host: does this Rook fit, and is Ceph up as it was asked for."""

from __future__ import annotations

import json
import shlex
import time
from datetime import UTC, datetime
from typing import Any

from tasks import ceph
from tasks.actions import ceph_place
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.actions.ceph_disks import CHOSEN
from tasks.actions.kubernetes import KUBECTL
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.plans import ceph_ready, ceph_versions
from tasks.plans.ceph_ready import Ready
from tasks.plans.ceph_values import NAMESPACE
from tasks.plans.disks import REFUSE
from tasks.remote import Remote

READING = 40.0
POLL = 3.0
OBJECTS = "cephclusters,cephblockpools,cephfilesystems,cephobjectstores"


def objects(remote: Remote, kinds: str = OBJECTS) -> list[Any]:
    """Rook's objects of these kinds; none where the definitions are missing. Raises `RemoteError`."""
    said = remote.run(f"{KUBECTL}kubectl get {kinds} -n {NAMESPACE} -o json", sudo=True, timeout=READING)
    return list(json.loads(said.text)["items"]) if said.ok else []


@register("check-rook")
class CheckRook(Action):
    """Refuses a chart of Rook that does not go with the cluster's Kubernetes, and another shape of Ceph than it has.

    Args: ``artifact``, ``single_node``, ``exists`` (whether there has to be a Ceph already).
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        node = first_host(ctx)
        with ctx.remote(node) as remote:
            listed = remote.run(
                'ls "$ARTIFACT/helm-charts"', env={"ARTIFACT": ctx.args["artifact"]}, sudo=True, timeout=READING
            ).text.split()
            version = 'jsonpath={range .items[*]}{.status.nodeInfo.kubeletVersion}{"\\n"}{end}'
            ceph_place.refuse_others(ceph_place.found(remote))
            there = objects(remote, "cephclusters")
            if there:
                ceph_place.refuse_unknown(remote, node.name)
            said = remote.run(f"{KUBECTL}kubectl get nodes -o {shlex.quote(version)}", sudo=True, timeout=READING)
        self._same_shape(ctx, there)
        nodes = sorted(set(said.text.split()), key=lambda text: ceph_versions.minor(text) or (0, 0))
        if not nodes:
            raise ActionFailed("There is no Kubernetes yet on which Ceph could run.", "Install it first.", again=False)
        if ctx.dry_run and not listed:
            return Done({}, Outcome.CHECKED, "the artifact is not unpacked yet; its Rook is checked when it is")
        for chart in ("rook-ceph-cluster", "rook-ceph"):
            found = [name for name in listed if ceph_versions.is_chart(name, chart)]
            if not found:
                raise ActionFailed(
                    f"The artifact in {ctx.args['artifact']} has no chart {chart}.",
                    "Give a complete artifact, or name its directory in artifact_directory.",
                    again=False,
                )
            if why := ceph_versions.against(found[-1], nodes[0]):
                raise ActionFailed(
                    f"{found[-1]} does not go with this cluster (Kubernetes {nodes[0]}): {why}",
                    "Give an artifact with a fitting Rook, or upgrade Kubernetes first.",
                    kind="version",
                    again=False,
                )
        return Done({"rook": found[-1], "kubernetes": nodes[0]}, Outcome.CHECKED, f"{found[-1]} on {nodes[0]}")

    def _same_shape(self, ctx: Context, there: list[Any]) -> None:
        if not there:
            if ctx.args["exists"]:
                raise ActionFailed("There is no Ceph yet.", "Install it: 3kctl deploy install ceph.", again=False)
            return
        name = there[0]["metadata"]["name"]
        if there[0]["metadata"].get("deletionTimestamp"):
            raise ActionFailed(
                f"The CephCluster {name} is being removed.", "Let ceph-uninstall end first.", again=False
            )
        single = there[0]["spec"].get("mon", {}).get("count") == 1
        if single != ctx.args["single_node"]:
            word = "one copy of everything (single_node)" if single else "three copies"
            raise ActionFailed(
                f"The Ceph that is there keeps {word}; that is not changed by the way.",
                f"Say single_node: {str(single).lower()}.",
                again=False,
            )


@register("await-ceph")
class AwaitCeph(Action):
    """Waits until Ceph is up with an OSD for each chosen disk. Args: ``timeout``. Result: ``osds``, ``warnings``."""

    def run(self, ctx: Context) -> Done | Wait:
        now = time.time()
        began = ctx.memory.setdefault("began", now)
        wanted = sum(one["use"] != REFUSE for one in ctx.result_of(CHOSEN).get("disks", []))
        with ctx.remote(first_host(ctx)) as remote:
            seen = ceph_ready.judge(
                objects(remote), ceph.read(remote, ["status"]).answers.get("status"), wanted, datetime.now(UTC)
            )
        self._say(ctx, seen)
        if not seen.missing:
            note = f"{seen.osds_up} OSDs are up" + (f"; {len(seen.warnings)} warnings" if seen.warnings else "")
            return Done({"osds": seen.osds, "warnings": list(seen.warnings)}, Outcome.CHECKED, note)
        if now - began > ctx.args["timeout"]:
            raise ActionFailed(
                f"Ceph is not up after {ctx.args['timeout']:.0f} s: {'; '.join(seen.missing)}.",
                f"Look at the operator's log (kubectl logs -n {NAMESPACE} deploy/rook-ceph-operator) and at the pods "
                "rook-ceph-osd-prepare-*: they say why a disk was not taken. Then retry.",
                kind="ceph-not-ready",
            )
        return Wait(POLL, seen.missing[0][:300])

    def _say(self, ctx: Context, seen: Ready) -> None:
        said = "; ".join(seen.missing) or f"Ceph is up. {'; '.join(seen.warnings)}".strip()
        if ctx.memory.get("said") != said:
            ctx.memory["said"] = said
            ctx.log(said)
