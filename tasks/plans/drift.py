"""Is what was installed still as it was? The probes of the install plan, and nothing of its work. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clusters.catalog import load
from tasks.plan import JSON, Action, ClusterFact, Plan, Script, StepSpec
from tasks.plans import components, hosts, install, platform
from tasks.plans.site import OWN_OPERATION, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "artifact": install.PARAMS["artifact"],
    "artifact_directory": install.PARAMS["artifact_directory"],
}
# Actions whose probe says something of the hosts. What lies ready for an installation alone is not looked at.
ASKED = ("ssh-trust", "fetch-kubeconfig")
LEFT_OUT = ("artifact-fetch", "artifact-upload", "artifact-unpack")
TIMEOUT, AWAY = 600.0, 60.0


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan: a probe for each step of an installation of what is there, then the judgement."""
    known = {entry.name for entry in load().entries if entry.installable} - set(OWN_OPERATION)
    chosen = {**params, "components": sorted(cluster.installed & known), "without": []}
    site = Site(cluster, chosen)
    all_steps = [*hosts.steps(site), *platform.steps(site), *components.steps(site)]
    # Probes change nothing, so none waits for another.
    asked = [
        replace(step, after=(), expected=2, timeout=TIMEOUT, quiet=TIMEOUT, unreachable=AWAY)
        for step in all_steps
        if _says_something(step)
    ]
    judge = StepSpec(
        "drift",
        "Say what is no longer as installed",
        Action("judge-drift"),
        after=tuple(step.key for step in asked),
        expected=1,
        timeout=300,
    )
    return Plan("drift", (*asked, judge), mutating=False, probes_only=True).validate(cluster.names)


def _says_something(step: StepSpec) -> bool:
    if step.key in LEFT_OUT:
        return False
    return bool(step.do.probe) if isinstance(step.do, Script) else step.do.name in ASKED
