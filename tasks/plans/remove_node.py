"""One host leaves the cluster: Ceph's data moved, drained, out of etcd, deleted by kk, cleaned, its row gone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.plan import JSON, Action, ClusterFact, HostFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import artifact, ceph_remove_osd
from tasks.plans.members import ARTIFACT, check, clean, etcd_leave, in_kubernetes, named, owned
from tasks.plans.scripting import script
from tasks.plans.site import KEY, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "node": {"type": "string", "examples": ["worker4"], "description": "Name of the host that leaves."},
    "drain_timeout": {
        "type": "integer",
        "minimum": 1,
        "maximum": 86400,
        "default": 900,
        "description": "Seconds that the node's pods may take to leave it; budgets (PodDisruptionBudget) are kept.",
    },
    "delete_emptydir_data": {
        "type": "boolean",
        "default": False,
        "description": "Pods with an emptyDir volume may go too: what they keep there is lost.",
    },
    "force": {
        "type": "boolean",
        "default": False,
        "description": "The host is dead: what does not leave it is given up, and what cannot be cleaned is listed.",
    },
    "osds": {
        **ceph_remove_osd.PARAMS["osds"],
        "description": "Numbers of all OSDs of Ceph that the host has: their data is moved, then they are removed.",
    },
    "patience": ceph_remove_osd.PARAMS["patience"],
    "component_timeout": ceph_remove_osd.PARAMS["component_timeout"],
    **ARTIFACT,
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` where the cluster cannot do without the host."""
    site = Site(cluster, params)
    site.check_source()
    node = _leaving(cluster, params.get("node"))
    force = params["force"]
    steps = [_unused(node)]
    if osds := sorted(set(params["osds"])):
        steps += artifact.steps(site)
        after = (steps[0].key, artifact.UNPACKED)
        steps += ceph_remove_osd.moving(site, osds, float(params["patience"]), after, host=node.name)
    steps.append(_check(site, node, (steps[-1].key,), force=force))

    def behind() -> tuple[str, ...]:
        return (steps[-1].key,)

    if not force:
        steps.append(owned(site, node.name, after=behind()))
    if in_kubernetes(node):
        steps.append(_drain(site, node, params, behind()))
    if "etcd" in node.roles:
        steps.append(etcd_leave(site, node, force=force, after=behind()))
    if in_kubernetes(node):
        steps += _delete(site, node, behind(), force=force)
    if force:
        args = {"host": node.name, "script": clean(site, node.name, after=()).do.__dict__}
        steps.append(
            StepSpec(
                "clean",
                f"Clean {node.name} where it answers, or list what stays",
                Action("clean-if-reached", args),
                after=behind(),
                expected=20,
                timeout=900,
            )
        )
    else:
        # Its data has moved by then: what Rook had on the host would only be in the way of a later Ceph.
        steps.append(clean(site, node.name, after=behind(), ceph=bool(osds)))
    steps += _retire(site, node, behind(), force=force)
    return Plan("remove-node", tuple(steps), holds_etcd="etcd" in node.roles, notes=tuple(_notes(cluster, node)))


def _leaving(cluster: ClusterFact, name: JSON) -> HostFact:
    if not name:
        raise PlanError("It is not said which host leaves.", field="node", fix="Give its name.")
    (node,) = named(cluster, [str(name)], "node")

    def refuse(why: str, fix: str) -> PlanError:
        return PlanError(f"{node.name} cannot leave: {why}", field="node", fix=fix)

    if cluster.group("control-plane") == (node,):
        raise refuse("it is the only control-plane host.", "Add another first, or uninstall the cluster.")
    if node == cluster.first:
        raise refuse(
            "it is the first control-plane host, which all others are managed from.",
            "Uninstall the cluster where it is to go altogether.",
        )
    if "registry" in node.roles:
        raise refuse("it carries the private registry.", "Move the registry first, and take it out of the role group.")
    if cluster.group("etcd") == (node,):
        raise refuse("it is the only member of etcd.", "Add another member first.")
    return node


def _unused(node: HostFact) -> StepSpec:
    do = Action("node-unused", {"node": node.name})
    return StepSpec("unused", f"Check that no host is reached through {node.name}", do, expected=1, timeout=300)


def _check(site: Site, node: HostFact, after: tuple[str, ...], *, force: bool) -> StepSpec:
    env = {**site.env, "NODE": node.name, "FORCE": "yes" if force else "no"}
    return StepSpec(
        "removable",
        f"Check that the cluster can do without {node.name}",
        check("node-removable", env),
        hosts=(site.first.name,),
        after=after,
        expected=3,
        timeout=300,
    )


def _drain(site: Site, node: HostFact, params: Mapping[str, JSON], after: tuple[str, ...]) -> StepSpec:
    seconds = params["drain_timeout"]
    env = {
        **site.env,
        "NODE": node.name,
        "SECONDS_LEFT": str(seconds),
        "EMPTYDIR": "yes" if params["delete_emptydir_data"] else "no",
        "FORCE": "yes" if params["force"] else "no",
    }
    return StepSpec(
        "drain",
        f"Drain {node.name}",
        script("node-drain", "node-gone", env=env),
        hosts=(site.first.name,),
        after=after,
        expected=60,
        timeout=seconds + 600,
        quiet=seconds + 300,
    )


def _delete(site: Site, node: HostFact, after: tuple[str, ...], *, force: bool) -> list[StepSpec]:
    env = {**site.env, "NODE": node.name, "FORCE": "yes" if force else "no"}
    configuration = StepSpec(
        "configuration",
        "Write the configuration of kk",
        Action("write-configuration", {"path": site.config, "key": KEY}),
        after=after,
        expected=2,
        timeout=600,
        retry=Retry(3),
    )
    delete = StepSpec(
        "delete",
        f"Delete the node {node.name}",
        script("node-delete", "node-gone", env=env),
        hosts=(site.first.name,),
        after=(configuration.key,),
        expected=30,
        timeout=3600,
        quiet=1800,
    )
    return [configuration, delete]


def _retire(site: Site, node: HostFact, after: tuple[str, ...], *, force: bool) -> list[StepSpec]:
    return [
        StepSpec(
            "leave",
            f"Take this cluster's key off {node.name}",
            Action("leave-hosts", {"hosts": [node.name], "key": KEY, "force": force}),
            after=after,
            expected=2,
            timeout=600,
            retry=Retry(2),
        ),
        StepSpec(
            "configuration-after",
            f"Write the configuration of kk without {node.name}",
            Action("write-configuration", {"path": site.config, "key": KEY, "without": [node.name]}),
            after=("leave",),
            expected=2,
            timeout=600,
            retry=Retry(3),
        ),
        # Last: a retry of any step before needs the row to find the host.
        StepSpec(
            "retire",
            f"Take {node.name} out of the registry",
            Action("retire-node", {"node": node.name}),
            after=("configuration-after",),
            expected=1,
            timeout=300,
        ),
    ]


def _notes(cluster: ClusterFact, node: HostFact) -> Iterable[str]:
    members = len(cluster.group("etcd")) - 1
    if "etcd" in node.roles and members % 2 == 0:
        yield f"etcd is left with {members} members, which bear no more failures than {members - 1}."
