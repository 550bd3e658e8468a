"""What the service does itself when hosts leave a cluster, or the platform leaves its hosts."""

from __future__ import annotations

from django.db import transaction

from clusters import registry
from clusters.models import Cluster, Component, Node, Observation
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.preflight import read_facts
from tasks.models import Outcome
from tasks.remote import Remote, RemoteError
from tasks.remote import job as detached

PATIENCE = 12.0  # seconds that a host which is given up may take for one answer
TRIES = 20

# As the login user: other keys are kept.
REVOKE = """umask 077
cd "$HOME/.ssh" 2>/dev/null && [ -f authorized_keys ] || exit 0
grep -qF " $MARK" authorized_keys || exit 0
{ grep -vF " $MARK" authorized_keys || :; } >authorized_keys.sanqian
chmod 600 authorized_keys.sanqian && mv authorized_keys.sanqian authorized_keys
"""
# As root: the pair and what it knew, on the host that had it; directories that are empty by now.
TIDY = """known=${KEY%/*}/known_hosts
if [ -e "$KEY.pub" ] && [ "$FIRST" = yes ]; then
  rm -f "$KEY" "$KEY.pub"
  if [ -f "$known" ]; then
    { grep -v " $MARK\\$" "$known" || :; } >"$known.sanqian" && mv "$known.sanqian" "$known"
  fi
fi
rmdir /var/lib/sanqian/jobs /var/lib/sanqian 2>/dev/null || :
"""


@register("node-unused")
class NodeUnused(Action):
    """Args: ``node``. Fails while other hosts are reached through it."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        node = ctx.node(ctx.args["node"])
        if behind := list(node.behind.values_list("name", flat=True)):
            raise ActionFailed(
                f"{', '.join(behind)} is reached through {node.name}.",
                "Give those hosts another jump host first.",
                host=node.name,
                again=False,
            )
        return Done({}, Outcome.CHECKED)


@register("clean-if-reached")
class CleanIfReached(Action):
    """Args: ``host``, ``script`` (phases and environment). Result: ``left``, what is not cleaned; empty where all is.

    A host that is given up may be dead: it is tried, and what it keeps is said.
    """

    def run(self, ctx: Context) -> Done | Wait:
        node, script = ctx.node(ctx.args["host"]), ctx.args["script"]
        env = {**script["env"], "SANQIAN_HOST": node.name}
        tries = ctx.memory["tries"] = ctx.memory.get("tries", 0) + 1
        try:
            with ctx.remote(node) as remote:
                for phase in ("apply", "verify"):
                    done = remote.run(f"set -eu\n{script[phase]}", env=env, sudo=True, timeout=PATIENCE)
                    ctx.log(done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace"))
                    if not done.ok:
                        return self._given_up(ctx, node, done.error_text[-500:])
        except RemoteError as error:
            if error.kind == "timeout" and tries < TRIES:
                return Wait(2, f"{node.name} is slow; tried again")
            return self._given_up(ctx, node, error.message, away=True)
        return Done({"left": []})

    def _given_up(self, ctx: Context, node: Node, why: str, *, away: bool = False) -> Done:
        left = ["containers, mounts, interfaces and rules of Kubernetes", "/etc/kubernetes", "/var/lib/kubelet"]
        if "etcd" in node.role_groups:
            left.append("/var/lib/etcd with the cluster's data as of its death")
        left += ["/var/lib/sanqian", f"the line of this cluster in ~{node.user}/.ssh/authorized_keys"]
        ctx.log(f"{node.name} is not cleaned: {why}")
        for what in left:
            ctx.log(f"may still be there: {what}")
        ctx.log("Do not let this host boot in the cluster's network again before it was set up anew.")
        return Done({"left": left, "why": why, "away": away}, note=f"not cleaned: {why}"[:300])


@register("leave-hosts")
class LeaveHosts(Action):
    """Args: ``hosts`` (names), ``key`` (path on the first control-plane host), ``force``: hosts may be away."""

    def run(self, ctx: Context) -> Done | Wait:
        mark = f"sanqian {ctx.cluster.pk}"
        first = next((node.name for node in ctx.nodes if "control-plane" in node.role_groups), "")

        def leave(remote: Remote, node: Node) -> None:
            env = {"KEY": ctx.args["key"], "MARK": mark, "FIRST": "yes" if node.name == first else "no"}
            remote.run(REVOKE, env=env, check=True)
            detached.clean(remote, 0)  # a cancelled attempt's, which would stay for a minute
            remote.run(TIDY, env=env, sudo=True, check=True)

        chosen = [node for node in ctx.nodes if node.name in ctx.args["hosts"]]
        if ctx.args["force"] and ctx.result_of("clean").get("away"):
            # Its answer was waited for just now.
            return Done({"away": [node.name for node in chosen]}, note="not asked again: it was away a moment ago")
        errors = errors_of(ctx.on_hosts(leave, chosen).items())
        for error in errors.values():
            if not ctx.args["force"]:
                raise error
            ctx.log(str(error))
        return Done({"away": sorted(errors)})


@register("retire-node")
class RetireNode(Action):
    """Args: ``node``. The host's row goes; what was done on it stays in the history. Result: what the row held."""

    def probe(self, ctx: Context) -> bool | None:
        return all(node.name != ctx.args["node"] for node in ctx.nodes)

    def run(self, ctx: Context) -> Done | Wait:
        node = next((node for node in ctx.nodes if node.name == ctx.args["node"]), None)
        if node is None:
            return Done({}, Outcome.ALREADY)
        held = {word: getattr(node, word) for word in ("name", "address", "internal_address", "user", "role_groups")}
        try:
            registry.delete_node(node)
        except registry.InUse as error:
            raise ActionFailed(str(error), "Give those hosts another jump host, then retry.", again=False) from error
        return Done({"node": held})


@register("verify-clean")
class VerifyClean(Action):
    """Fails naming what a preflight would still find of a platform on the hosts."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        answers = ctx.on_hosts(lambda remote, node: read_facts(remote, node, ""))
        for node in ctx.nodes:
            facts = answers[node.name]
            if isinstance(facts, RemoteError):
                raise facts
            found = [trace["what"] for trace in facts["residue"]]
            found += [f"port {port}" for port in ("2379", "2380", "6443", "10250") if port in facts["listening"]]
            found += [f"the mark of cluster {facts['owner']}"] if facts["owner"] else []
            if found and not ctx.dry_run:
                raise ActionFailed(
                    f"{node.name} is not clean: {', '.join(found)}.",
                    "Remove it by hand, or reboot the host, then retry.",
                    host=node.name,
                    kind="residue",
                )
            Node.objects.filter(pk=node.pk).update(facts=facts)
        return Done({"hosts": len(ctx.nodes)}, Outcome.CHECKED, f"{len(ctx.nodes)} hosts are clean")


@register("forget-platform")
class ForgetPlatform(Action):
    """What the service knew of the cluster's inside is gone with it; the hosts stay registered."""

    def probe(self, ctx: Context) -> bool | None:
        return not ctx.cluster.kubeconfig and not ctx.cluster.components.exists()

    @transaction.atomic
    def run(self, ctx: Context) -> Done | Wait:
        Cluster.objects.filter(pk=ctx.cluster.pk).update(kubeconfig="", cpod_id="", checked_at=None)
        Component.objects.filter(cluster=ctx.cluster).delete()
        Observation.objects.filter(cluster=ctx.cluster).delete()
        return Done({})
