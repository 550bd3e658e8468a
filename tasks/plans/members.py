"""What the plans share that change a cluster's hosts: the parameters, the steps at etcd, the hosts' cleaning. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tasks.plan import JSON, ClusterFact, HostFact, PlanError, Script, StepSpec
from tasks.plans.install import PARAMS as INSTALL
from tasks.plans.scripting import FILES, script
from tasks.plans.site import Site

KUBERNETES = ("control-plane", "worker")
ARTIFACT: Mapping[str, Mapping[str, JSON]] = {name: INSTALL[name] for name in ("artifact", "artifact_directory")}


def in_kubernetes(host: HostFact) -> bool:
    """Whether the host is a node of Kubernetes; one for etcd or the registry alone is none."""
    return bool(host.roles & set(KUBERNETES))


def named(cluster: ClusterFact, names: Iterable[str], field: str) -> tuple[HostFact, ...]:
    """The cluster's hosts of these names, in the customer's order. Raises `PlanError` for an unknown one."""
    wanted = list(names)
    for n, name in enumerate(wanted):
        if name not in cluster.names:
            at = field if len(wanted) == 1 else f"{field}[{n}]"
            raise PlanError(
                f"The cluster has no host {name!r}.", field=at, fix=f"Choose from: {', '.join(cluster.names)}."
            )
    return tuple(host for host in cluster.hosts if host.name in wanted)


def etcd_url(host: HostFact, port: int = 2379) -> str:
    """Where etcd's clients (2379) or its other members (2380) find this one."""
    address = f"[{host.internal_address}]" if ":" in host.internal_address else host.internal_address
    return f"https://{address}:{port}"


def check(name: str, env: Mapping[str, str]) -> Script:
    """A script that only looks. It is its own probe, so that a retry looks again: meanwhile much may have changed."""
    made = script(name, env=env)
    return replace(made, probe=f"{{\n{made.apply}\n}} >/dev/null 2>&1")


def owned(site: Site, *names: str, after: tuple[str, ...] = ()) -> StepSpec:
    """The step that makes sure that hosts are not marked as another cluster's, before anything resets them."""
    return StepSpec(
        "owned",
        "Check whose hosts these are",
        check("owned", {**site.env, "OWNER": site.cluster.id}),
        hosts=names,
        after=after,
        expected=2,
        timeout=600,
        unreachable=120,
    )


def etcd_check(site: Site, key: str, members: Iterable[HostFact], *, after: tuple[str, ...]) -> StepSpec:
    """The step that has etcd's members asked: all of these, in good health, and nobody who is not registered."""
    hosts = tuple(members)
    others = etcd_members(host for host in site.cluster.hosts if host not in hosts)["MEMBERS"]
    env = {**site.env, **etcd_members(hosts), "MAY": others}
    return StepSpec(
        key,
        f"Check the {len(hosts)} members of etcd",
        script("etcd-check", "etcd", env={**env, "WAIT": "120"}),
        hosts=(hosts[0].name,),
        after=after,
        expected=3,
        timeout=600,
    )


def etcd_leave(site: Site, leaving: HostFact, *, force: bool, after: tuple[str, ...]) -> StepSpec:
    """The step that takes one host out of etcd, refused where those that stay are not in good health."""
    others = tuple(host for host in site.cluster.group("etcd") if host.name != leaving.name)
    env = {**site.env, **etcd_members(others), "PEER": etcd_url(leaving, 2380), "NAME": leaving.name}
    return StepSpec(
        "etcd-leave",
        f"Take {leaving.name} out of etcd",
        script("etcd-leave", "etcd", env={**env, "WAIT": "120", "FORCE": "yes" if force else "no"}),
        hosts=(others[0].name,),
        after=after,
        expected=5,
        timeout=600,
    )


def etcd_members(hosts: Iterable[HostFact]) -> dict[str, str]:
    """What the scripts must know of etcd: the members among `hosts`, with their addresses."""
    return {"MEMBERS": "\n".join(f"{host.name} {etcd_url(host)}" for host in hosts if "etcd" in host.roles)}


def clean(
    site: Site,
    *names: str,
    key: str = "clean",
    after: tuple[str, ...],
    ceph: bool = False,
    all_of_it: bool = False,
    artifact: bool = False,
) -> StepSpec:
    """The step that leaves hosts as if the platform had never been there, and verifies it as the preflight looks.

    `ceph` takes Rook's directory and the content of the disks that Ceph was given, `all_of_it` the registry and its
    container runtime, `artifact` the artifact.
    """
    yes = {True: "yes", False: "no"}
    env = {**site.env, "CEPH": yes[ceph], "WHOLE": yes[all_of_it], "TAKE_ARTIFACT": yes[artifact]}
    env |= {"OWNER": site.cluster.id, "REGISTRY": site.registry, "CONFIRM_MARKER": f"{site.artifact}/.sanqian-artifact"}
    disks = ("disk-look", "ceph-guard", "disk-zap", "ceph-clean-host.functions") if ceph else ()
    made = script("clean", *disks, env={**env, "CLUSTER_ID": site.cluster.id})
    # Probe and verification ask what a preflight would find here, so that another installation finds nothing.
    facts = f"facts() (\nset +eu\n{FILES['facts']})\n"
    looking = {phase: getattr(made, phase).replace("@FACTS@\n", facts) for phase in ("probe", "verify")}
    return StepSpec(
        key,
        f"Clean {names[0]}" if len(names) == 1 else f"Clean {len(names)} hosts",
        replace(made, **looking),
        hosts=names,
        after=after,
        expected=20,
        timeout=1800,
        unreachable=300,
    )
