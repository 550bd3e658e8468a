"""Snapshots of etcd, verified by reading them back, on the etcd hosts themselves. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import install
from tasks.plans.scripting import script
from tasks.plans.site import Site

DIRECTORY = "/var/backups/sanqian"
PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "hosts": {
        "type": "array",
        "examples": [["master1"]],
        "items": {"type": "string"},
        "description": "Etcd hosts that take and keep a snapshot; all where it is missing.",
    },
    "directory": {
        "type": "string",
        "default": DIRECTORY,
        "pattern": install.DIRECTORY,
        "description": f"Where each of them keeps it. {install.PATH_RULE}",
    },
    "keep": {
        "type": "integer",
        "default": 7,
        "minimum": 1,
        "maximum": 1000,
        "description": "How many snapshots stay on each host, and in the store; older ones are deleted once the new "
        "one is verified.",
    },
    "store": {
        "type": "boolean",
        "default": True,
        "description": "Copy it to the cluster's backup store too, where it has one.",
    },
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for hosts that are no members of etcd."""
    made = steps(cluster, params)
    notes: tuple[str, ...] = ()
    if cluster.settings.get("backup_store") and params["store"]:
        made = (*made, _store(made[-1], int(params["keep"])))
        if str(cluster.settings.get("backup_endpoint") or "").startswith("http:"):
            notes = ("The store is spoken to over plain HTTP: the snapshot and its secrets can be read on the way.",)
    return Plan("backup", made, mutating=False, holds_etcd=True, notes=notes).validate(cluster.names)


def _store(recorded: StepSpec, keep: int) -> StepSpec:
    args = recorded.do.args if isinstance(recorded.do, Action) else {}
    return StepSpec(
        "store-backup",
        "Copy the newest snapshot into the store, and read it back",
        Action("store-backup", {**args, "keep": keep}),
        after=(recorded.key,),
        expected=20,
        timeout=4 * 3600.0,
        retry=Retry(2),
    )


def steps(cluster: ClusterFact, params: Mapping[str, JSON]) -> tuple[StepSpec, ...]:
    """The snapshot and its record, for other plans to begin with. Raises `PlanError` as `make` does."""
    members = [host.name for host in cluster.group("etcd")]
    if not members:
        raise PlanError("The cluster has no etcd host.", fix="Name one in the role group etcd.")
    chosen = list(dict.fromkeys(members if params.get("hosts") is None else params["hosts"]))
    for n, name in enumerate(chosen):
        if name not in members:
            raise PlanError(
                f"{name!r} is no etcd host.", field=f"hosts[{n}]", fix=f"Choose from: {', '.join(members)}."
            )
    if not chosen:
        raise PlanError("No host is to keep a snapshot.", field="hosts", fix=f"Choose from: {', '.join(members)}.")
    directory = str(params["directory"]).rstrip("/")
    site = Site(cluster, {**params, "artifact_directory": install.PARAMS["artifact_directory"]["default"]})
    version = site.setting("kubernetes_version")
    env = {**site.env, "DIRECTORY": directory, "KEEP": str(params["keep"]), "KUBERNETES": version}
    snapshot = StepSpec(
        "snapshot",
        "Take a snapshot of etcd and read it back",
        script("etcd-snapshot", "snapshots", env=env),
        hosts=tuple(chosen),
        expected=10,
        # A snapshot costs etcd's disk time, so members take theirs one after another.
        parallel=1,
        timeout=3600,
    )
    record = StepSpec(
        "record-backups",
        "Record the snapshots",
        Action("record-backups", {"hosts": chosen, "directory": directory}),
        after=("snapshot",),
        expected=2,
        timeout=600,
        retry=Retry(3),
    )
    return snapshot, record
