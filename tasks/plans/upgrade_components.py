"""Installed components to the artifact's charts: compared first, then one after another, each healthy before the next.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from clusters.catalog import CatalogError, Entry, load
from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, StepSpec
from tasks.plans import components, install
from tasks.plans.ceph import CLUSTER, OPERATOR
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site

ROOK = (OPERATOR, CLUSTER)
PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "components": {
        "type": "array",
        "examples": [["gpu-operator"]],
        "items": {"type": "string"},
        "description": "Only these components; all installed ones whose chart in the artifact is newer without it.",
    },
    "on_failure": {
        "type": "string",
        "enum": ["rollback", "keep"],
        "default": "rollback",
        "description": "What becomes of a release whose upgrade fails: back to the revision before, or left as it is.",
    },
    "downgrade": {
        "type": "boolean",
        "default": False,
        "description": "Let the named components go to an older chart.",
    },
    **{name: install.PARAMS[name] for name in ("artifact", "artifact_directory", "component_timeout")},
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for what is no Helm component, for Rook, and where nothing is installed."""
    named = "components" in params
    entries = _named(params["components"]) if named else _installed(cluster)
    if params["downgrade"] and not named:
        raise PlanError(
            "Only named components can go to an older chart.", field="downgrade", fix="Name them in components."
        )
    site = Site(cluster, params)
    names = [entry.name for entry in entries]
    args = {
        "host": site.first.name,
        "artifact": site.artifact,
        "state": STATE,
        "components": names,
        "named": named,
        "downgrade": bool(params["downgrade"]),
    }
    steps: list[StepSpec] = []
    if "gpu-operator" in names:
        steps.append(replace(components.gpu_driver(site, ""), after=()))
    steps.append(
        StepSpec(
            "compare",
            "Compare what is installed with the artifact's charts",
            Action("compare-releases", args),
            after=tuple(step.key for step in steps),
            expected=5,
            timeout=900,
        )
    )
    for entry in entries:
        steps += _upgrade(site, entry, named=named, after=steps[-1].key)
    notes = (
        "Values are those of the artifact and of the catalogue: what somebody set by hand with helm goes. "
        "The step compare shows each difference.",
    )
    return Plan("upgrade-components", tuple(steps), notes=notes).validate(cluster.names)


def _named(names: Sequence[str]) -> tuple[Entry, ...]:
    catalog = load()
    try:
        chosen = {catalog[name].name for name in names}
    except CatalogError as error:
        raise PlanError(str(error), field="components", fix=error.fix) from error
    if not chosen:
        raise PlanError("No component is named.", field="components", fix="Name some, or leave components out.")
    entries = tuple(entry for entry in catalog.installable if entry.name in chosen)
    for entry in entries:
        if entry.name in ROOK:
            raise PlanError(
                f"{entry.name} is upgraded by the operation `ceph`, which checks that the versions go together.",
                field="components",
                fix="Run it with the artifact that has the newer Rook: 3kctl deploy install ceph.",
            )
        if entry.kind != "helm":
            raise PlanError(
                f"{entry.name} is not installed with Helm.", field="components", fix="Install it again instead."
            )
    return entries


def _installed(cluster: ClusterFact) -> tuple[Entry, ...]:
    entries = tuple(
        entry
        for entry in load().installable
        if entry.kind == "helm" and entry.name in cluster.installed and entry.name not in ROOK
    )
    if not entries:
        raise PlanError(
            "No operation has installed a component of Helm on this cluster.",
            field="components",
            fix="Name those that are to be upgraded.",
        )
    return entries


def _upgrade(site: Site, entry: Entry, *, named: bool, after: str) -> list[StepSpec]:
    longest = components.patience(site, entry)
    env = {
        **components.script_of(site, entry).env,
        "NEEDS": "\n".join(components.ready_when(entry)),
        "WAIT": str(int(longest)),
        "NAMED": "yes" if named else "no",
        "DOWNGRADE": "yes" if site.params["downgrade"] else "no",
        "ON_FAILURE": str(site.params["on_failure"]),
    }
    return [
        StepSpec(
            f"upgrade-{entry.name}",
            f"Upgrade {entry.name}",
            script("component-upgrade", "component-needs", "component-helm.functions", env=env),
            hosts=(site.first.name,),
            after=(after,),
            expected=max(5, entry.expected / 5),
            timeout=4 * longest + 900,
            quiet=2 * longest + 900,
        ),
        StepSpec(
            f"verify-{entry.name}",
            f"Verify that {entry.name} is healthy",
            Action("verify-components", {"components": [entry.name], "timeout": longest}),
            after=(f"upgrade-{entry.name}",),
            expected=5,
            timeout=longest + 600,
        ),
    ]
