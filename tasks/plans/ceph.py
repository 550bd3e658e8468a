"""Ceph by Rook on the hosts' own raw disks: which disks, then the operator, the cluster, and a proof of use. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusters.catalog import load
from clusters.existing.model import former_ids
from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import artifact, ceph_values, components, install
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

VALUES = f"{STATE}/ceph/values.yaml"
OPERATOR, CLUSTER = "rook-ceph", "rook-ceph-cluster"
PATH = {
    "type": "string",
    "examples": ["/dev/disk/by-id/nvme-X1"],
    "pattern": r"/dev/disk/by-id/[A-Za-z0-9._:+=@-]+",
    "description": "Give the stable path: /dev/disk/by-id/...",
}
HOST = {"type": "string", "examples": ["worker1"], "description": "A host of the cluster."}
SERIAL = {
    "type": "string",
    "examples": ["X1"],
    "pattern": r"\S+",
    "description": "Give the serial number as the plan lists it.",
}

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "disks": {
        "type": "array",
        "examples": [[{"host": "worker1", "disk": "/dev/disk/by-id/nvme-X1"}]],
        "items": {"type": "object", "properties": {"host": HOST, "disk": PATH}, "required": ["host", "disk"]},
        "default": [],
        "description": "Only these disks, [{host, disk}]; all eligible disks of the storage hosts where it is missing.",
    },
    "wipe": {
        "type": "array",
        "examples": [[{"host": "worker1", "disk": "/dev/disk/by-id/nvme-X1", "serial": "X1"}]],
        "items": {
            "type": "object",
            "properties": {"host": HOST, "disk": PATH, "serial": SERIAL},
            "required": ["host", "disk", "serial"],
        },
        "default": [],
        "description": "Disks that are used although they carry data, [{host, disk, serial}]. Their content is lost.",
    },
    "single_node": {
        "type": "boolean",
        "default": False,
        "description": "One copy of everything on fewer than three hosts: no disk and no host may fail.",
    },
    "default_storage_class": {
        "type": "string",
        "enum": list(ceph_values.CLAIMABLE),
        "default": ceph_values.FILESYSTEM,
        "description": "The one StorageClass that claims get which name none.",
    },
    **{name: install.PARAMS[name] for name in ("artifact", "artifact_directory", "component_timeout")},
}
PROOF_SECONDS = 600
DEFAULT_CLASS = "ceph-default-class"
PROOFS = (("block", ceph_values.BLOCK, "ReadWriteOnce"), ("filesystem", ceph_values.FILESYSTEM, "ReadWriteMany"))


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of kind ``ceph``. Raises `PlanError` naming the parameter at fault."""
    return plan("ceph", cluster, params)


def plan(kind: str, cluster: ClusterFact, params: Mapping[str, JSON], *, new: bool = False) -> Plan:
    """The way to a Ceph that has all disks it was ever given and those of `params`. `new`: some must be new."""
    site = Site(cluster, params)
    site.check_source()
    hosts = storage_hosts(cluster, params)
    single = bool(params["single_node"])
    if len(hosts) < ceph_values.REPLICAS and not single:
        raise PlanError(
            f"Ceph keeps {ceph_values.REPLICAS} copies on as many hosts; there are {len(hosts)}: {', '.join(hosts)}.",
            field="single_node",
            fix="Add hosts, or say single_node: true and keep one copy that nothing protects.",
        )
    steps = [
        *artifact.steps(site),
        StepSpec(
            "ceph-version",
            "Check that this Rook goes with what is there",
            Action("check-rook", {"artifact": site.artifact, "single_node": single, "exists": new}),
            after=(artifact.UNPACKED,),
            timeout=300,
            retry=Retry(3),
        ),
        StepSpec(
            "ceph-disks",
            "Look at the disks and choose",
            Action(
                "ceph-disks",
                {
                    "hosts": list(hosts),
                    "disks": list(params["disks"]),
                    "wipe": list(params["wipe"]),
                    "single_node": single,
                    "new": new,
                },
            ),
            expected=5,
            timeout=900,
        ),
        *_preparation(site, hosts, params),
        *_rook(site, hosts),
        *_proofs(site, str(params["default_storage_class"])),
    ]
    return Plan(kind, tuple(steps), notes=tuple(notes(hosts, params)))


def storage_hosts(cluster: ClusterFact, params: Mapping[str, JSON]) -> tuple[str, ...]:
    """The hosts whose disks are looked at: the role group storage, else the workers, and all that are named."""
    usual = cluster.group("storage") or cluster.group("worker")
    named = {}
    for field in ("disks", "wipe"):
        for n, one in enumerate(params[field]):
            if one["host"] not in cluster.names:
                raise PlanError(f"There is no host {one['host']!r}.", field=f"{field}[{n}].host")
            named[one["host"]] = True
    hosts = [host.name for host in usual]
    return tuple(name for name in cluster.names if name in hosts or name in named)


def notes(hosts: tuple[str, ...], params: Mapping[str, JSON]) -> list[str]:
    """What must be said before it is done."""
    said = []
    if params["single_node"]:
        said.append(
            "SINGLE NODE: one copy of everything on one monitor. When a disk or the host fails, the data is lost."
        )
    said += [
        f"WIPE: {one['disk']} of {one['host']} (serial {one['serial']}): all that it carries is lost."
        for one in params["wipe"]
    ]
    said.append(f"Storage hosts: {', '.join(hosts)}.")
    return said


