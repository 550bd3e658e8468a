"""The access key in the cluster becomes that of its owner, and what reads it starts anew. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clusters.catalog import load
from tasks.plan import JSON, Action, ClusterFact, Plan, StepSpec
from tasks.plans import install, platform
from tasks.plans.scripting import script
from tasks.plans.site import Site

AGENT = "cpodoperator"
PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "artifact_directory": install.PARAMS["artifact_directory"],
    "component_timeout": install.PARAMS["component_timeout"],
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` without a control-plane host."""
    site = Site(cluster, {**params, "components": [], "without": []})
    written = next(step for step in platform.steps(site) if step.key == "platform-info")
    wait = float(params.get("component_timeout") or load()[AGENT].timeout)
    env = {**site.env, "WAIT": f"{wait:.0f}"}
    steps = [
        replace(written, after=()),
        StepSpec(
            "restart",
            "Let what reads the access key start anew",
            script("rotate-access-key", env=env, secrets={"ACCESS_KEY": "access-key"}),
            hosts=(site.first.name,),
            after=("platform-info",),
            expected=20,
            # Its workloads may come up one after another.
            timeout=4 * wait + 600,
            quiet=wait + 600,
        ),
    ]
    if AGENT in cluster.installed:
        steps.append(
            StepSpec(
                "verify",
                "Verify that the platform's agent is healthy",
                Action("verify-components", {"components": [AGENT], "timeout": wait}),
                after=("restart",),
                expected=20,
                timeout=wait + 600,
            )
        )
    notes = (
        "The cluster gets the access key that it belongs to; hand it over to another one before.",
        "The access key before is valid until it ends or is revoked.",
    )
    return Plan("rotate-access-key", tuple(steps), notes=notes).validate(cluster.names)
