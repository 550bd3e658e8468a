"""Read a cluster's health now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, StepSpec

PARAMS: Mapping[str, Mapping[str, JSON]] = {}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of one step."""
    step = StepSpec("check-health", "Read the cluster's health", Action("check-health"), expected=5, timeout=300)
    return Plan("check", (step,), mutating=False)
