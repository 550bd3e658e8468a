"""Keeps in the audit which disks are wiped and what was on them, before that happens."""

from __future__ import annotations

from tasks.actions.base import Action, Context, Done, Wait, register
from tasks.actions.ceph_disks import CHOSEN
from tasks.models import AuditEvent, Outcome
from tasks.plans.disks import WIPE

WIPED = "disk.wipe"


@register("audit-wipe")
class AuditWipe(Action):
    """Reads the step `CHOSEN`. One event a disk and operation, however often it runs."""

    def run(self, ctx: Context) -> Done | Wait:
        told = AuditEvent.objects.filter(action=WIPED, operation=str(ctx.operation.pk))
        known = {(one.detail["host"], one.detail["serial"]) for one in told}
        disks = [one for one in ctx.result_of(CHOSEN).get("disks", []) if one["use"] == WIPE]
        for one in disks:
            if (one["host"], one["serial"]) in known:
                continue
            AuditEvent.objects.create(
                actor=ctx.operation.requested_by,
                action=WIPED,
                cluster=str(ctx.cluster.pk),
                operation=str(ctx.operation.pk),
                detail={key: one[key] for key in ("host", "disk", "device", "serial", "size", "content")},
            )
            ctx.log(f"to be wiped: {one['disk']} of {one['host']}, which {', '.join(one['content'])}")
        return Done({}, Outcome.CHANGED, f"{len(disks)} disks")
