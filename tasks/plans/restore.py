"""Etcd's data back as a snapshot holds them, on all members at once. Pure.

The order is that of etcd's and Kubernetes' own manuals: no API server runs, no member runs, every member is made anew
from the same snapshot as a member of one new cluster, then etcd, then the API servers.
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import install
from tasks.plans.members import etcd_check, etcd_members
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

STAGE = f"{STATE}/restore"
HELD = "/etc/kubernetes/held-by-restore"
PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "confirm": {
        "type": "string",
        "examples": ["first"],
        "description": "The cluster's name, because what was written after the snapshot is lost.",
    },
    "backup": {
        "type": "string",
        "examples": ["etcd-20261124T031500Z.db"],
        "pattern": r"etcd-\d{8}T\d{6}Z\.db",
        "description": "Name of the snapshot, as the backups are listed; the newest where it is missing.",
    },
    "source": {
        "type": "string",
        "examples": ["store"],
        "description": "Take it from this etcd host, or from `store`; from wherever it is where it is missing.",
    },
}
NOTES = (
    "The API is away from when the API servers stop until etcd has its quorum again; pods go on meanwhile.",
    "Etcd's data of now stay on each member as /var/lib/etcd/member.before-restore-TIME, for you to remove.",
)


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` without the confirmation, and for a source that is none."""
    members, masters = cluster.group("etcd"), cluster.group("control-plane")
    names = tuple(host.name for host in members)
    if not members or not masters:
        raise PlanError(
            "The cluster has no etcd host or no control-plane host.",
            fix="Name one in the role groups etcd and control-plane.",
        )
    source = str(params.get("source") or "")
    if source and source not in (*names, "store"):
        raise PlanError(
            f"{source!r} is no etcd host and not `store`.",
            field="source",
            fix=f"Choose from: {', '.join((*names, 'store'))}.",
        )
    if params.get("confirm") != cluster.name:
        raise PlanError(
            "What was written to the cluster after the snapshot would be lost, and that is not confirmed.",
            field="confirm",
            fix=f"Give the cluster's name: {cluster.name}.",
        )
    site = Site(cluster, {**params, "artifact_directory": install.PARAMS["artifact_directory"]["default"]})
    env = {
        **site.env,
        **etcd_members(members),
        "STAGE": STAGE,
        "HELD": HELD,
        "PORT": str(cluster.settings.get("control_plane_port") or 6443),
        "NODES": " ".join(site.kubernetes_nodes),
    }
    apis = tuple(host.name for host in masters)
    nodes = site.kubernetes_nodes
    args = {"hosts": list(names), "masters": list(apis), "members": env["MEMBERS"], "stage": STAGE, "held": HELD}

    def on(
        key: str,
        title: str,
        hosts: tuple[str, ...],
        after: str,
        *shared: str,
        wait: int = 120,
        expected: float = 5,
        timeout: float = 900,
    ) -> StepSpec:
        made = script(key, *shared, env={**env, "WAIT": str(wait)})
        # All hosts at once: one member of etcd is not well before the others are.
        return StepSpec(key, title, made, hosts, (after,), expected, parallel=len(hosts), timeout=timeout)

    steps = (
        StepSpec(
            "choose-backup",
            "Choose the snapshot, and check that hosts, members and versions are fit for it",
            Action("choose-backup", {**args, "backup": str(params.get("backup") or ""), "source": source}),
            expected=5,
            timeout=600,
            retry=Retry(2),
        ),
        StepSpec(
            "stage-backup",
            "Bring the snapshot to every etcd host",
            Action("stage-backup", {"stage": STAGE}),
            after=("choose-backup",),
            expected=20,
            timeout=4 * 3600.0,
            retry=Retry(3),
        ),
        on("restore-staged", "Verify the snapshot there", names, "stage-backup", "restored", "snapshots", timeout=3600),
        on("restore-stop-api", "Stop the API servers", apis, "restore-staged"),
        on("restore-stop-etcd", "Stop etcd on all members", names, "restore-stop-api"),
        on("restore-member", "Restore all members", names, "restore-stop-etcd", "restored", "snapshots", timeout=3600),
        on("restore-start-etcd", "Start etcd on all members", names, "restore-member", "etcd"),
        etcd_check(site, "etcd-quorum", members, after=("restore-start-etcd",)),
        on("restore-start-api", "Start the API servers", apis, "etcd-quorum", wait=300, expected=20),
        on("restore-kubelets", "Have the kubelets read everything anew", nodes, "restore-start-api"),
        StepSpec(
            "nodes",
            "Wait for the nodes to be ready",
            script("kubernetes-nodes", "nodes", env={**env, "WAIT": "600"}),
            hosts=(site.first.name,),
            after=("restore-kubelets",),
            expected=20,
            timeout=1200,
        ),
        on("restore-tidy", "Remove the staged snapshot; the old data stay aside", names, "nodes"),
        StepSpec(
            "check-health",
            "Read the cluster's health",
            Action("check-health"),
            after=("restore-tidy",),
            expected=5,
            timeout=300,
            retry=Retry(5, delay=5),
        ),
    )
    return Plan("restore", steps, holds_etcd=True, notes=NOTES).validate(cluster.names)
