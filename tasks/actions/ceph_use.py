"""Steps around the end of a Ceph: is it still used, and that it is no longer wanted."""

from __future__ import annotations

import json

from django.db.models import QuerySet

from clusters.models import Component
from tasks.actions import ceph_place
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.actions.ceph_state import READING
from tasks.actions.kubernetes import KUBECTL
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.plans import ceph_use

SHOWN = 10


@register("check-ceph-unused")
class CheckCephUnused(Action):
    """Args: ``force``, ``provisioners`` (Rook's where it is missing).

    Refuses while claims or volumes hold data in Ceph, and where Rook runs another one besides. Result: ``claims``.
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        found = []
        with ctx.remote(first_host(ctx)) as remote:
            if "provisioners" not in ctx.args:
                ceph_place.refuse_others(ceph_place.found(remote))
            for kind in ("storageclass", "pvc", "pv", "obc"):
                said = remote.run(f"{KUBECTL}kubectl get {kind} -A -o json", sudo=True, timeout=READING)
                if said.ok:
                    found += json.loads(said.text)["items"]
                elif kind != "obc":  # its definition comes with Rook, and may be gone already
                    raise ActionFailed(
                        f"It cannot be told who uses Ceph: {said.error_text[-300:]}", "Check that kubectl works there."
                    )
        used = ceph_use.claims(found, ctx.args.get("provisioners", ceph_use.ROOK))
        for one in used:
            ctx.log(one)
        if used and not ctx.args["force"]:
            more = f" and {len(used) - SHOWN} more" if len(used) > SHOWN else ""
            raise ActionFailed(
                f"Data is kept in this Ceph: {', '.join(used[:SHOWN])}{more}.",
                "Move or delete it first; with `force` it is as the operation's description says.",
                kind="in-use",
                result={"claims": used},
                again=False,
            )
        return Done({"claims": used}, Outcome.CHECKED, f"{len(used)} claims use it" if used else "not in use")


@register("forget-components")
class ForgetComponents(Action):
    """Args: ``components`` (names). Their absence is no fault any more."""

    def probe(self, ctx: Context) -> bool | None:
        return not self._rows(ctx).filter(chosen=True).exists()

    def run(self, ctx: Context) -> Done | Wait:
        self._rows(ctx).update(chosen=False)
        return Done({"components": ctx.args["components"]})

    def _rows(self, ctx: Context) -> QuerySet[Component]:
        return Component.objects.filter(cluster=ctx.cluster, name__in=ctx.args["components"])
