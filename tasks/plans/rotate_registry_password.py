"""Another password of Harbor's administrator, also where hosts, pull secrets, kk and helm log in with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import install, platform
from tasks.plans.scripting import script
from tasks.plans.site import KEY, Site

SECRETS: Mapping[str, str] = {
    "password": "The new password, 8 to 128 letters with a capital, a small one and a digit; made where it is missing.",
}
PARAMS: Mapping[str, Mapping[str, JSON]] = {"artifact_directory": install.PARAMS["artifact_directory"]}


def check(secrets: Mapping[str, str]) -> None:
    """Raises `PlanError` for a password that Harbor refuses, or that no file of the hosts can hold."""
    if (word := secrets.get("password")) is None:
        return
    kinds = any(map(str.isupper, word)) and any(map(str.islower, word)) and any(map(str.isdigit, word))
    if not (8 <= len(word) <= 128 and kinds and word.isascii() and word.isprintable()):
        raise PlanError(
            "Harbor does not take this password.",
            field="secrets.password",
            fix="Use 8 to 128 printable ASCII characters with a capital letter, a small one and a digit.",
        )


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` where the registry is not a Harbor of the cluster's own."""
    site = Site(cluster, {**params, "components": [], "without": []})
    if not site.harbor or site.registry_host is None:
        raise PlanError(
            "The cluster has no Harbor of its own.",
            fix="Change the password where the registry is administered, then set registry_password of the cluster.",
        )
    env, secrets = site.registry_env, site.registry_secrets
    helm = next(step for step in platform.steps(site) if step.key == "charts-repository")
    steps = (
        StepSpec("new-password", "Take the new password, or make one", Action("new-registry-password"), expected=1),
        StepSpec(
            "change-password",
            "Change the password in Harbor",
            Action("change-registry-password", {"env": env}),
            after=("new-password",),
            timeout=900,
            retry=Retry(3),
        ),
        StepSpec(
            "configuration",
            "Write the configuration of kk",
            Action("write-configuration", {"path": site.config, "key": KEY, "alone": True}),
            after=("change-password",),
            expected=2,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            "host-logins",
            "Change the logins that the hosts pull images with",
            Action("change-registry-logins", {"registry": site.registry}),
            after=("change-password",),
            expected=5,
            timeout=900,
        ),
        StepSpec(
            "pull-secrets",
            "Change the logins in the cluster's pull secrets",
            Action("change-pull-secrets", {"registry": site.registry, "env": site.env}),
            after=("change-password",),
            expected=3,
            timeout=1800,
            retry=Retry(3),
        ),
        replace(
            helm,
            key="charts-login",
            title="Log helm in to the chart repository",
            do=script("charts-login", env=env, secrets=secrets, apply="charts-repository"),
            after=("configuration",),
        ),
        StepSpec(
            "verify",
            "Verify that every host logs in to the registry",
            script("registry-login", "http", env=env, secrets=secrets),
            hosts=cluster.names,
            after=("host-logins", "pull-secrets", "charts-login"),
            expected=3,
            timeout=600,
        ),
        StepSpec(
            "forget-password",
            "Forget what the operation kept",
            Action("forget-registry-password"),
            after=("verify",),
            expected=1,
            timeout=300,
        ),
    )
    notes = (
        "Pull secrets that something else writes (GitOps, a chart) get the old password back: tell it the new one.",
    )
    return Plan("rotate-registry-password", steps, notes=notes).validate(cluster.names)
