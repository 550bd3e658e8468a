"""A cluster of the usual shape, for the tests of plans."""

from __future__ import annotations

from typing import Any

from tasks.plan import ClusterFact, HostFact

ROLES = {
    "master1": ("etcd", "control-plane", "registry"),
    "master2": ("etcd",),
    "master3": ("etcd",),
    "worker1": ("worker",),
    "worker2": ("worker",),
}
SETTINGS = {
    "private_registry": "dockerhub.kubekey.local",
    "registry_namespace": "kubesphereio",
    "registry_type": "harbor",
    "storage_class": "ceph-filesystem",
    "log_level": "info",
}


def cluster(roles: dict[str, tuple[str, ...]] | None = None, **settings: Any) -> ClusterFact:
    hosts = tuple(
        HostFact(name, f"192.0.2.{n}", f"10.0.0.{n}", "root", 22, frozenset(groups))
        for n, (name, groups) in enumerate((roles or ROLES).items(), 1)
    )
    return ClusterFact("c0ffee", "demo", hosts, {**SETTINGS, **settings})
