"""The step that reads Ceph."""

from __future__ import annotations

from clusters.ceph import judge
from clusters.ceph.component import summary
from clusters.ceph.model import CephState
from tasks import ceph
from tasks.actions import ceph_place
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.health import check_cluster
from tasks.models import Outcome


@register("read-ceph")
class ReadCeph(Action):
    """Args: ``host``, where kubectl runs. Stores what Ceph says, and has the cluster's health follow from it.

    Result: ``state``, ``reason``, ``advice``, ``error`` (why the toolbox did not answer), and Ceph's numbers.
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        with ctx.remote(ctx.node(ctx.args["host"])) as remote:
            report = ceph.read(remote, namespace=ceph.namespace_of(ctx.cluster))
            others = [] if report.installed else ceph_place.found(remote)
        ceph.store(ctx.cluster.pk, report)
        if others:
            raise ceph_place.not_recorded(ctx.cluster, others)
        if not report.installed:
            raise ActionFailed(
                f"Ceph is not installed on cluster {ctx.cluster.name}.",
                "Install it first: `3kctl deploy install ceph`.",
                kind="not-installed",
                again=False,
            )
        if report.state is None:
            raise ActionFailed(
                f"Ceph cannot be read: {report.error}",
                "See whether the API server answers: `kubectl get cephclusters -A` on that host.",
                host=ctx.args["host"],
                kind="unreadable",
            )
        if ctx.cluster.kubeconfig:
            check_cluster(ctx.cluster.pk)
        return self._done(ctx, report.state, report.error)

    def _done(self, ctx: Context, state: CephState, error: str) -> Done:
        verdict = judge(state, state.at)
        ctx.log(f"{state.health or state.phase or 'no health yet'}: {verdict.reason or 'no check is raised'}")
        for line in verdict.advice:
            ctx.log(f"Fix: {line}")
        for host, osds in state.hosts.items():
            up = sum(osd.up for osd in osds)
            inside = sum(osd.inside for osd in osds)
            ctx.log(f"{host or 'no host'}: {len(osds)} OSDs, {up} up, {inside} in")
        if error:
            ctx.log(f"Rook's resource alone was read: {error}")
        result = {"state": verdict.state, "reason": verdict.reason, "advice": list(verdict.advice), "error": error}
        return Done({**result, **summary(state)}, Outcome.CHECKED, state.health or state.phase)
