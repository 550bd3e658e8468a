"""The platform leaves the hosts: the cluster is deleted, and every host is as it was, verified. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans.members import ARTIFACT, check, clean, owned
from tasks.plans.scripting import script
from tasks.plans.site import KEY, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "confirm": {
        "type": "string",
        "examples": ["first"],
        "description": "The cluster's name, as proof that this very cluster is meant.",
    },
    "remove_ceph_data": {
        "type": "boolean",
        "default": False,
        "description": "Ceph's data go too, and its disks are wiped; without it, nothing is done where there are any.",
    },
    "keep_artifact": {
        "type": "boolean",
        "default": False,
        "description": "Leave the unpacked artifact on the first control-plane host.",
    },
    **ARTIFACT,
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` without the confirmation."""
    site = Site(cluster, params)
    site.check_source()
    if params.get("confirm") != cluster.name:
        raise PlanError(
            "Everything on the hosts would be removed, and that is not confirmed.",
            field="confirm",
            fix=f"Give the cluster's name: {cluster.name}.",
        )
    ceph = params["remove_ceph_data"]
    everyone = cluster.names
    steps = [
        owned(site, *everyone),
        StepSpec(
            "ceph-data",
            "Look for data of Ceph",
            check("ceph-data", {**site.env, "REMOVE": "yes" if ceph else "no"}),
            hosts=everyone,
            after=("owned",),
            expected=3,
            timeout=600,
            unreachable=120,
        ),
        StepSpec(
            "delete-cluster",
            "Delete the Kubernetes cluster",
            script("cluster-delete", env=site.env),
            hosts=(site.first.name,),
            after=("ceph-data",),
            expected=60,
            timeout=3600,
            quiet=1800,
        ),
        # The first host goes last: while it has its key and artifact, a retry finds all that it needs.
        *(
            [clean(site, *others, key="clean-others", after=("delete-cluster",), ceph=ceph, all_of_it=True)]
            if (others := tuple(name for name in everyone if name != site.first.name))
            else []
        ),
    ]
    keep = params["keep_artifact"] or "path" in site.source
    steps.append(clean(site, site.first.name, after=(steps[-1].key,), ceph=ceph, all_of_it=True, artifact=not keep))
    steps += [
        StepSpec(
            "leave",
            "Take this cluster's key off the hosts",
            Action("leave-hosts", {"hosts": list(everyone), "key": KEY, "force": False}),
            after=("clean",),
            expected=3,
            timeout=900,
            retry=Retry(2),
        ),
        StepSpec(
            "verify",
            "Verify that the hosts are clean",
            Action("verify-clean", {}),
            after=("leave",),
            expected=5,
            timeout=900,
        ),
        StepSpec("forget", "Forget what ran there", Action("forget-platform", {}), after=("verify",), expected=1),
    ]
    return Plan(
        "uninstall",
        tuple(steps),
        holds_etcd=True,
        during="uninstalling",
        success="registered",
        failure="failed",
        notes=tuple(_notes(ceph=ceph)),
    )


def _notes(*, ceph: bool) -> Iterable[str]:
    yield "Debian packages that were installed and kernel settings in /etc/sysctl.conf stay."
    if ceph:
        yield "ALL DATA in Ceph is lost: the disks that it was given are wiped, if they carry nothing else by then."
