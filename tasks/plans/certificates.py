"""New certificates for the control plane, one host after another. Pure.

kk renews what kubeadm manages; etcd's and the registry's own, which kk makes for ten years, are only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.plan import JSON, Action, ClusterFact, HostFact, Plan, Retry, StepSpec
from tasks.plans import hosts, install
from tasks.plans.scripting import script
from tasks.plans.site import KEY, Site

PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "artifact": install.PARAMS["artifact"],
    "artifact_directory": install.PARAMS["artifact_directory"],
    "days": {
        "type": "integer",
        "default": 180,
        "minimum": 1,
        "maximum": 360,
        "description": "Hosts whose certificates all last for so many days are left alone; new ones last for 365.",
    },
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` without a control-plane host."""
    site, first = Site(cluster, params), cluster.first
    masters = cluster.group("control-plane")
    names = [host.name for host in masters]
    steps = [
        StepSpec("certificates", "Read when certificates end", Action("read-certificates"), expected=4, timeout=600)
    ]
    for host in masters:
        steps += _renewal(site, host, steps[-1].key)
    steps.append(hosts.kubeconfig(first.name, after=steps[-1].key))
    args: dict[str, Any] = {"hosts": names, "days": params["days"]}
    steps.append(
        StepSpec(
            "verify",
            "Verify that the new certificates are in place",
            Action("read-certificates", args),
            after=("kubeconfig",),
            expected=4,
            timeout=600,
            retry=Retry(3),
        )
    )
    notes = ("The certificates of etcd and of the registry are read, not renewed.",)
    return Plan("renew-certificates", tuple(steps), notes=notes).validate(cluster.names)


def _renewal(site: Site, host: HostFact, after: str) -> list[StepSpec]:
    config = f"{site.artifact}/cluster-{host.name}.yaml"
    port = site.cluster.settings.get("control_plane_port") or 6443
    env = {
        **site.env,
        "CONFIG": config,
        "DAYS": str(site.params["days"]),
        "KEY": KEY,
        "PORT": str(host.port),
        "USER_AT_HOST": f"{host.user}@{host.internal_address}",
        "HOST": host.name,
        "API": f"{_bracketed(host.internal_address)}:{port}",
        "WAIT": "300",
    }
    return [
        StepSpec(
            f"configuration-{host.name}",
            f"Write a configuration of kk for {host.name} alone",
            Action("write-configuration", {"path": config, "key": KEY, "control_plane": [host.name]}),
            after=(after,),
            expected=2,
            timeout=600,
            retry=Retry(3),
        ),
        StepSpec(
            f"renew-{host.name}",
            f"Renew the certificates of {host.name}",
            script("renew-certificates", "whole", env=env),
            hosts=(site.first.name,),
            after=(f"configuration-{host.name}",),
            expected=30,
            timeout=1800,
            quiet=900,
        ),
    ]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
