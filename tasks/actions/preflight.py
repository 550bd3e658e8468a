"""Read every host's facts over SSH and judge them."""

from __future__ import annotations

import time

from django.utils import timezone

from clusters.models import Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.models import Outcome
from tasks.plan import JSON
from tasks.plans.facts import FactsIncomplete, parse
from tasks.plans.findings import ERROR, OK, WARNING, Reading, Wish, judge
from tasks.plans.scripting import FILES
from tasks.remote import Remote, RemoteError

BATCH = 20  # hosts read at once
READING = 12.0  # seconds that a host may take
MARGIN = 4.0  # seconds of a slice in which no further batch is begun


def read_facts(remote: Remote, node: Node, peers: str) -> dict[str, JSON]:
    """The host's facts (see `tasks.plans.facts`), with its clock's offset from the service's in seconds.

    `peers` are lines "name address port". Raises `RemoteError`.
    """
    before = time.time()
    clock = remote.run("date +%s.%N", timeout=READING).text
    after = time.time()
    result = remote.run(FILES["facts"], env={"PEERS": peers}, sudo=True, timeout=READING)
    try:
        facts = parse(result.stdout.decode(errors="replace"))
    except FactsIncomplete as error:
        raise RemoteError(
            f"the host's facts could not be read (exit code {result.exit_code}): {result.error_text[-300:]}",
            "check that sh and coreutils on the host work.",
            host=node.name,
            kind="facts",
        ) from error
    seconds, _, fraction = clock.partition(".")
    exact = fraction.isdigit()
    if seconds.isdigit():
        # Half of the round trip is the best guess of when the host looked at its clock.
        facts["clock_offset"] = round(float(clock if exact else seconds) - (before + after) / 2, 3)
        facts["clock_error"] = round((after - before) / 2 + (0 if exact else 1), 3)
    return facts


@register("preflight")
class Preflight(Action):
    """Args: ``components``, ``ignore`` (codes), ``artifact_directory``. Result: ``findings``, ``counts``.

    Fails when a finding of level error is left; the table is in the result then too.
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        problems: dict[str, list[str]] = ctx.memory.setdefault("problems", {})
        done: list[str] = ctx.memory.setdefault("done", [])
        before = len(done)
        while waiting := [node for node in ctx.nodes if node.name not in done]:
            # One batch at least: a slice, however short, gets on.
            if len(done) > before and ctx.time_left() < MARGIN:
                return Wait(0, f"{len(done)} of {len(ctx.nodes)} hosts read")
            self._read(ctx, waiting[:BATCH], done, problems)
            ctx.progress(100 * len(done) / len(ctx.nodes), f"{len(done)} of {len(ctx.nodes)} hosts read")
        return self._judge(ctx, problems)

    def _read(self, ctx: Context, nodes: list[Node], done: list[str], problems: dict[str, list[str]]) -> None:
        def read(remote: Remote, node: Node) -> dict[str, JSON]:
            others = (peer for peer in ctx.nodes if peer.name != node.name)
            return read_facts(
                remote, node, "\n".join(f"{peer.name} {peer.internal_address} {peer.port}" for peer in others)
            )

        for name, answer in ctx.on_hosts(read, nodes, parallel=BATCH).items():
            done.append(name)
            if isinstance(answer, RemoteError):
                problems[name] = [answer.message, answer.fix]
                continue
            problems.pop(name, None)
            node = ctx.node(name)
            node.facts, node.facts_at = answer, timezone.now()
            Node.objects.filter(pk=node.pk).update(facts=node.facts, facts_at=node.facts_at)

    def _judge(self, ctx: Context, problems: dict[str, list[str]]) -> Done:
        readings = [
            Reading(
                name=node.name,
                address=node.address,
                roles=frozenset(node.role_groups),
                arch=node.arch,
                facts=node.facts,
                problem=(problems[node.name][0], problems[node.name][1]) if node.name in problems else None,
            )
            for node in ctx.nodes
        ]
        members = ctx.cluster.imported.get("hosts", ())
        wish = Wish(str(ctx.cluster.pk), ctx.args["components"], ctx.args["artifact_directory"], members)
        findings = judge(readings, wish, ctx.args["ignore"])
        counts = {level: sum(row.level == level for row in findings) for level in (OK, WARNING, ERROR)}
        result = {"findings": [row.to_json() for row in findings], "counts": counts}
        for row in findings:
            where = f"{row.host}: " if row.host else ""
            ctx.log(f"{row.level:7} {row.code:9} {where}{row.what}" + (f" Fix: {row.fix}" if row.fix else ""))
        if counts[ERROR]:
            first = findings[0]
            raise ActionFailed(
                f"{counts[ERROR]} error{'s stand' if counts[ERROR] > 1 else ' stands'} against the installation: "
                f"{first.host + ': ' if first.host else ''}{first.what}{' ...' if counts[ERROR] > 1 else ''}",
                first.fix,
                host=first.host,
                kind="preflight",
                result=result,
                again=False,
            )
        return Done(result, Outcome.CHECKED, f"{counts[WARNING]} warnings")
