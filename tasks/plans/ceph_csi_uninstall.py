"""The CSI driver of an external Ceph goes; what lies in Ceph stays there. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from clusters.catalog import load
from tasks.plan import JSON, Action, ClusterFact, Plan, Retry, StepSpec
from tasks.plans import ceph_uninstall
from tasks.plans.ceph_csi import DRIVER, PROVISIONER, VALUES
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "confirm": {
        "type": "string",
        "examples": ["first"],
        "default": "",
        "description": "The cluster's name, typed: its pods lose this storage.",
    },
    "force": {
        "type": "boolean",
        "default": False,
        "description": "Also while volumes use it. They and their data stay, and cannot be mounted meanwhile.",
    },
    **{name: ceph_uninstall.PARAMS[name] for name in ("patience", "artifact", "artifact_directory")},
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of kind ``ceph-csi-cephfs-uninstall``. Raises `PlanError` where the cluster's name is not typed."""
    ceph_uninstall.check_confirmed(cluster, params, f"The pods of {cluster.name} would lose this storage")
    site = Site(cluster, params)
    patience = float(params["patience"])
    env = {
        **site.env,
        "NAME": DRIVER,
        "SPACE": load()[DRIVER].namespace,
        "DRIVER": PROVISIONER,
        "STATE": STATE,
        "VALUES": VALUES,
        "WAIT": str(params["patience"]),
    }
    steps = (
        StepSpec(
            "ceph-in-use",
            "Look who uses it",
            Action("check-ceph-unused", {"force": bool(params["force"]), "provisioners": [PROVISIONER]}),
            timeout=300,
            retry=Retry(3),
        ),
        StepSpec(
            "ceph-csi-remove",
            "Remove the driver, its StorageClass and the key in the cluster",
            script("ceph-csi-remove", env=env),
            hosts=(site.first.name,),
            after=("ceph-in-use",),
            expected=20,
            timeout=2 * patience + 300,
            quiet=patience + 300,
        ),
        StepSpec(
            "forget-components",
            "Record that it is no longer wanted",
            Action("forget-components", {"components": [DRIVER]}),
            after=("ceph-csi-remove",),
            expected=1,
            timeout=300,
        ),
        StepSpec(
            "forget-ceph-key",
            "Forget the key",
            Action("forget-ceph-key"),
            after=("forget-components",),
            expected=1,
            timeout=300,
        ),
    )
    return Plan("ceph-csi-cephfs-uninstall", steps, notes=("What lies in the external Ceph stays there.",))