def guard_env(site: Site, **more: str) -> dict[str, str]:
    """What the scripts that look at disks are told."""
    former = former_ids(site.cluster.settings.get("imported") or {})
    return {**site.env, "CLUSTER_ID": site.cluster.id, "FORMER_IDS": " ".join(former), **more}


def _preparation(site: Site, hosts: tuple[str, ...], params: Mapping[str, Any]) -> list[StepSpec]:
    steps = []
    if wipe := params["wipe"]:
        lines = "\n".join(f"{one['host']} {one['serial']} {one['disk']}" for one in wipe)
        giving = {one["host"] for one in wipe}
        steps = [
            StepSpec(
                "ceph-wipe-audit",
                "Record what is on the disks to be wiped",
                Action("audit-wipe"),
                after=("ceph-disks", "ceph-version"),
                expected=1,
            ),
            StepSpec(
                "ceph-wipe",
                "Wipe the disks that were named",
                script("ceph-wipe", "disk-look", "ceph-guard", "disk-zap", env=guard_env(site, WIPES=lines)),
                hosts=tuple(name for name in hosts if name in giving),
                after=("ceph-wipe-audit",),
                expected=10,
                timeout=1800,
            ),
        ]
    values = {"single_node": params["single_node"], "default_class": params["default_storage_class"]}
    return [
        *steps,
        StepSpec(
            "ceph-claim",
            "Write down which disks Ceph gets",
            Action("ceph-claim", {"hosts": list(hosts), "values": values}),
            after=("ceph-version", "ceph-disks", *(step.key for step in steps)),
            expected=3,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            "ceph-labels",
            "Label the storage nodes",
            script("ceph-labels", env={**site.env, "NODES": " ".join(hosts)}),
            hosts=(site.first.name,),
            after=("ceph-claim",),
            timeout=600,
            retry=Retry(3),
        ),
    ]


def _rook(site: Site, hosts: tuple[str, ...]) -> list[StepSpec]:
    catalog = load()
    operator, cluster = catalog[OPERATOR], catalog[CLUSTER]
    patience = components.patience(site, cluster)
    first = (site.first.name,)
    # The chart whose version was checked is the one installed, whatever the registry has besides.
    return [
        components.step(site, operator, ("ceph-labels",), CHART_SOURCE="file"),
        StepSpec(
            "ceph-crds",
            "Wait for Rook's definitions",
            script("ceph-crds", env={**site.env, "WAIT": "300"}),
            hosts=first,
            after=(f"component-{OPERATOR}",),
            timeout=900,
        ),
        StepSpec(
            "ceph-guard",
            "Look at the chosen disks once more",
            script("ceph-guard-disks", "disk-look", "ceph-guard", env=guard_env(site)),
            hosts=hosts,
            after=("ceph-crds",),
            timeout=600,
        ),
        components.step(site, cluster, ("ceph-guard",), CHART_SOURCE="file", MORE_VALUES=VALUES),
        StepSpec(
            "ceph-ready",
            "Wait until Ceph is up with every disk",
            Action("await-ceph", {"timeout": patience}),
            after=(f"component-{CLUSTER}",),
            expected=120,
            timeout=patience + 600,
            retry=Retry(1),
        ),
    ]


def _proofs(site: Site, default_class: str) -> list[StepSpec]:
    first = (site.first.name,)
    env = {
        **site.env,
        "WAIT": str(PROOF_SECONDS),
        "SPACE": ceph_values.NAMESPACE,
        "IMAGE_OF": "cephcluster",
        "IMAGE_AT": "{.items[0].spec.cephVersion.image}",
    }
    steps = [default_class_step(site, default_class, "ceph-ready")]
    for kind, name, mode in PROOFS:
        steps.append(
            proof(first, kind, name, script("ceph-proof", env={**env, "KIND": kind, "CLASS": name, "MODE": mode}))
        )
    bucket = {**env, "KIND": "bucket", "CLASS": ceph_values.BUCKET}
    steps.append(
        proof(first, "bucket", ceph_values.BUCKET, script("ceph-proof-bucket", "ceph-proof.functions", env=bucket))
    )
    return [
        *steps,
        StepSpec(
            "record-components",
            "Record what was installed",
            Action("record-components", {"components": [OPERATOR, CLUSTER]}),
            after=tuple(step.key for step in steps),
            expected=1,
            timeout=300,
        ),
    ]


def default_class_step(site: Site, name: str, after: str) -> StepSpec:
    """The step that makes one StorageClass the default, and no other."""
    return StepSpec(
        DEFAULT_CLASS,
        "Make one StorageClass the default",
        script("ceph-default-class", env={**site.env, "CLASS": name}),
        hosts=(site.first.name,),
        after=(after,),
        timeout=600,
        retry=Retry(3),
    )


def proof(hosts: tuple[str, ...], kind: str, name: str, do: Any, after: str = DEFAULT_CLASS) -> StepSpec:
    """The step that proves by use that a StorageClass holds what is written."""
    return StepSpec(
        f"ceph-proof-{kind}",
        f"Prove that {name} holds what is written",
        do,
        hosts=hosts,
        after=(after,),
        expected=20,
        timeout=4 * PROOF_SECONDS,
        quiet=2 * PROOF_SECONDS,
        retry=Retry(2, delay=20),
    )
