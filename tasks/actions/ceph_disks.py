"""Which disks Ceph gets: read on the storage hosts, judged, and told to the hosts that give them."""

from __future__ import annotations

import json
from typing import Any

from clusters.existing.model import former_ids
from clusters.models import Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.plans import ceph_values, disks, osd_disks
from tasks.plans.ceph import VALUES
from tasks.plans.disks import KEEP, REFUSE, USE, WIPE, Disk, Verdict, Wanted
from tasks.plans.facts import FactsIncomplete
from tasks.plans.scripting import FILES
from tasks.remote import Remote, RemoteError
from tasks.remote.errors import NoSuchFile
from tasks.remote.files import download, upload

READING = 60.0  # seconds that a host's disks may take
CLAIMS = "/var/lib/sanqian/ceph/disks"
CHOSEN = "ceph-disks"  # the step whose result the others read
SIGNS = {USE: "use ", KEEP: "keep", WIPE: "WIPE", REFUSE: "no  "}


def read_disks(remote: Remote, node: Node) -> tuple[Disk, ...]:
    """The host's disks. Raises `RemoteError`."""
    result = remote.run(f"{FILES['disk-look']}\n{FILES['disks']}", sudo=True, timeout=READING)
    try:
        return disks.parse(node.name, result.stdout.decode(errors="replace"))
    except FactsIncomplete as error:
        raise RemoteError(
            f"its disks could not be read (exit code {result.exit_code}): {result.error_text[-300:]}",
            "check that sh, util-linux and coreutils on the host work.",
            host=node.name,
            kind="disks",
        ) from error


def read_text(remote: Remote, path: str) -> str:
    """A small file of the host; empty where it has none. Raises `RemoteError`."""
    try:
        return download(remote, path).decode()
    except NoSuchFile:
        return ""


@register("ceph-disks")
class ChooseDisks(Action):
    """Args: ``hosts``, ``disks`` and ``wipe`` (as the operation's parameters), ``single_node``, ``new`` (whether a disk
    must be new). Result: ``disks``, each with what becomes of it and why (`Verdict.to_json` has the keys), and
    ``fresh``: whether this operation found any that Ceph did not have, now or in an earlier attempt.
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        nodes = [ctx.node(name) for name in ctx.args["hosts"]]
        answers = ctx.on_hosts(read_disks, nodes)
        for error in errors_of(answers.items()).values():
            raise error
        own, former = str(ctx.cluster.pk), former_ids(ctx.cluster.imported)
        listed = [disk for answer in answers.values() if not isinstance(answer, RemoteError) for disk in answer]
        found = [disks.taken_over(disk, own, former) for disk in listed]
        wanted, wipe = ([Wanted.of(one) for one in ctx.args[name]] for name in ("disks", "wipe"))
        try:
            verdicts = disks.choose(found, own, wanted, wipe)
        except disks.DiskRefused as error:
            refused = {"disks": [Verdict(disk, REFUSE, disk.against).to_json() for disk in found]}
            raise ActionFailed(
                error.message, error.fix, host=error.host, kind="disk-refused", result=refused, again=False
            ) from error
        for one in verdicts:
            ctx.log(_line(one))
        taken = [one for one in verdicts if one.use != REFUSE]
        fresh = sum(one.use != KEEP for one in taken)
        # A retry finds as Ceph's own what the attempt before it has given to Ceph.
        known = bool(fresh or ctx.step.result.get("fresh"))
        result = {"disks": [one.to_json() for one in verdicts], "fresh": known}
        self._enough(ctx, taken, result)
        hosts = len({one.disk.host for one in taken})
        return Done(result, Outcome.CHECKED, f"{len(taken)} disks on {hosts} hosts, {fresh} of them new")

    def _enough(self, ctx: Context, taken: list[Verdict], result: dict[str, Any]) -> None:
        hosts = {one.disk.host for one in taken}
        least = 1 if ctx.args["single_node"] else ceph_values.REPLICAS
        if len(hosts) < least:
            without = sorted(set(ctx.args["hosts"]) - hosts)
            none = f" No disk of {', '.join(without)} can be used." if without else ""
            raise ActionFailed(
                f"Ceph needs disks on {least} hosts for its {least} copies; {len(hosts)} give any.{none}",
                "Add disks, or name those in `wipe` whose content may be lost; the reasons stand with each disk. "
                "One host alone is possible with `single_node`, and safe against nothing.",
                kind="too-few-disks",
                result=result,
                again=False,
            )
        if ctx.args["new"] and not result["fresh"]:
            raise ActionFailed(
                "There is no disk that Ceph does not have already.",
                "Add a disk or a host, or name a disk in `wipe` whose content may be lost.",
                kind="too-few-disks",
                result=result,
                again=False,
            )


def _line(one: Verdict) -> str:
    disk = one.disk
    kind = "HDD" if disk.rotational else "SSD"
    why = f": {', '.join(one.reasons)}" if one.reasons else ""
    told = f"{disk.path or '/dev/' + disk.name} {disk.size / 2**30:.0f} GiB {kind} {disk.model} serial {disk.serial}"
    return f"{SIGNS[one.use]} {disk.host} {' '.join(told.split())}{why}"


@register("ceph-claim")
class ClaimDisks(Action):
    """Writes on each storage host which of its disks Ceph gets, and on the first host the values of the chart.

    Args: ``hosts``, ``values`` (arguments of `ceph_values.values` but the disks). Reads the step `CHOSEN`.
    """

    def run(self, ctx: Context) -> Done | Wait:
        known = ctx.result_of(CHOSEN).get("disks", [])
        chosen = [one for one in known if one["use"] != REFUSE]
        if not chosen:
            raise ActionFailed("It is not known which disks Ceph gets.", "Start the operation anew.", again=False)
        cluster, former = str(ctx.cluster.pk), former_ids(ctx.cluster.imported)

        def tell(remote: Remote, node: Node) -> bool:
            lines = [f"{cluster} {one['serial']} {one['disk']}\n" for one in chosen if one["host"] == node.name]
            shown = {one["serial"] for one in known if one["host"] == node.name}
            # A disk that has died is shown no more; which it was is needed to remove its OSD.
            lines += [
                f"{cluster} {serial} {path}\n"
                for path, serial in osd_disks.claims(read_text(remote, CLAIMS), cluster, *former)
                if serial not in shown
            ]
            return upload(remote, "".join(lines).encode(), CLAIMS, mode=0o600).skipped

        answers = ctx.on_hosts(tell, [ctx.node(name) for name in ctx.args["hosts"]])
        for error in errors_of(answers.items()).values():
            raise error
        values = ceph_values.values([(one["host"], one["disk"]) for one in chosen], **ctx.args["values"])
        with ctx.remote(first_host(ctx)) as remote:
            same = upload(remote, json.dumps(values, indent=1).encode(), VALUES, mode=0o600).skipped
        already = same and all(answer is True for answer in answers.values())
        return Done({"osds": len(chosen)}, Outcome.ALREADY if already else Outcome.CHANGED)
