"""Steps that read a Kubernetes which somebody else installed, and its hosts. They change nothing."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import Q
from django.utils import timezone

from clusters import catalog
from clusters.certificates import NAME as CERTIFICATES
from clusters.existing.model import Existing
from clusters.existing.parsing import endpoint_of
from clusters.existing.reading import read as read_existing
from clusters.kubeconfig import KubeError
from clusters.models import Cluster, ClusterState, Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.certificates import ReadCertificates
from tasks.actions.kubernetes import ADMIN_CONF, outward
from tasks.actions.preflight import BATCH, MARGIN, READING, read_facts
from tasks.kube_access import open_kube
from tasks.models import Outcome
from tasks.plan import JSON
from tasks.plans import matching
from tasks.plans.facts import FactsIncomplete
from tasks.plans.findings import ERROR, WARNING
from tasks.plans.matching import HostSeen
from tasks.plans.scripting import FILES
from tasks.remote import Remote, RemoteError
from tasks.remote.files import download


def administrator(ctx: Context) -> str:
    """The administrator's kubeconfig: the one that was given, else that of a control-plane host.

    Raises `ActionFailed` where no host has one, `RemoteError` where one of the hosts did not answer.
    """
    if ctx.cluster.kubeconfig:
        return ctx.cluster.kubeconfig
    away: RemoteError | None = None
    for node in sorted(ctx.nodes, key=lambda node: bool(node.role_groups) and "control-plane" not in node.role_groups):
        try:
            with ctx.remote(node) as remote:
                if not remote.run(f"[ -r {ADMIN_CONF} ]", sudo=True).ok:
                    continue
                text, server = outward(download(remote, ADMIN_CONF).decode(), node.address)
        except RemoteError as error:
            away = away or error
        except ValueError as error:
            raise ActionFailed(
                f"{ADMIN_CONF} of {node.name} cannot be used: {error}",
                "Give a kubeconfig instead: 3kctl import NAME --kubeconfig FILE.",
                host=node.name,
                kind="kubeconfig",
                again=False,
            ) from error
        else:
            ctx.log(f"the administrator's kubeconfig is taken from {node.name}; the API server is {server}")
            return text
    if away is not None:
        raise away
    raise ActionFailed(
        f"None of the hosts has {ADMIN_CONF}.",
        "Add a control-plane host, or give a kubeconfig: 3kctl import NAME --kubeconfig FILE.",
        kind="kubeconfig",
        again=False,
    )


def refuse_second(cluster: Cluster, uid: str) -> None:
    """Raises `ActionFailed` where this Kubernetes is a cluster of this service already, whoever's it is."""
    cpod_id = hashlib.md5(uid.encode(), usedforsecurity=False).hexdigest()
    others = Cluster.objects.exclude(pk=cluster.pk).exclude(state=ClusterState.REMOVED)
    other = others.filter(Q(kubernetes_uid=uid) | Q(cpod_id=cpod_id)).first()
    if other is None:
        return
    forget = f"forget this registration with `3kctl clusters delete {cluster.name}`"
    if other.customer_id == cluster.customer_id:
        what = f"This Kubernetes is your cluster {other.name} already (kube-system has the uid {uid})."
        fix = f"Use it: `3kctl status {other.name}`; and {forget}."
    else:
        what = f"This Kubernetes is registered by another customer already (kube-system has the uid {uid})."
        fix = f"Ask the service's operator who has it, and have it forgotten there first; or {forget}."
    raise ActionFailed(what, fix, kind="imported-already", again=False)


