"""Further hosts for a cluster that runs: workers at once, members of the control plane and of etcd singly. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clusters.catalog import load
from tasks.plan import JSON, Action, ClusterFact, HostFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import hosts, preflight
from tasks.plans.components import gpu_driver
from tasks.plans.install import PARAMS as INSTALL
from tasks.plans.install import only
from tasks.plans.members import ARTIFACT, check, etcd_check, etcd_members, in_kubernetes, named
from tasks.plans.scripting import script
from tasks.plans.site import KEY, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "nodes": {
        "type": "array",
        "examples": [["worker4"]],
        "items": {"type": "string"},
        "description": "Names of the hosts that join; they are registered before.",
    },
    "ignore_preflight": preflight.PARAMS["ignore_preflight"],
    **ARTIFACT,
    "component_timeout": INSTALL["component_timeout"],
}
# What the installation does on every host is done here in its own steps; what is true on the old hosts is kept.
AS_INSTALLED = (*("ssh-trust", "artifact-fetch", "artifact-upload", "artifact-unpack", "packages-copy", "packages"),)
SINGLY = {"control-plane", "etcd"}
HOUR = 3600.0


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for hosts that are unknown or must not join."""
    site = Site(cluster, params)
    site.check_source()
    new = _new(cluster, params.get("nodes") or ())
    old = tuple(host for host in cluster.hosts if host not in new)
    first = preflight.step(cluster.installed, params["ignore_preflight"], site.artifact)
    kept = only([first, *hosts.steps(site)], (first.key, *AS_INSTALLED))[1:]
    steps = [first, _members(site, old), *map(_behind_members, kept), *_joins(site, old, new)]
    steps += _afterwards(site, new, steps[-1].key)
    return Plan(
        "add-nodes", tuple(steps), holds_etcd=any("etcd" in host.roles for host in new), notes=tuple(_notes(new))
    )


def _new(cluster: ClusterFact, names: Sequence[str]) -> tuple[HostFact, ...]:
    if not names:
        raise PlanError(
            "It is not said which hosts join.", field="nodes", fix="Register them, then give their names in nodes."
        )
    new = named(cluster, names, "nodes")
    if cluster.first in new:
        raise PlanError(
            f"{cluster.first.name} is the first control-plane host: it carries the cluster.",
            field="nodes",
            fix="Name only hosts that are to join; a first installation is the operation install.",
        )
    for host in new:
        if not host.roles:
            raise PlanError(f"{host.name} is in no role group.", field="nodes", fix="Make it a worker, for example.")
        if "registry" in host.roles:
            raise PlanError(
                f"{host.name} is in the role group registry, which is set up by the installation.",
                field="nodes",
                fix="Take it out of that role group.",
            )
    members = len(cluster.group("etcd"))
    if members % 2 == 0 and any("etcd" in host.roles for host in new):
        raise PlanError(
            f"etcd would have {members} members, which bear no more failures than {members - 1}.",
            field="nodes",
            fix="Let one more or one less of them be in the role group etcd.",
        )
    return new


def _members(site: Site, old: Sequence[HostFact]) -> StepSpec:
    nodes = " ".join(host.name for host in old if in_kubernetes(host))
    return StepSpec(
        "members",
        "Check that the other hosts are in the cluster",
        check("members", {**site.env, "NODES": nodes}),
        hosts=(site.first.name,),
        after=("preflight",),
        expected=2,
        timeout=300,
    )


def _joins(site: Site, old: Sequence[HostFact], new: Sequence[HostFact]) -> list[StepSpec]:
    """kk adds whatever its configuration has and the cluster has not: so the configuration grows host by host."""
    steps: list[StepSpec] = []
    there = list(old)
    after: tuple[str, ...] = ("ssh-trust", "packages")
    singly = [host for host in new if host.roles & SINGLY]
    etcd = [host for host in there if "etcd" in host.roles]
    if etcd and singly:
        steps.append(etcd_check(site, "etcd-check", etcd, after=after))
        after = ("etcd-check",)
    for host in singly:
        there.append(host)
        steps += _join(site, host.name, there, (host,), after)
        after = (f"join-{host.name}",)
        if etcd:
            etcd = [one for one in there if "etcd" in one.roles]
            steps.append(etcd_check(site, f"etcd-check-{host.name}", etcd, after=after))
            after = (f"etcd-check-{host.name}",)
    if rest := [host for host in new if host not in singly]:
        there += rest
        steps += _join(site, "workers", there, rest, after)
    return steps


def _join(
    site: Site, name: str, there: Sequence[HostFact], joining: Sequence[HostFact], after: tuple[str, ...]
) -> list[StepSpec]:
    without = [host.name for host in site.cluster.hosts if host not in there]
    nodes = " ".join(host.name for host in joining if in_kubernetes(host))
    etcd = " ".join(host.name for host in joining if "etcd" in host.roles)
    env = {**site.env, **etcd_members(there), "NODES": nodes, "ETCD": etcd, "WAIT": "600"}
    who = ", ".join(host.name for host in joining)
    return [
        StepSpec(
            f"configuration-{name}",
            f"Write the configuration of kk with {who}",
            Action("write-configuration", {"path": site.config, "key": KEY, "without": without}),
            after=after,
            expected=2,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            f"join-{name}",
            f"Let {who} join",
            script("nodes-join", "nodes", "etcd", "whole", env=env),
            hosts=(site.first.name,),
            after=(f"configuration-{name}",),
            expected=90,
            timeout=3 * HOUR,
            quiet=1800,
        ),
    ]


def _afterwards(site: Site, new: Sequence[HostFact], last: str) -> list[StepSpec]:
    """Labels, and that what follows nodes has followed."""
    nodes = [host.name for host in new if in_kubernetes(host)]
    if not nodes:
        return []
    steps = [
        StepSpec(
            "labels",
            "Label the nodes",
            Action("label-nodes", {"host": site.first.name, "nodes": nodes}),
            after=(last,),
            expected=3,
            timeout=600,
            retry=Retry(3),
        )
    ]
    if "gpu-operator" in site.cluster.installed:
        steps.append(gpu_driver(site, "labels"))
    steps.append(
        StepSpec(
            "node-pods",
            "Wait for what runs on every node",
            script("node-pods", env={**site.env, "NODES": " ".join(nodes), "WAIT": "900"}),
            hosts=(site.first.name,),
            after=(steps[-1].key,),
            expected=30,
            timeout=1800,
        )
    )
    if installed := sorted(site.cluster.installed):
        patience = float(site.params.get("component_timeout") or max(load()[name].timeout for name in installed))
        steps.append(
            StepSpec(
                "verify",
                "Verify that every component is healthy",
                Action("verify-components", {"components": installed, "timeout": patience}),
                after=("node-pods",),
                expected=30,
                timeout=patience + 600,
            )
        )
    return steps


def _behind_members(step: StepSpec) -> StepSpec:
    return StepSpec(**{**step.__dict__, "after": tuple("members" if k == "preflight" else k for k in step.after)})


def _notes(new: Sequence[HostFact]) -> Sequence[str]:
    if any("etcd" in host.roles for host in new):
        return ["The API servers know a new member of etcd once their manifests are written anew, as an upgrade does."]
    return []
