"""The CSI driver of an external Ceph goes; what lies in Ceph stays there. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from clusters.catalog import load
from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import install
from tasks.plans.ceph_csi import DRIVER, PROVISIONER, VALUES
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "confirm": {
        "type": "string",
        "default": "",
        "description": "The cluster's name, typed: its pods lose this storage.",
    },
    "force": {
        "type": "boolean",
        "default": False,
        "description": "Also while volumes use it. They and their data stay, and cannot be mounted meanwhile.",
    },
    "patience": {
        "type": "integer",
        "minimum": 10,
        "maximum": 14400,
        "default": 300,
        "description": "Seconds that the driver may take to go.",
    },
    **{name: install.PARAMS[name] for name in ("artifact", "artifact_directory")},
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of kind ``ceph-csi-cephfs-uninstall``. Raises `PlanError` where the cluster's name is not typed."""
    if params["confirm"] != cluster.name:
        raise PlanError(
            f"The pods of {cluster.name} would lose this storage, so its name has to be typed.",
            field="confirm",
            fix=f"Give confirm: {cluster.name}.",
        )
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
