"""The install plan's steps on hosts: trust, artifact, configuration, packages, registry, Kubernetes. Pure."""

from __future__ import annotations

from tasks.plan import Action, Retry, Script, StepSpec
from tasks.plans import artifact
from tasks.plans.scripting import script
from tasks.plans.site import KEY, PACKAGE_DIRECTORY, PACKAGES, STATE, Site

HOUR = 3600.0


def steps(site: Site) -> list[StepSpec]:
    """From the SSH trust to nodes that are ready, in order."""
    return [
        StepSpec(
            "ssh-trust",
            "Let the first control-plane host log in to all hosts",
            Action("ssh-trust", {"key": KEY}),
            after=("preflight",),
            expected=4,
            timeout=900,
            retry=Retry(2),
        ),
        *artifact.steps(site, after=("preflight",)),
        StepSpec(
            "configuration",
            "Write the configuration of kk",
            Action("write-configuration", {"path": site.config, "key": KEY}),
            after=("ssh-trust", "artifact-unpack"),
            expected=2,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            "packages-copy",
            "Copy the dependent packages to all hosts",
            Action(
                "copy-packages",
                {"from": f"{site.artifact}/packages", "to": PACKAGE_DIRECTORY, "packages": list(PACKAGES)},
            ),
            after=("artifact-unpack",),
            expected=5,
            timeout=HOUR,
            retry=Retry(3),
        ),
        StepSpec(
            "packages",
            "Install the dependent packages",
            _packages(site),
            hosts=site.cluster.names,
            after=("packages-copy",),
            expected=15,
            timeout=HOUR,
            retry=Retry(2, delay=10),
        ),
        *_registry(site),
        *_kubernetes(site),
    ]


def _packages(site: Site) -> Script:
    return script("packages", env={**site.env, "PACKAGES": " ".join(PACKAGES), "PACKAGE_DIRECTORY": PACKAGE_DIRECTORY})


def _registry(site: Site) -> list[StepSpec]:
    if not site.registry:
        return []
    first, env, secrets = (site.first.name,), site.registry_env, site.registry_secrets
    # A registry that no host of the cluster carries is checked, not installed.
    apply = "registry" if site.registry_host else "registry.verify"
    do = script("registry", "http", env=env, secrets=secrets, apply=apply)
    steps = [
        StepSpec(
            "registry",
            "Install the private registry",
            do,
            hosts=first,
            after=("configuration", "packages"),
            expected=60,
            timeout=2 * HOUR,
            quiet=1800,
            retry=Retry(2, delay=15),
        )
    ]
    if site.harbor:
        steps.append(
            StepSpec(
                "registry-project",
                f"Make the registry's project {site.project}",
                script("registry-project", "http", env=env, secrets=secrets),
                hosts=first,
                after=("registry",),
                expected=2,
                timeout=300,
                retry=Retry(3),
            )
        )
    steps.append(
        StepSpec(
            "images",
            "Push the images to the registry",
            script("images", "http", env={**env, "STATE": STATE}, secrets=secrets),
            hosts=first,
            after=(steps[-1].key,),
            expected=120,
            timeout=12 * HOUR,
            quiet=1800,
            retry=Retry(3, delay=15),
        )
    )
    return steps


def _kubernetes(site: Site) -> list[StepSpec]:
    first = (site.first.name,)
    env = {**site.env, "NODES": " ".join(site.kubernetes_nodes), "WAIT": "600"}
    nodes = script("kubernetes-nodes", "nodes", env=env)
    return [
        StepSpec(
            "kubernetes",
            "Create the Kubernetes cluster",
            script("kubernetes", "nodes", "whole", env=env),
            hosts=first,
            after=("images" if site.registry else "configuration", "packages"),
            expected=180,
            timeout=3 * HOUR,
            quiet=1800,
        ),
        StepSpec(
            "nodes",
            "Wait for the nodes to be ready",
            nodes,
            hosts=first,
            after=("kubernetes",),
            expected=15,
            timeout=1200,
        ),
        kubeconfig(site.first.name, after="kubernetes"),
    ]


def kubeconfig(host: str, after: str) -> StepSpec:
    """The step that fetches the administrator's kubeconfig from `host`."""
    return StepSpec(
        "kubeconfig",
        "Fetch the kubeconfig",
        Action("fetch-kubeconfig", {"host": host}),
        after=(after,),
        expected=2,
        timeout=600,
        retry=Retry(3),
    )
