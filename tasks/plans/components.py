"""The install plan's steps for the catalogue's components: independent ones at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clusters.catalog import Entry, load
from tasks.plan import Action, Retry, Script, StepSpec
from tasks.plans.platform import NEED_PACKAGE_SOURCE
from tasks.plans.scripting import script
from tasks.plans.site import STATE, Site


def steps(site: Site) -> list[StepSpec]:
    """A step for each chosen component, behind what it needs; then the check that all are healthy."""
    entries = site.components
    names = [entry.name for entry in entries]
    if not entries:
        return []
    result = []
    if "gpu-operator" in names:
        result.append(gpu_driver(site, "nodes"))
    result += [step(site, entry, _after(site, entry)) for entry in entries]
    installed = tuple(f"component-{name}" for name in names)
    longest = max(patience(site, entry) for entry in entries)
    result.append(
        StepSpec(
            "record-components",
            "Record what was installed",
            Action("record-components", {"components": names}),
            after=installed,
            expected=1,
            timeout=300,
        )
    )
    result.append(
        StepSpec(
            "verify",
            "Verify that every component is healthy",
            Action("verify-components", {"components": names, "timeout": longest}),
            after=("record-components", "kubeconfig", "coredns", "platform-info"),
            expected=60,
            timeout=longest + 600,
        )
    )
    return result


def gpu_driver(site: Site, after: str) -> StepSpec:
    """The step that finds out which hosts bring GPU drivers of their own, and tells the GPU operator."""
    return StepSpec(
        "gpu-driver",
        "Look for GPU drivers on the hosts",
        Action("probe-gpu-driver", {"host": site.first.name, "settings": f"{STATE}/components/gpu-operator.set"}),
        after=(after,),
        expected=3,
        timeout=600,
        retry=Retry(3),
    )


def _after(site: Site, entry: Entry) -> list[str]:
    after = ["platform-info", "coredns"]
    if entry.kind == "helm" and site.harbor:
        after.append("charts")
    if not site.harbor and site.registry:
        after.append("images")
    if entry.name == "gpu-operator":
        after.append("gpu-driver")
    if entry.name in NEED_PACKAGE_SOURCE and site.registry_host and site.registry:
        after.append("package-source-config")
    return after + [f"component-{need}" for need in entry.needs]


def step(site: Site, entry: Entry, after: Sequence[str], **env: str) -> StepSpec:
    """The step that installs a component; `env` changes what its script is told."""
    do = installing(site, entry)
    longest = patience(site, entry)
    return StepSpec(
        f"component-{entry.name}",
        f"Install {entry.name}",
        replace(do, env={**do.env, **env}),
        hosts=(site.first.name,),
        after=tuple(after),
        expected=max(3, entry.expected / 10),
        timeout=2 * longest + 900,
        quiet=longest + 900,
        retry=Retry(2, delay=10),
    )


def patience(site: Site, entry: Entry) -> float:
    """Seconds that the component may take to become healthy."""
    return float(site.params.get("component_timeout") or entry.timeout)


def installing(site: Site, entry: Entry) -> Script:
    """What installs a component."""
    needs = [load()[name] for name in entry.needs]
    env = {
        **site.env,
        "NAME": entry.name,
        "STATE": STATE,
        "NEEDS": "\n".join(line for need in needs for line in ready_when(need)),
        "WAIT": str(int(max([patience(site, need) for need in needs] or [patience(site, entry)]))),
    }
    if entry.kind == "helm":
        env |= {
            "NAMESPACE": entry.namespace,
            "CHART": entry.chart,
            "VALUES": entry.values_file,
            "SETS": "\n".join(f"{key}={value}" for key, value in entry.sets.items()),
            "CHART_SOURCE": "harbor" if site.harbor else "file",
            "MORE_VALUES": "",
        }
        return script("component-helm", "component-needs", env=env)
    env |= {
        "NAMESPACES": " ".join(entry.namespaces),
        "MANIFEST": entry.manifest_file,
        "CREATE": "yes" if entry.create else "no",
    }
    return script("component-manifest", "component-needs", env=env)


def ready_when(entry: Entry) -> list[str]:
    """What of a component must be ready before another may be built on it, in the form of component-needs.sh."""
    rules = [*entry.health.workloads, *(rule for part in entry.health.parts.values() for rule in part)]
    where = ",".join(entry.namespaces)
    return [f"{entry.name}|{where}|{','.join(rule.kinds)}|{rule.name}" for rule in rules if not rule.optional] + [
        f"{entry.name}|{entry.namespace}|webhook|{service}" for service in entry.health.webhooks
    ]
