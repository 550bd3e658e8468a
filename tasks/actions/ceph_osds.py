"""Removing OSDs: what speaks against it, which disks they are, when their data has moved, and forgetting the disks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from clusters.ceph import CephState, purge_refusals, removal_refusals
from clusters.ceph.model import TOOLBOX
from clusters.existing.model import former_ids
from clusters.models import Node
from tasks import ceph
from tasks.actions import ceph_place
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.ceph_disks import CLAIMS, read_disks, read_text
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.plans import osd_disks
from tasks.plans.ceph import VALUES
from tasks.remote import Remote
from tasks.remote.errors import NoSuchFile
from tasks.remote.files import download, upload

POLL = 10.0
CHECK = "ceph-osd-check"  # the step whose result the others read


def read_state(remote: Remote) -> tuple[CephState, Mapping[str, Any]]:
    """How Ceph is by its own word, and its answers. Raises `ActionFailed`, `RemoteError`."""
    report = ceph.read(remote)
    if report.state is None or report.state.source != TOOLBOX:
        raise ActionFailed(
            f"Ceph does not answer in the toolbox: {report.error or 'there is none'}",
            "Look at the pods of the namespace rook-ceph.",
        )
    return report.state, report.answers


@register("check-osd-removal")
class CheckOsdRemoval(Action):
    """Args: ``osds``, ``host`` (that has them; empty for any). Refuses what would break redundancy.

    Result: ``osds`` [{id, host, disk, serial}].
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        osds = list(ctx.args["osds"])
        with ctx.remote(first_host(ctx)) as remote:
            ceph_place.refuse_unknown(remote, first_host(ctx).name)
            state, answers = read_state(remote)
        # Once the data moves what was checked is no longer so; what is purged is checked again before it is.
        if ctx.step.result.get("osds") and not any(osd.inside for osd in state.osds if osd.id in osds):
            return Done(ctx.step.result, Outcome.CHECKED, "was checked before the data began to move")
        places = {osd.id: osd.host for osd in state.osds if osd.id in osds}
        whose = ctx.args.get("host")
        if whose and (others := [f"osd.{one}" for one in osds if places.get(one, whose) != whose]):
            fix = "Name the OSDs of that host alone: `3kctl ceph status` lists them."
            raise ActionFailed(f"{', '.join(others)} is not on {whose}.", fix, kind="osd-refused", again=False)
        if refusals := removal_refusals(state, osds, datetime.now(UTC)):
            for one in refusals:
                ctx.log(one)
            raise ActionFailed(refusals[0], "See all reasons in the log.", kind="osd-refused", again=False)
        nodes = [node for node in ctx.nodes if node.name in places.values()]
        answered = ctx.on_hosts(read_disks, nodes)
        for error in errors_of(answered.items()).values():
            raise error
        disks = [disk for found in answered.values() if isinstance(found, tuple) for disk in found]
        claims = self._claims(ctx, nodes)
        found = []
        for ident, host in sorted(places.items()):
            disk = osd_disks.of(ident, answers.get("osd-dump", {}), host, disks, claims)
            if disk is None:
                raise ActionFailed(
                    f"It cannot be told which disk of {host} osd.{ident} is on.",
                    f"Remove it by Rook's own way; {CLAIMS} on {host} lists the disks that it has given.",
                    host=host,
                    again=False,
                )
            found.append({"id": ident, "host": host, "disk": disk[0], "serial": disk[1]})
            ctx.log(f"osd.{ident} is on {disk[0]} of {host}, serial {disk[1]}")
        return Done({"osds": found}, Outcome.CHECKED, f"{len(found)} OSDs may go")

    def _claims(self, ctx: Context, nodes: list[Node]) -> dict[str, list[tuple[str, str]]]:
        ids = str(ctx.cluster.pk), *former_ids(ctx.cluster.imported)
        texts = ctx.on_hosts(lambda remote, node: read_text(remote, CLAIMS), nodes)
        for error in errors_of(texts.items()).values():
            raise error
        return {host: osd_disks.claims(str(text), *ids) for host, text in texts.items()}


@register("await-osd-drained")
class AwaitOsdDrained(Action):
    """Args: ``osds``, ``timeout``. Waits until Ceph holds nothing on them any more."""

    def run(self, ctx: Context) -> Done | Wait:
        ctx.memory.setdefault("began", time.time())
        try:
            with ctx.remote(first_host(ctx)) as remote:
                state, _ = read_state(remote)
        except ActionFailed as silent:
            # Ceph moves data without its toolbox, which goes to another host when its own is away.
            return self._wait(ctx, silent.message)
        left = [one for one in ctx.args["osds"] if one in {osd.id for osd in state.osds}]
        refusals = purge_refusals(state, left, datetime.now(UTC)) if left else []
        if not refusals:
            return Done({}, Outcome.CHECKED, "all data has moved")
        groups = state.group_count
        ctx.progress(100 * state.clean / groups if groups else 0, f"{state.clean} of {groups} groups are clean")
        return self._wait(ctx, *refusals)

    def _wait(self, ctx: Context, *why: str) -> Wait:
        """Raises `ActionFailed` where it has taken too long."""
        said = " ".join(why)
        if ctx.memory.get("said") != said:
            ctx.memory["said"] = said
            ctx.log(said)
        if time.time() - ctx.memory["began"] > ctx.args["timeout"]:
            raise ActionFailed(
                f"The data has not moved after {ctx.args['timeout']:.0f} s: {why[0]}",
                "Mend what the message says and retry; or `ceph osd in` takes the OSD back.",
            )
        return Wait(POLL, why[0][:300])


@register("release-disks")
class ReleaseDisks(Action):
    """Takes the disks of the step `CHECK` out of the chart's values and of their hosts' claims."""

    def run(self, ctx: Context) -> Done | Wait:
        gone = ctx.result_of(CHECK).get("osds", [])
        node = first_host(ctx)
        with ctx.remote(node) as remote:
            try:
                values = json.loads(download(remote, VALUES))
            except (NoSuchFile, ValueError) as error:
                raise ActionFailed(
                    f"{VALUES} cannot be read.",
                    "Run `3kctl deploy install ceph` again; it writes the file.",
                    again=False,
                ) from error
            osd_disks.release(values, {(one["host"], one["disk"]) for one in gone})
            same = upload(remote, json.dumps(values, indent=1).encode(), VALUES, mode=0o600).skipped
        ids = str(ctx.cluster.pk), *former_ids(ctx.cluster.imported)

        def forget(remote: Remote, node: Node) -> bool:
            serials = {one["serial"] for one in gone if one["host"] == node.name}
            text = osd_disks.without(read_text(remote, CLAIMS), serials, *ids)
            return upload(remote, text.encode(), CLAIMS, mode=0o600).skipped

        answers = ctx.on_hosts(forget, [ctx.node(name) for name in {one["host"] for one in gone}])
        for failed in errors_of(answers.items()).values():
            raise failed
        already = same and all(answer is True for answer in answers.values())
        return Done({}, Outcome.ALREADY if already else Outcome.CHANGED, f"{len(gone)} disks")
