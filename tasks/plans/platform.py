"""The install plan's steps on the fresh cluster, before the components. Pure.

The ConfigMap ``cpod-info`` in the namespace ``cpod-system`` has the keys ``access_key``, ``cpod_id``,
``api_address``, ``storage_class``, ``oss_bucket`` and ``log_level``, as the platform's agent reads them.
"""

from __future__ import annotations

from tasks.plan import Retry, StepSpec
from tasks.plans.scripting import script
from tasks.plans.site import KEY, Site

NEED_PACKAGE_SOURCE = ("gpu-operator", "network-operator")


def steps(site: Site) -> list[StepSpec]:
    """Platform information, DNS, charts and the driver containers' package source."""
    first = (site.first.name,)
    info = {
        **site.env,
        "API_ADDRESS": site.setting("api_address"),
        "STORAGE_CLASS": site.setting("storage_class"),
        "OSS_BUCKET": site.setting("object_store_bucket"),
        "LOG_LEVEL": site.setting("log_level"),
    }
    return [
        StepSpec(
            "platform-info",
            "Write the platform information",
            script("platform-info", env=info, secrets={"ACCESS_KEY": "access-key"}),
            hosts=first,
            after=("nodes",),
            expected=4,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            "coredns",
            "Spread coredns over two nodes",
            script("coredns", env={**site.env, "WAIT": "300"}),
            hosts=first,
            after=("nodes",),
            expected=10,
            timeout=900,
        ),
        *_charts(site),
        *_package_source(site),
    ]


def _charts(site: Site) -> list[StepSpec]:
    if not site.harbor:
        return []
    first, env, secrets = (site.first.name,), site.registry_env, site.registry_secrets
    return [
        StepSpec(
            "charts-repository",
            "Add the chart repository",
            script("charts-repository", env=env, secrets=secrets),
            hosts=first,
            after=("registry-project",),
            expected=4,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            "charts",
            "Push the charts",
            script("charts", env=env),
            hosts=first,
            after=("charts-repository",),
            expected=15,
            timeout=3600,
            retry=Retry(3),
        ),
    ]


def _package_source(site: Site) -> list[StepSpec]:
    namespaces = [entry.namespace for entry in site.components if entry.name in NEED_PACKAGE_SOURCE]
    host = site.registry_host
    if host is None or not site.registry or not namespaces:
        return []
    env = {**site.env, "SOURCE_ADDRESS": host.internal_address}
    steps: list[StepSpec] = []
    copied_by = ""
    if host.name != site.first.name:
        copied_by = host.user
        copy = {
            **env,
            "KEY": KEY,
            "PORT": str(host.port),
            "USER_AT_HOST": f"{host.user}@{host.internal_address}",
        }
        steps.append(
            StepSpec(
                "package-source-copy",
                "Copy the driver containers' packages",
                script("package-source-copy", env=copy),
                hosts=(site.first.name,),
                after=("ssh-trust", "artifact-unpack"),
                expected=10,
                timeout=3600,
                retry=Retry(3),
            )
        )
    image = f"{site.registry}/{site.project}/alpine-nginx:main"
    steps += [
        StepSpec(
            "package-source",
            "Start the driver containers' package source",
            script("package-source", env={**env, "IMAGE": image, "COPIED_BY": copied_by}),
            hosts=(host.name,),
            after=("images", *(step.key for step in steps)),
            expected=5,
            timeout=900,
            retry=Retry(2),
        ),
        StepSpec(
            "package-source-config",
            "Tell the driver containers of their package source",
            script("package-source-config", env={**env, "NAMESPACES": " ".join(namespaces)}),
            hosts=(site.first.name,),
            after=("package-source", "nodes"),
            expected=3,
            timeout=600,
            retry=Retry(3),
        ),
    ]
    return steps
