"""The end of a Ceph, in the order in which Rook can let go: claims, pools, cluster, hosts' cleanup, Rook. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, Script, StepSpec
from tasks.plans import ceph_use, install
from tasks.plans.ceph import CLUSTER, OPERATOR, guard_env
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

KINDS = (
    *("cephblockpools", "cephfilesystemsubvolumegroups", "cephfilesystems", "cephobjectstoreusers", "cephobjectstores"),
    *("cephnfses", "cephrbdmirrors", "cephclients", "cephobjectzones", "cephobjectrealms"),
)

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "confirm": {
        "type": "string",
        "examples": ["first"],
        "default": "",
        "description": "The cluster's name, typed: all data in its Ceph is lost.",
    },
    "force": {
        "type": "boolean",
        "default": False,
        "description": "Also while volumes and buckets hold data in it; they are deleted.",
    },
    "patience": {
        "type": "integer",
        "minimum": 1,
        "maximum": 14400,
        "default": 600,
        "description": "Seconds that each kind of object may take to go.",
    },
    **{name: install.PARAMS[name] for name in ("artifact", "artifact_directory")},
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of kind ``ceph-uninstall``. Raises `PlanError` where the cluster's name is not typed."""
    check_confirmed(cluster, params, f"All data in the Ceph of {cluster.name} would be lost")
    site = Site(cluster, params)
    force = bool(params["force"])
    env = {
        **site.env,
        "STATE": STATE,
        "WAIT": str(params["patience"]),
        "FORCE": "yes" if force else "no",
        "KINDS": " ".join(KINDS),
        "PROVISIONERS": " ".join(ceph_use.ROOK),
    }
    steps = [
        StepSpec(
            "ceph-in-use",
            "Look who uses Ceph",
            Action("check-ceph-unused", {"force": force}),
            timeout=300,
            retry=Retry(3),
        )
    ]
    chain = (
        *([("ceph-remove-claims", "Delete what claims its storage")] if force else []),
        ("ceph-remove-pools", "Remove pools, file systems, object stores and StorageClasses"),
        ("ceph-remove-cluster", "Remove the Ceph cluster"),
        ("ceph-cleanup-jobs", "Wait for Rook's cleanup on the hosts"),
        ("ceph-remove-rook", "Remove Rook"),
    )
    for key, title in chain:
        steps.append(_step(site, key, title, script(key, "ceph-away", env=env), steps[-1].key))
    clean = script("ceph-clean-host", "disk-look", "ceph-guard", "disk-zap", env=guard_env(site))
    steps += [
        StepSpec(
            "ceph-clean-host",
            "Clean the hosts' directories and the disks that were Ceph's",
            clean,
            hosts=cluster.names,
            after=(steps[-1].key,),
            expected=15,
            timeout=1800,
            retry=Retry(2),
        ),
        StepSpec(
            "forget-components",
            "Record that Ceph is no longer wanted",
            Action("forget-components", {"components": [CLUSTER, OPERATOR]}),
            after=("ceph-clean-host",),
            expected=1,
            timeout=300,
        ),
    ]
    lost = [f"ALL DATA in the Ceph of {cluster.name} is lost."]
    return Plan("ceph-uninstall", tuple(steps), notes=tuple(lost))


def check_confirmed(cluster: ClusterFact, params: Mapping[str, JSON], lost: str) -> None:
    """Raises `PlanError` where the cluster's name is not typed."""
    if params["confirm"] != cluster.name:
        raise PlanError(f"{lost}, so its name has to be typed.", field="confirm", fix=f"Give confirm: {cluster.name}.")


def _step(site: Site, key: str, title: str, do: Script, after: str) -> StepSpec:
    patience = int(site.params["patience"])
    return StepSpec(
        key,
        title,
        do,
        hosts=(site.first.name,),
        after=(after,),
        expected=20,
        timeout=3.0 * patience + 300,
        quiet=2.0 * patience + 300,
    )
