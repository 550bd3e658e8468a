"""Read how Ceph is, now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, StepSpec

PARAMS: Mapping[str, Mapping[str, JSON]] = {}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of one step, on the first control-plane host. Raises `PlanError` without one."""
    do = Action("read-ceph", {"host": cluster.first.name})
    step = StepSpec("read-ceph", "Read Ceph's health, capacity, OSDs and monitors", do, expected=10, timeout=300)
    return Plan("ceph-status", (step,), mutating=False)
