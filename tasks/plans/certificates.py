"""New certificates for etcd, the control plane and the registry, one host after another. Pure.

kk renews what kubeadm manages. What kk makes itself for ten years, those of etcd and of the registry, is signed anew by
the authority that lies beside it, with the keys and names it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        "description": "Certificates that last for so many days are left alone. New ones last for 365, etcd's 3650.",
    },
}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` without a control-plane host."""
    site, first = Site(cluster, params), cluster.first
    masters = cluster.group("control-plane")
    steps = [
        StepSpec("certificates", "Read when certificates end", Action("read-certificates"), expected=4, timeout=600)
    ]
    # The members first: a control plane that reads a new authority of etcd restarts for it, if at all, once.
    for host in sorted(cluster.group("etcd", "control-plane"), key=lambda host: "etcd" not in host.roles):
        steps.append(_etcd(site, host, steps[-1].key))
    for host in masters:
        steps += _renewal(site, host, steps[-1].key)
    steps.append(hosts.kubeconfig(first.name, after=steps[-1].key))
    renewed = {host.name for host in cluster.group("control-plane", "etcd", "registry")}
    if site.registry and site.registry_host:
        steps += _registry(site, cluster.group("registry"), "kubeconfig")
        renewed = set(cluster.names)
    args: dict[str, Any] = {"hosts": [name for name in cluster.names if name in renewed], "days": params["days"]}
    steps.append(
        StepSpec(
            "verify",
            "Verify that the new certificates are in place",
            Action("read-certificates", args),
            after=(steps[-1].key,),
            expected=4,
            timeout=600,
            retry=Retry(3),
        )
    )
    return Plan("renew-certificates", tuple(steps), holds_etcd=True).validate(cluster.names)


def _etcd(site: Site, host: HostFact, after: str) -> StepSpec:
    members = site.cluster.group("etcd")
    env = {
        **site.env,
        "DAYS": str(site.params["days"]),
        "MEMBERS": "\n".join(f"{one.name} https://{_bracketed(one.internal_address)}:2379" for one in members),
        "MEMBER": "yes" if "etcd" in host.roles else "no",
        "API": "yes" if "control-plane" in host.roles else "no",
        "API_ADDRESS": _api(site, host),
        "WAIT": "180",
    }
    return StepSpec(
        f"etcd-{host.name}",
        f"Renew the certificates of etcd on {host.name}",
        script("etcd-certificates", "etcd", "signing", env=env),
        hosts=(host.name,),
        after=(after,),
        expected=10,
        timeout=900,
    )


def _registry(site: Site, carriers: Sequence[HostFact], after: str) -> list[StepSpec]:
    """One registry host after another, so that the others can be pulled from meanwhile; all have one authority."""
    env = {
        **{name: site.registry_env[name] for name in ("ARTIFACT", "REGISTRY", "CERTIFICATE")},
        "DAYS": str(site.params["days"]),
        "WAIT": "120",
    }
    keys = [f"registry-certificate-{host.name}" for host in carriers]
    return [
        *(
            StepSpec(
                key,
                f"Renew the certificate of the registry on {host.name}",
                script("registry-certificate", "shown", "signing", env=env),
                hosts=(host.name,),
                after=(before,),
                expected=10,
                timeout=900,
            )
            for key, before, host in zip(keys, [after, *keys], carriers, strict=False)
        ),
        StepSpec(
            "registry-trust",
            "Have every host trust it",
            Action("spread-registry-certificate", {"host": carriers[0].name, "registry": site.registry}),
            after=(keys[-1],),
            expected=4,
            timeout=900,
            retry=Retry(3),
        ),
        StepSpec(
            "registry-pull",
            "Verify that images can be pulled",
            script("registry-pull", "shown", env={**env, "DAYS": "0"}),
            hosts=site.cluster.names,
            after=("registry-trust",),
            expected=5,
            timeout=900,
        ),
    ]


def _renewal(site: Site, host: HostFact, after: str) -> list[StepSpec]:
    config = f"{site.artifact}/cluster-{host.name}.yaml"
    env = {
        **site.env,
        "CONFIG": config,
        "DAYS": str(site.params["days"]),
        "KEY": KEY,
        "PORT": str(host.port),
        "USER_AT_HOST": f"{host.user}@{host.internal_address}",
        "HOST": host.name,
        "API": _api(site, host),
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


def _api(site: Site, host: HostFact) -> str:
    return f"{_bracketed(host.internal_address)}:{site.cluster.settings.get('control_plane_port') or 6443}"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
