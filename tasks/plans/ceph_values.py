"""The values of the chart rook-ceph-cluster, which leave nothing to its defaults that could take a disk. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

REPLICAS = 3
NAMESPACE = "rook-ceph"
BLOCK, FILESYSTEM, BUCKET = "ceph-block", "ceph-filesystem", "ceph-bucket"
CLASSES = (BLOCK, FILESYSTEM, BUCKET)
CLAIMABLE = (BLOCK, FILESYSTEM)  # a bucket is no default for volumes
Values = dict[str, Any]


def values(disks: Iterable[tuple[str, str]], *, single_node: bool, default_class: str) -> Values:
    """`disks`: (host, stable path) of every OSD's disk.

    `single_node`: one monitor, one copy of everything.
    """
    by_host: defaultdict[str, list[Values]] = defaultdict(list)
    for host, path in sorted(disks):
        by_host[host].append({"name": path})
    copies = 1 if single_node else REPLICAS
    pool = _pool(copies)
    return {
        "operatorNamespace": NAMESPACE,
        "toolbox": {"enabled": True},
        "ingress": {"dashboard": {}},
        "cephClusterSpec": {
            "dataDirHostPath": "/var/lib/rook",
            "mon": {"count": copies, "allowMultiplePerNode": False},
            "mgr": {"count": 1 if single_node else 2, "allowMultiplePerNode": False},
            # Its service has an address inside the cluster only.
            "dashboard": {"enabled": True, "ssl": True},
            "placement": {"all": _on_storage_nodes()},
            "resources": _resources(small=single_node),
            "storage": {
                "useAllNodes": False,
                "useAllDevices": False,
                "nodes": [{"name": host, "devices": devices} for host, devices in by_host.items()],
            },
        },
        "cephBlockPools": [
            {
                "name": "ceph-blockpool",
                "spec": pool,
                "storageClass": {
                    **_class(BLOCK, default_class),
                    "parameters": {
                        "imageFormat": "2",
                        "imageFeatures": "layering",
                        **_secrets("rbd"),
                        "csi.storage.k8s.io/fstype": "ext4",
                    },
                },
            }
        ],
        "cephFileSystems": [
            {
                "name": "ceph-filesystem",
                "spec": {
                    "metadataPool": {"replicated": pool["replicated"]},
                    "dataPools": [{"name": "data0", **pool}],
                    "metadataServer": {"activeCount": 1, "activeStandby": not single_node},
                },
                "storageClass": {
                    **_class(FILESYSTEM, default_class),
                    "pool": "data0",
                    "parameters": _secrets("cephfs"),
                },
            }
        ],
        "cephObjectStores": [
            {
                "name": "ceph-objectstore",
                "spec": {
                    "metadataPool": pool,
                    "dataPool": pool,
                    "preservePoolsOnDelete": False,
                    "gateway": {"port": 80, "instances": 1},
                },
                "storageClass": {
                    "enabled": True,
                    "name": BUCKET,
                    "reclaimPolicy": "Delete",
                    "parameters": {"region": "us-east-1"},
                },
            }
        ],
    }


def _pool(copies: int) -> Values:
    if copies == 1:
        return {"failureDomain": "osd", "replicated": {"size": 1, "requireSafeReplicaSize": False}}
    return {"failureDomain": "host", "replicated": {"size": copies}}


def _class(name: str, default_class: str) -> Values:
    return {
        "enabled": True,
        "name": name,
        "isDefault": name == default_class,
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "Immediate",
    }


def _secrets(driver: str) -> Mapping[str, str]:
    """The secrets that Rook makes for its CSI drivers."""
    return {
        f"csi.storage.k8s.io/{use}-secret-{part}": what
        for use, user in (("provisioner", "provisioner"), ("controller-expand", "provisioner"), ("node-stage", "node"))
        for part, what in (("name", f"rook-csi-{driver}-{user}"), ("namespace", NAMESPACE))
    }


def _on_storage_nodes() -> Values:
    term = {"matchExpressions": [{"key": "role", "operator": "In", "values": ["ceph"]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def _resources(*, small: bool) -> Values:
    """What daemons ask for; only memory is limited, because a slowed-down OSD looks like a dead one."""
    asked = {"mon": ("500m", "1Gi", "2Gi"), "mgr": ("250m", "512Mi", "2Gi"), "osd": ("1000m", "4Gi", "6Gi")}
    if small:
        asked = {"mon": ("100m", "512Mi", "2Gi"), "mgr": ("100m", "512Mi", "2Gi"), "osd": ("250m", "2Gi", "6Gi")}
    return {
        daemon: {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": most}}
        for daemon, (cpu, memory, most) in asked.items()
    }
