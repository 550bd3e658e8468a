"""Kubernetes to a newer version that the artifact carries: a snapshot of etcd first, then kk, node by node. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import backup, hosts, install
from tasks.plans.scripting import script
from tasks.plans.site import KEY, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "version": {
        "type": "string",
        "examples": ["v1.25.3"],
        "pattern": r"v\d{1,2}\.\d{1,3}\.\d{1,3}",
        "description": "The version to have afterwards, such as v1.25.3.",
    },
    "confirm": {
        "type": "string",
        "examples": ["first"],
        "description": "The cluster's name, because nothing leads back from an upgrade.",
    },
    "artifact": install.PARAMS["artifact"],
    "artifact_directory": install.PARAMS["artifact_directory"],
}
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for a version that cannot follow, and without the cluster's name."""
    wanted = str(params.get("version") or "")
    if not wanted:
        raise PlanError("It is not said to which version.", field="version", fix="Give one such as v1.25.3.")
    _check(str(cluster.settings.get("kubernetes_version") or ""), wanted)
    if params.get("confirm") != cluster.name:
        raise PlanError(
            "The upgrade is not confirmed.", field="confirm", fix=f"Give the cluster's name: {cluster.name}."
        )
    site, first = Site(cluster, params), (cluster.first.name,)
    config = f"{site.artifact}/cluster-upgrade.yaml"
    env = {
        **site.env,
        "CONFIG": config,
        "VERSION": wanted,
        "NODES": " ".join(site.kubernetes_nodes),
        "WAIT": "600",
    }
    saved = backup.steps(cluster, {"directory": backup.DIRECTORY, "keep": backup.PARAMS["keep"]["default"]})
    steps = (
        StepSpec(
            "upgrade-check",
            "Check that the cluster and the artifact are fit for it",
            script("upgrade-check", "nodes", "versions", env=env),
            hosts=first,
            expected=10,
            timeout=1800,
        ),
        *(StepSpec(**{**step.__dict__, "after": step.after or ("upgrade-check",)}) for step in saved),
        StepSpec(
            "configuration",
            "Write the configuration of kk",
            Action("write-configuration", {"path": config, "key": KEY, "kubernetes_version": wanted}),
            after=(saved[-1].key,),
            expected=2,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            "upgrade",
            f"Upgrade Kubernetes node by node to {wanted}",
            script("upgrade", "nodes", "versions", env=env),
            hosts=first,
            after=("configuration",),
            expected=300,
            timeout=4 * 3600.0,
            quiet=1800,
        ),
        hosts.kubeconfig(first[0], after="upgrade"),
        StepSpec(
            "record-version",
            "Record the version",
            Action("record-version", {"version": wanted}),
            after=("kubeconfig",),
            expected=1,
            timeout=300,
        ),
    )
    notes = ("Components stay as they are; nothing leads back but the snapshot of etcd.",)
    return Plan("upgrade", steps, holds_etcd=True, notes=notes).validate(cluster.names)


def _check(present: str, wanted: str) -> None:
    old, new = _VERSION.fullmatch(present), _VERSION.fullmatch(wanted)
    if old is None or new is None:
        raise PlanError(
            f"The cluster's version {present!r} is none that an upgrade can begin from.",
            field="version",
            fix="Correct the cluster's setting kubernetes_version.",
        )
    before, after = [tuple(map(int, match.groups())) for match in (old, new)]
    if after < before:
        raise PlanError(
            f"The cluster has {present}, which is newer than {wanted}.",
            field="version",
            fix="Kubernetes cannot be downgraded.",
        )
    if after[0] != before[0] or after[1] > before[1] + 1:
        raise PlanError(
            f"From {present} to {wanted} skips a minor version.",
            field="version",
            fix=f"Upgrade to v{before[0]}.{before[1] + 1} first.",
        )
