"""Steps for a Ceph that is run elsewhere: does its driver fit here, do the hosts reach it, and forgetting its key."""

from __future__ import annotations

import json
from typing import Any

from clusters.models import Cluster, Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.kubernetes import KUBECTL
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.plans import ceph_reach, ceph_versions
from tasks.plans.ceph_csi import DRIVER, PROVISIONER
from tasks.plans.scripting import FILES
from tasks.remote import Remote

READING = 40.0
REACHING = 60.0
OWNER = "meta.helm.sh/release-name"


@register("check-ceph-csi")
class CheckCephCsi(Action):
    """Args: ``artifact``, ``storage_class``, ``parameters`` (of the class). Refuses what Helm could not install."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        with ctx.remote(first_host(ctx)) as remote:
            listed = remote.run(
                'ls "$ARTIFACT/helm-charts"', env={"ARTIFACT": ctx.args["artifact"]}, sudo=True, timeout=READING
            ).text.split()
            said = remote.run(f"{KUBECTL}kubectl get storageclasses,csidrivers -o json", sudo=True, timeout=READING)
        if not said.ok:
            raise ActionFailed(
                f"Kubernetes does not answer there: {said.error_text[-300:]}", "Install it first.", kind="unreadable"
            )
        for one in json.loads(said.text)["items"]:
            if one["kind"] == "CSIDriver" and one["metadata"]["name"] == PROVISIONER:
                self._ours(one, "The driver")
            if one["kind"] == "StorageClass" and one["metadata"]["name"] == ctx.args["storage_class"]:
                self._same(ctx, one)
        charts = [name for name in listed if ceph_versions.is_chart(name, DRIVER)]
        if not charts and not ctx.dry_run:
            raise ActionFailed(
                f"The artifact in {ctx.args['artifact']} has no chart {DRIVER}.",
                "Give a complete artifact, or name its directory in artifact_directory.",
                again=False,
            )
        note = charts[-1] if charts else "the chart is looked for when the artifact is unpacked"
        return Done({"chart": charts[-1] if charts else ""}, Outcome.CHECKED, note)

    def _ours(self, found: dict[str, Any], what: str) -> None:
        owner = (found["metadata"].get("annotations") or {}).get(OWNER, "")
        if owner != DRIVER:
            raise ActionFailed(
                f"{what} {found['metadata']['name']} is there already, from {owner or 'somebody else'}.",
                "Remove that one first, or go on using it; two of one name cannot be.",
                kind="taken",
                again=False,
            )

    def _same(self, ctx: Context, found: dict[str, Any]) -> None:
        self._ours(found, "The StorageClass")
        wanted, has = ctx.args["parameters"], found.get("parameters") or {}
        other = {
            name: has.get(name, "")
            for name in ("clusterID", "fsName", "pool")
            if has.get(name, "") != wanted.get(name, "")
        }
        if other:
            said = ", ".join(f"{name} {value!r}" for name, value in other.items())
            raise ActionFailed(
                f"The StorageClass {found['metadata']['name']} has {said}, and Kubernetes lets nobody change that.",
                "Choose another storage_class; or remove the driver first, when nothing uses it any more.",
                kind="taken",
                again=False,
            )


@register("reach-monitors")
class ReachMonitors(Action):
    """Args: ``hosts``, ``monitors`` ([{address, ports}]). Result: ``unreached``, in words, by host."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        monitors = ctx.args["monitors"]
        env = {"MONITORS": ceph_reach.lines(monitors)}

        def reach(remote: Remote, node: Node) -> list[str]:
            said = remote.run(FILES["ceph-monitors"], env=env, timeout=REACHING, check=True).text
            return ceph_reach.unreached(said, [one["address"] for one in monitors])

        answers = ctx.on_hosts(reach, [ctx.node(name) for name in ctx.args["hosts"]])
        for error in errors_of(answers.items()).values():
            raise error
        missing = {host: found for host, found in answers.items() if isinstance(found, list) and found}
        for host, found in missing.items():
            ctx.log(f"{host} does not reach {'; '.join(found)}")
        if missing:
            host, found = next(iter(missing.items()))
            more = f"; {len(missing) - 1} more hosts miss some, see the log" if len(missing) > 1 else ""
            raise ActionFailed(
                f"{host} does not reach {'; '.join(found)}{more}.",
                "Check the addresses against `ceph mon dump`, and routes and firewalls between. Ports 3300 and 6789 "
                "have to be open, and those of the OSDs and MDSs (6800-7568) too.",
                host=host,
                kind="unreachable-monitor",
                result={"unreached": missing},
            )
        return Done({"unreached": {}}, Outcome.CHECKED, f"{len(monitors)} monitors, reached from {len(answers)} hosts")


@register("forget-ceph-key")
class ForgetCephKey(Action):
    """The stored key goes: nothing needs it any more."""

    def probe(self, ctx: Context) -> bool | None:
        return not ctx.cluster.ceph_key

    def run(self, ctx: Context) -> Done | Wait:
        Cluster.objects.filter(pk=ctx.cluster.pk).update(ceph_key="")
        return Done({})
