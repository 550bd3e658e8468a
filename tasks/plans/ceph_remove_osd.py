"""Taking OSDs away, one after another's data has moved: out, wait, forget the disk, purge. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clusters.catalog import load
from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import artifact, ceph_values, components, install
from tasks.plans.ceph import CLUSTER, VALUES
from tasks.plans.scripting import script
from tasks.plans.site import Site

PURGED = "ceph-osd-purge"
PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "osds": {
        "type": "array",
        "examples": [[3]],
        "items": {"type": "integer", "minimum": 0, "maximum": 99999},
        "default": [],
        "description": "Numbers of the OSDs to be removed; `ceph osd tree` lists them.",
    },
    "patience": {
        "type": "integer",
        "minimum": 60,
        "maximum": 604800,
        "default": 86400,
        "description": "Seconds that the data may take to move.",
    },
    **{name: install.PARAMS[name] for name in ("artifact", "artifact_directory", "component_timeout")},
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of kind ``ceph-remove-osd``. Raises `PlanError` where no OSD is named."""
    osds = sorted(set(params["osds"]))
    if not osds:
        raise PlanError("It is not said which OSD to remove.", field="osds", fix="Give its number: osds: [3].")
    site = Site(cluster, params)
    site.check_source()
    steps = (*artifact.steps(site), *moving(site, osds, float(params["patience"]), (artifact.UNPACKED,)))
    names = ", ".join(f"osd.{one}" for one in osds)
    return Plan("ceph-remove-osd", steps, notes=(f"{names}: its disk keeps Ceph's label until it is named in wipe.",))


def moving(
    site: Site, osds: Sequence[int], patience: float, after: tuple[str, ...], host: str = ""
) -> tuple[StepSpec, ...]:
    """The steps, the last one `PURGED`. With `host`, the OSDs are to be those of this host."""
    first = (site.first.name,)
    env = {**site.env, "OSDS": " ".join(map(str, osds)), "SPACE": ceph_values.NAMESPACE}
    return (
        StepSpec(
            "ceph-osd-check",
            "Check that nothing speaks against the removal",
            Action("check-osd-removal", {"osds": list(osds), "host": host}),
            after=after,
            expected=5,
            timeout=300,
        ),
        StepSpec(
            "ceph-osd-out",
            "Let the data move away",
            script("ceph-osd-out", env=env),
            hosts=first,
            after=("ceph-osd-check",),
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            "ceph-osd-drained",
            "Wait until the data has moved",
            Action("await-osd-drained", {"osds": list(osds), "timeout": patience}),
            after=("ceph-osd-out",),
            expected=600,
            timeout=patience + 600,
        ),
        StepSpec(
            "ceph-osd-release",
            "Forget the disks",
            Action("release-disks"),
            after=("ceph-osd-drained",),
            timeout=600,
            retry=Retry(3),
        ),
        components.step(site, load()[CLUSTER], ("ceph-osd-release",), CHART_SOURCE="file", MORE_VALUES=VALUES),
        StepSpec(
            PURGED,
            "Purge the OSDs",
            script(PURGED, env={**env, "WAIT": "300"}),
            hosts=first,
            after=(f"component-{CLUSTER}",),
            timeout=1800,
            retry=Retry(3),
        ),
    )
