"""A Ceph that is run elsewhere, used by its CSI driver for file systems: checked, installed, proven by use. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clusters.catalog import load
from clusters.ceph.external import Monitor
from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import artifact, ceph_values, components, install
from tasks.plans.ceph import CLUSTER, PROOF_SECONDS, default_class_step, proof
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

DRIVER = "ceph-csi-cephfs"
PROVISIONER = "cephfs.csi.ceph.com"
SECRET = "csi-cephfs-secret"  # noqa: S105  the name of the object that holds it
VALUES = f"{STATE}/ceph-csi/values.json"
PROVISIONERS = 2  # pods; no two of them share a node
WORD = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
OPTIONAL = rf"({WORD})?"

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "cluster_id": {
        "type": "string",
        "examples": ["4d1fa7b1-5a6f-4bfc-bb7d-6b2a8f0e8f51"],
        "default": "",
        "pattern": r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?",
        "description": "The Ceph cluster's id (fsid), as `ceph fsid` prints it.",
    },
    "monitors": {
        "type": "array",
        "examples": [["10.0.9.1"]],
        "items": {"type": "string"},
        "default": [],
        "description": "Addresses of all its monitors, as `ceph mon dump` lists them: 10.0.0.1 or 10.0.0.1:6789.",
    },
    "filesystem": {
        "type": "string",
        "examples": ["cephfs"],
        "default": "",
        "pattern": OPTIONAL,
        "description": "Name of the file system, as `ceph fs ls` lists it.",
    },
    "user": {
        "type": "string",
        "examples": ["sanqian"],
        "default": "",
        "pattern": rf"(?!client\.){OPTIONAL}",
        "description": "Name of the Ceph user, without `client.`; its key is the cluster's setting ceph_key.",
    },
    "pool": {
        "type": "string",
        "examples": ["cephfs_data"],
        "default": "",
        "pattern": OPTIONAL,
        "description": "Data pool of the volumes; the file system's own where it is missing.",
    },
    "subvolume_group": {
        "type": "string",
        "examples": ["csi"],
        "default": "",
        "pattern": OPTIONAL,
        "description": "Subvolume group of the volumes; the driver's own (csi) where it is missing.",
    },
    "storage_class": {
        "type": "string",
        "default": ceph_values.FILESYSTEM,
        "pattern": r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?",
        "description": "Name of the StorageClass: lower-case letters, digits, '-' and '.'.",
    },
    "make_default": {
        "type": "boolean",
        "default": True,
        "description": "Make it the one StorageClass that claims get which name none.",
    },
    **{name: install.PARAMS[name] for name in ("artifact", "artifact_directory", "component_timeout")},
}
NEEDED = ("cluster_id", "monitors", "filesystem", "user")


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of kind ``ceph-csi-cephfs``. Raises `PlanError` naming what is missing or cannot be so."""
    site = Site(cluster, params)
    site.check_source()
    monitors = _checked(cluster, params)
    steps = [*artifact.steps(site), *_checks(site, monitors), *_driver(site, monitors), *_use(site)]
    said = [
        "Before the driver is installed a pod asks the monitors for their id and the file system, with the key. "
        "A dry run asks only whether the hosts reach them.",
        f"Hosts that mount: {', '.join(mounting(cluster))}.",
    ]
    return Plan("ceph-csi-cephfs", tuple(steps), notes=tuple(said))


def mounting(cluster: ClusterFact) -> tuple[str, ...]:
    """The hosts that pods with volumes run on."""
    return tuple(host.name for host in cluster.group("worker") or cluster.group("control-plane"))


def values(params: Mapping[str, Any], monitors: tuple[Monitor, ...], hosts: int) -> dict[str, Any]:
    """What the chart is told. No key: that is in a Secret which Helm does not know."""
    config: dict[str, Any] = {"clusterID": params["cluster_id"], "monitors": [str(one) for one in monitors]}
    if params["subvolume_group"]:
        config["cephFS"] = {"subvolumeGroup": params["subvolume_group"]}
    uses = ("provisionerSecret", "controllerExpandSecret", "nodeStageSecret")
    return {
        "csiConfig": [config],
        "provisioner": {"replicaCount": min(PROVISIONERS, hosts)},
        "secret": {"create": False},
        "storageClass": {"create": True, "name": params["storage_class"], **parameters(params)}
        | dict.fromkeys(uses, SECRET),
    }


def parameters(params: Mapping[str, Any]) -> dict[str, str]:
    """The StorageClass's parameters that tell where its volumes are. Kubernetes lets nobody change them."""
    found = {"clusterID": params["cluster_id"], "fsName": params["filesystem"], "pool": params["pool"]}
    return {name: value for name, value in found.items() if value}


