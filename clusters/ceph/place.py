"""Which Ceph of a Kubernetes is the cluster's: Rook's CephClusters told apart, each with what belongs to it. Pure.

This service installs `OURS`. An imported cluster may have one elsewhere, which is watched and not changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from clusters.snapshot import ClusterSnapshot

JSON = Any
RESOURCE = "ceph.rook.io/v1/cephclusters"  # as `ClusterSnapshot.objects` files it
OPERATOR, TOOLBOX = "rook-ceph-operator", "rook-ceph-tools"
OPERATOR_COMPONENT, COMPONENT = "rook-ceph", "rook-ceph-cluster"
VOLUMES, BUCKETS = (".rbd.csi.ceph.com", ".cephfs.csi.ceph.com"), ".ceph.rook.io/bucket"


@dataclass(frozen=True)
class Place:
    """A CephCluster. `operator` is the namespace of Rook's operator, `hosts` the nodes with OSDs of it.

    `external`: its daemons run elsewhere. `toolbox`: whether Ceph itself can be asked.
    """

    namespace: str
    name: str
    operator: str = ""
    fsid: str = ""
    external: bool = False
    toolbox: bool = False
    hosts: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it is where this service installs one, with an operator that is not known to be elsewhere."""
        mine = (self.namespace, self.name) == (OURS.namespace, OURS.name)
        return mine and self.operator in ("", OURS.operator)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def to_json(self) -> dict[str, JSON]:
        """All of it; `from_json` is its inverse."""
        return {**asdict(self), "hosts": list(self.hosts), "classes": list(self.classes)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Place:
        """What `to_json` made `data` from."""
        return cls(**{**data, "hosts": tuple(data["hosts"]), "classes": tuple(data["classes"])})


OURS = Place("rook-ceph", "rook-ceph", operator="rook-ceph")


def place_of(resource: Mapping[str, JSON]) -> Place:
    """The CephCluster `resource`, as far as it tells."""
    meta, spec = resource.get("metadata") or {}, resource.get("spec") or {}
    ceph = (resource.get("status") or {}).get("ceph") or {}
    nodes = (spec.get("storage") or {}).get("nodes") or ()
    return Place(
        namespace=str(meta.get("namespace") or ""),
        name=str(meta.get("name") or ""),
        fsid=str(ceph.get("fsid") or ""),
        external=bool((spec.get("external") or {}).get("enable")),
        hosts=tuple(sorted(str(node.get("name")) for node in nodes)),
    )


def places(
    resources: Iterable[Mapping[str, JSON]], snapshot: ClusterSnapshot, classes: Iterable[Mapping[str, JSON]] = ()
) -> tuple[Place, ...]:
    """All of them, the cluster's own first: ours, else one whose daemons run here. `classes` are StorageClasses."""
    deployments = {(one.namespace, one.name) for one in snapshot.workloads if one.kind == "deployment"}
    operator = next(iter(sorted(space for space, name in deployments if name == OPERATOR)), "")
    listed = list(classes)
    found = []
    for known in map(place_of, resources):
        space = known.namespace
        osds = [pod for pod in snapshot.pods if pod.namespace == space and pod.labels.get("app") == "rook-ceph-osd"]
        found.append(
            Place(
                **{
                    **asdict(known),
                    "operator": operator,
                    "toolbox": (space, TOOLBOX) in deployments,
                    "hosts": tuple(sorted({*known.hosts, *(pod.node for pod in osds if pod.node)})),
                    "classes": tuple(sorted(one["metadata"]["name"] for one in listed if _serves(one, space))),
                }
            )
        )
    return tuple(sorted(found, key=lambda one: (not one.ours, one.external, str(one))))


def of_import(imported: Mapping[str, JSON]) -> Place:
    """The Ceph that the import of a cluster has recorded; ours where it recorded none."""
    recorded = imported.get("ceph")
    if not isinstance(recorded, list) or not recorded:
        return OURS
    return Place.from_json(recorded[0])


def namespaces(place: Place) -> dict[str, str]:
    """The namespaces of the catalogue's components of Ceph, where that is at `place`."""
    return {OPERATOR_COMPONENT: place.operator or OURS.operator, COMPONENT: place.namespace}


def _serves(storage_class: Mapping[str, JSON], namespace: str) -> bool:
    """Whether the StorageClass is one of the Ceph in `namespace`."""
    provisioner = str(storage_class.get("provisioner") or "")
    parameters = storage_class.get("parameters") or {}
    if provisioner.endswith(VOLUMES):
        return parameters.get("clusterID", namespace) == namespace
    return provisioner.endswith(BUCKETS) and parameters.get("objectStoreNamespace", namespace) == namespace