@register("import-cluster")
class ImportCluster(Action):
    """Result: `Existing` as JSON."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        ctx.cluster.kubeconfig = administrator(ctx)
        try:
            with open_kube(ctx.cluster, any_host=True) as (kube, via):
                found = read_existing(kube, catalog.load())
        except KubeError as error:
            raise ActionFailed(error.message, error.fix, kind=error.kind) from error
        refuse_second(ctx.cluster, found.uid)
        ctx.log(f"Kubernetes {found.version}, read {f'through {via}' if via else 'directly'}")
        for node in found.nodes:
            ctx.log(f"node {node.name} {node.internal_ip} {node.kubelet_version} {', '.join(node.roles)}")
        for chart in found.charts:
            ctx.log(f"release {chart.namespace}/{chart.release}: {chart.chart} {chart.version} ({chart.status})")
        note = f"{found.version}, {len(found.nodes)} nodes, {len(found.parts)} components"
        return Done(found.to_json(), Outcome.CHECKED, note)


@register("import-hosts")
class ImportHosts(Action):
    """Result: ``hosts`` {name: what `matching.parse` gives}. The hosts' facts are stored, as a preflight does."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        said: dict[str, JSON] = ctx.memory.setdefault("said", {})
        seen = ctx.result_of("cluster")
        env = {
            "REGISTRY": str(seen.get("registry") or ""),
            "ENDPOINT": endpoint_of(str(seen.get("endpoint") or ""))[0],
        }

        def read(remote: Remote, node: Node) -> tuple[dict[str, JSON], dict[str, JSON]]:
            facts = read_facts(remote, node, "")
            told = remote.run(FILES["import-host"], env={**env, "HOST": node.name}, sudo=True, timeout=READING)
            try:
                return facts, matching.parse(told.stdout.decode(errors="replace"))
            except FactsIncomplete as error:
                raise RemoteError(
                    f"what runs there could not be read (exit code {told.exit_code}): {told.error_text[-300:]}",
                    "check that sh, awk and iproute2 on the host work.",
                    host=node.name,
                    kind="facts",
                ) from error

        while waiting := [node for node in ctx.nodes if node.name not in said][:BATCH]:
            if said and ctx.time_left() < MARGIN:
                return Wait(0, f"{len(said)} of {len(ctx.nodes)} hosts read")
            answers = ctx.on_hosts(read, waiting, parallel=BATCH)
            for node in waiting:
                answer = answers[node.name]
                if not isinstance(answer, RemoteError):
                    facts, said[node.name] = answer
                    Node.objects.filter(pk=node.pk).update(facts=facts, facts_at=timezone.now())
            ctx.progress(100 * len(said) / len(ctx.nodes), f"{len(said)} of {len(ctx.nodes)} hosts read")
            for error in errors_of(answers.items()).values():
                raise error
        return Done({"hosts": said}, Outcome.CHECKED, f"{len(said)} hosts")


@register("import-match")
class ImportMatch(Action):
    """Result: ``findings``, ``counts``, ``record`` (what `import-record` stores), ``changes`` (settings it changes)."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        # A dry run goes on behind a step that failed.
        said = ctx.result_of("hosts").get("hosts", {})
        if not (seen := ctx.result_of("cluster")) or any(node.name not in said for node in ctx.nodes):
            raise ActionFailed(
                "The Kubernetes and its hosts were not all read.", "Heal what failed before, then import again."
            )
        found = Existing.from_json(seen)
        hosts = [
            HostSeen(node.name, f"hosts[{n}]", node.internal_address, frozenset(node.role_groups), said[node.name])
            for n, node in enumerate(ctx.nodes)
        ]
        marks = {str(host.said.get("owner") or "") for host in hosts} - {"", str(ctx.cluster.pk)}
        known = {str(pk) for pk in Cluster.objects.values_list("pk", flat=True)} if marks else set()
        rows = matching.compare(found, hosts, {mark: mark in known for mark in marks})
        record = matching.record_of(found, hosts, ctx.cluster.inventory_extra)
        changes = {
            name: [getattr(ctx.cluster, name), value]
            for name, value in record["settings"].items()
            if getattr(ctx.cluster, name) != value
        }
        counts = {level: sum(row.level == level for row in rows) for level in (WARNING, ERROR)}
        result: dict[str, Any] = {
            "findings": [row.to_json() for row in rows],
            "counts": counts,
            "record": record,
            "changes": changes,
        }
        for row in rows:
            ctx.log(f"{row.level:7} {row.code:17} {row.host}: {row.what}" + (f" Fix: {row.fix}" if row.fix else ""))
        for name, (old, new) in changes.items():
            ctx.log(f"{name}: {old!r} becomes {new!r}")
        for name, roles in record["hosts"].items():
            ctx.log(f"host {name}: {', '.join(roles) or 'no role group'}")
        for part in record["parts"]:
            ctx.log(f"component {part['name']}: {part['chart_version'] or part['version'] or 'version not known'}")
        if counts[ERROR]:
            first, more = rows[0], counts[ERROR] - 1
            raise ActionFailed(
                f"{first.host}: {first.what}{f' And {more} more.' if more else ''}",
                first.fix,
                host=first.host,
                kind="mismatch",
                result=result,
                again=False,
            )
        return Done(result, Outcome.CHECKED, f"{counts[WARNING]} warnings")


@register("import-certificates")
class ImportCertificates(Action):
    """Reads certificates, whose end is part of the cluster's health from then on. Result: as `read-certificates`."""

    def probe(self, ctx: Context) -> bool | None:
        known = ctx.cluster.components.filter(name=CERTIFICATES, checked_at__isnull=False).exists()
        return known and bool(ctx.cluster.kubernetes_uid)

    def run(self, ctx: Context) -> Done | Wait:
        return ReadCertificates().run(ctx)