def _checked(cluster: ClusterFact, params: Mapping[str, Any]) -> tuple[Monitor, ...]:
    """The monitors. Raises `PlanError`."""
    for name in NEEDED:
        if not params[name]:
            raise PlanError(f"It is not said which Ceph: {name} is missing.", field=name, fix=_told(name))
    found: dict[Monitor, str] = {}
    for n, text in enumerate(params["monitors"]):
        try:
            monitor = Monitor.parse(text)
        except ValueError as why:
            raise PlanError(
                f"{text!r} is no monitor's address: {why}.", field=f"monitors[{n}]", fix=_told("monitors")
            ) from why
        if monitor in found:
            raise PlanError(f"The monitor {text!r} is named twice.", field=f"monitors[{n}]", fix="Name each once.")
        found[monitor] = text
    if "ceph_key" not in cluster.secrets:
        # Never a parameter: those are stored, shown and kept in the audit.
        raise PlanError(
            f"The key of {params['user']} is not stored.",
            field="ceph_key",
            fix="Store it: PATCH the cluster with ceph_key, or set SANQIAN_CEPH_KEY or --key-file for 3kctl.",
        )
    if CLUSTER in cluster.installed and params["storage_class"] in ceph_values.CLASSES:
        raise PlanError(
            f"The StorageClass {params['storage_class']} is that of the Ceph on the hosts' own disks.",
            field="storage_class",
            fix="Choose another name.",
        )
    return tuple(found)


def _told(name: str) -> str:
    return str(PARAMS[name]["description"])


def _checks(site: Site, monitors: tuple[Monitor, ...]) -> list[StepSpec]:
    """Everything that can be known before anything is changed."""
    args = {
        "artifact": site.artifact,
        "storage_class": site.params["storage_class"],
        "parameters": parameters(site.params),
    }
    asked = [{"address": one.address, "ports": list(one.ports)} for one in monitors]
    return [
        StepSpec(
            "ceph-csi-check",
            "Check that the driver and its StorageClass go with what is there",
            Action("check-ceph-csi", args),
            after=(artifact.UNPACKED,),
            timeout=300,
            retry=Retry(3),
        ),
        StepSpec(
            "ceph-monitors",
            "Reach every monitor from every host that mounts",
            Action("reach-monitors", {"hosts": list(mounting(site.cluster)), "monitors": asked}),
            expected=5,
            timeout=600,
            retry=Retry(2),
        ),
    ]


def _driver(site: Site, monitors: tuple[Monitor, ...]) -> list[StepSpec]:
    """The key, the question to the monitors, the chart, and its pods."""
    entry, first = load()[DRIVER], (site.first.name,)
    patience = components.patience(site, entry)
    hosts = len(mounting(site.cluster))
    content = json.dumps(values(site.params, monitors, hosts), indent=1)
    more = {"CHART_SOURCE": "file", "MORE_VALUES": VALUES}
    chart = components.script_of(site, entry, **more).env
    user = {"SPACE": entry.namespace, "SECRET": SECRET, "CEPH_USER": str(site.params["user"])}
    asking = {
        "MONITORS": ",".join(map(str, monitors)),
        "FSID": str(site.params["cluster_id"]),
        "FILESYSTEM": str(site.params["filesystem"]),
        "POOL": str(site.params["pool"]),
        "WAIT": str(int(patience)),
    }
    return [
        StepSpec(
            "ceph-csi-values",
            "Write what the driver is told",
            script("ceph-csi-values", env={**site.env, "VALUES": VALUES, "CONTENT": content}),
            hosts=first,
            after=("ceph-csi-check", "ceph-monitors"),
            timeout=300,
            retry=Retry(3),
        ),
        StepSpec(
            "ceph-csi-secret",
            "Store the key in the cluster",
            script("ceph-csi-secret", env={**site.env, **user}, secrets={"CEPH_KEY": "ceph-key"}),
            hosts=first,
            after=("ceph-csi-values",),
            timeout=300,
            retry=Retry(3),
        ),
        StepSpec(
            "ceph-identity",
            "Ask the monitors who they are, with the key",
            script("ceph-identity", "component-needs", "component-helm.functions", env={**chart, **user, **asking}),
            hosts=first,
            after=("ceph-csi-secret",),
            expected=15,
            timeout=patience + 600,
            retry=Retry(2, delay=10),
        ),
        components.step(site, entry, ("ceph-identity",), **more),
        StepSpec(
            "ceph-csi-ready",
            "Wait for the provisioner, and for the driver on every node",
            script(
                "ceph-csi-ready", "component-needs", env={**chart, "NEEDS": "\n".join(components.ready_when(entry))}
            ),
            hosts=first,
            after=(f"component-{DRIVER}",),
            expected=30,
            timeout=patience + 600,
            quiet=patience + 300,
        ),
    ]


def _use(site: Site) -> list[StepSpec]:
    """One default class, a volume that holds what is written, and the record of it."""
    first = (site.first.name,)
    name = str(site.params["storage_class"])
    steps = [default_class_step(site, name, "ceph-csi-ready")] if site.params["make_default"] else []
    env = {
        **site.env,
        "KIND": "external",
        "CLASS": name,
        "MODE": "ReadWriteMany",
        "WAIT": str(PROOF_SECONDS),
        "SPACE": load()[DRIVER].namespace,
        "IMAGE_OF": f"deployment {DRIVER}-provisioner",
        "IMAGE_AT": '{.spec.template.spec.containers[?(@.name=="csi-cephfsplugin")].image}',
    }
    return [
        *steps,
        proof(first, "external", name, script("ceph-proof", env=env), steps[-1].key if steps else "ceph-csi-ready"),
        StepSpec(
            "record-components",
            "Record what was installed",
            Action("record-components", {"components": [DRIVER]}),
            after=("ceph-proof-external",),
            expected=1,
            timeout=300,
        ),
    ]
