"""A component's Helm release back to an earlier revision. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from clusters.catalog import CatalogError, load
from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, StepSpec
from tasks.plans import install
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "component": {
        "type": "string",
        "examples": ["gpu-operator"],
        "description": "Name of a component that is installed with Helm.",
    },
    "revision": {
        "type": "integer",
        "examples": [3],
        "minimum": 1,
        "maximum": 1_000_000,
        "description": "Number of the revision to go back to; helm history lists them.",
    },
    "confirm": {
        "type": "string",
        "examples": ["first"],
        "description": "The cluster's name, because the component's settings are replaced.",
    },
    "artifact": install.PARAMS["artifact"],
    "artifact_directory": install.PARAMS["artifact_directory"],
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for what is no Helm component, and without the revision or the cluster's name."""
    try:
        entry = load()[str(params.get("component") or "")]
    except CatalogError as error:
        raise PlanError(str(error), field="component", fix=error.fix) from error
    if entry.kind != "helm":
        raise PlanError(f"{entry.name} is not installed with Helm.", field="component", fix="Install it again instead.")
    if "revision" not in params:
        raise PlanError("It is not said to which revision.", field="revision", fix="helm history lists them.")
    if params.get("confirm") != cluster.name:
        raise PlanError(
            "The rollback is not confirmed.", field="confirm", fix=f"Give the cluster's name: {cluster.name}."
        )
    site = Site(cluster, params)
    env = {
        **site.env,
        "NAME": entry.name,
        "NAMESPACE": entry.namespace,
        "REVISION": str(params["revision"]),
        "RECORD": f"{STATE}/components/{entry.name}",
        "WAIT": str(int(entry.timeout)),
    }
    steps = (
        StepSpec(
            "rollback",
            f"Roll {entry.name} back to revision {params['revision']}",
            script("rollback", env=env),
            hosts=(site.first.name,),
            expected=30,
            timeout=entry.timeout + 900,
            quiet=entry.timeout + 900,
        ),
        StepSpec(
            "verify",
            f"Verify that {entry.name} is healthy",
            Action("verify-components", {"components": [entry.name], "timeout": entry.timeout}),
            after=("rollback",),
            expected=30,
            timeout=entry.timeout + 600,
        ),
    )
    notes = (f"The next installation of {entry.name} brings the artifact's chart and settings again.",)
    return Plan("rollback", steps, notes=notes).validate(cluster.names)
