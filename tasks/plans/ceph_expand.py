"""More disks, on the same hosts or further ones, for a Ceph that is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, ClusterFact, Plan
from tasks.plans import ceph

PARAMS: Mapping[str, Mapping[str, JSON]] = ceph.PARAMS


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of kind ``ceph-expand``: that of ``ceph``, with at least one disk that is new."""
    return ceph.plan("ceph-expand", cluster, params, new=True)
