"""From bare hosts to an installed platform: phases in order, each of steps that can run alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.plan import JSON, ClusterFact, Plan, PlanError, StepSpec
from tasks.plans import components, hosts, platform, preflight
from tasks.plans.site import Site

PHASES = (
    "preflight",
    "ssh-trust",
    "artifact",
    "configuration",
    "packages",
    "registry",
    "images",
    "kubernetes",
    "platform-info",
    "coredns",
    "charts",
    "package-source",
    "components",
    "verify",
)
PATH_RULE = "Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least."
DIRECTORY = r"(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}/?"

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "phases": {
        "type": "array",
        "examples": [["kubernetes"]],
        "items": {"type": "string", "enum": list(PHASES)},
        "description": "Only these phases; all where it is missing.",
    },
    "steps": {
        "type": "array",
        "examples": [["kubernetes"]],
        "items": {"type": "string"},
        "description": "Only these steps, by key.",
    },
    **preflight.PARAMS,
    "artifact": {
        "type": "object",
        "description": "The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the "
        "first control-plane host, where it lies unpacked.",
        "properties": {
            "url": {
                "type": "string",
                "examples": ["https://files.example.com/3k-artifact.tar.gz"],
                "pattern": r"https?://[^\s@/]+(/[^\s]*)?",
                "description": "Give an http or https address without user name and password.",
            },
            "file": {
                "type": "string",
                "examples": ["3k-artifact.tar.gz"],
                "pattern": r"(?!.*(^|/)\.\.?(/|$))[^/\x00-\x1f][^\x00-\x1f]*",
                "description": "Give a name below the service's artifact directory.",
            },
            "path": {
                "type": "string",
                "examples": ["/root/3k/artifact"],
                "pattern": DIRECTORY,
                "description": PATH_RULE,
            },
            "sha256": {
                "type": "string",
                "examples": ["0" * 64],
                "pattern": "[0-9a-f]{64}",
                "description": "Give 64 hex digits in lower case.",
            },
        },
    },
    "artifact_directory": {
        "type": "string",
        "default": "/root/3k/artifact",
        "pattern": DIRECTORY,
        "description": f"Where the artifact is unpacked on the first control-plane host. {PATH_RULE}",
    },
    "component_timeout": {
        "type": "integer",
        "examples": [900],
        "minimum": 10,
        "maximum": 14400,
        "description": "Seconds a component may take to become healthy; the catalogue's own where it is missing.",
    },
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The installation's plan. Raises `PlanError` naming the parameter at fault."""
    site = Site(cluster, params)
    chosen = frozenset(params.get("phases") or PHASES)
    site.check_source()
    if "artifact" in chosen and not site.source and not params.get("steps"):
        raise PlanError(
            "It is not said where the artifact comes from.",
            field="artifact",
            fix="Give url and sha256, a file of the service, or the path of the unpacked artifact.",
        )
    steps = [
        preflight.step((e.name for e in site.components), params["ignore_preflight"], site.artifact),
        *hosts.steps(site),
        *platform.steps(site),
        *components.steps(site),
    ]
    keys = {key for key, phase in steps_by_phase(steps) if phase in chosen}
    if named := params.get("steps"):
        known = [step.key for step in steps]
        for n, key in enumerate(named):
            if key not in known:
                raise PlanError(
                    f"There is no step {key!r} in install.",
                    field=f"steps[{n}]",
                    fix=f"Choose from: {', '.join(known)}.",
                )
        keys &= set(named)
    selected = only(steps, keys)
    if not selected:
        raise PlanError("Nothing is left to do.", field="steps", fix="Name phases and steps that belong together.")
    whole = "kubernetes" in keys
    return Plan(
        "install",
        selected,
        during="installing" if whole else "",
        success="ready" if whole else "",
        failure="failed" if whole else "",
        notes=tuple(_notes(site)),
    ).validate(cluster.names)


def steps_by_phase(steps: Iterable[StepSpec]) -> list[tuple[str, str]]:
    """(step's key, its phase) in the steps' order."""
    return [(step.key, _phase_of(step.key)) for step in steps]


def only(steps: Iterable[StepSpec], keys: Iterable[str]) -> tuple[StepSpec, ...]:
    """The steps of these keys; they wait for each other also where a step between them is left out."""
    by_key = {step.key: step for step in steps}
    wanted = set(keys)

    def waits_for(key: str) -> set[str]:
        found: set[str] = set()
        for before in by_key[key].after:
            found |= {before} if before in wanted else waits_for(before)
        return found

    return tuple(
        StepSpec(**{**step.__dict__, "after": tuple(k for k in by_key if k in waits_for(key))})
        for key, step in by_key.items()
        if key in wanted
    )


_OTHERWISE_NAMED = {
    "nodes": "kubernetes",
    "kubeconfig": "kubernetes",
    "charts-repository": "charts",
    "gpu-driver": "components",
    "record-components": "components",
}


def _phase_of(key: str) -> str:
    if key in _OTHERWISE_NAMED:
        return _OTHERWISE_NAMED[key]
    if key.startswith("component-"):
        return "components"
    fitting = [phase for phase in PHASES if key == phase or key.startswith(f"{phase}-")]
    if not fitting:
        raise PlanError(f"Step {key!r} belongs to no phase.")
    return max(fitting, key=len)


def _notes(site: Site) -> Iterable[str]:
    if not site.registry:
        yield "The cluster has no private registry: charts come from the artifact."
    elif not site.registry_host:
        yield f"No host is in the role group registry: {site.registry} is taken as it is."
    if not site.registry_host:
        yield "No host is in the role group registry: no package source is started for the driver containers."
