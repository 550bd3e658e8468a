"""Can the platform be installed on these hosts? Reads them, changes nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, StepSpec
from tasks.plans.site import Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "components": {
        "type": "array",
        "examples": [["gpu-operator"]],
        "items": {"type": "string"},
        "description": "Names of the components to be installed; the catalogue's defaults where it is missing.",
    },
    "without": {
        "type": "array",
        "examples": [["kruise"]],
        "items": {"type": "string"},
        "default": [],
        "description": "Names of default components to be left out.",
    },
    "ignore_preflight": {
        "type": "array",
        "examples": [["swap"]],
        "items": {"type": "string"},
        "default": [],
        "description": "Codes of findings that shall be warnings, not errors.",
    },
}


def step(components: Iterable[str], ignore: Iterable[str], artifact_directory: str) -> StepSpec:
    """The step that reads every host's facts and judges them."""
    return StepSpec(
        key="preflight",
        title="Check the hosts",
        do=Action(
            "preflight",
            {
                "components": sorted(components),
                "ignore": sorted(ignore),
                "artifact_directory": artifact_directory,
            },
        ),
        expected=8,
        timeout=900,
        unreachable=120,
    )


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of one step. Raises `PlanError` on unknown components."""
    site = Site(cluster, {**params, "artifact_directory": "/root/3k/artifact"})
    names = [entry.name for entry in site.components]
    return Plan("preflight", (step(names, params["ignore_preflight"], site.artifact),), mutating=False)
