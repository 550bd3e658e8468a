"""Fixtures: a Kubernetes of the SIMULATED toolchain on two lab hosts, both members of etcd, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clusters.models import AccessKey, Cluster, Customer
from lab.base import Shape
from lab.hosts import Lab
from tasks import services
from tasks.models import Operation
from tests.installed import Installed, fleet, installed, register

__all__ = ["fleet", "kubernetes", "site"]
HOSTS = ("master1", "master2")
GROUPS = {"control-plane": HOSTS, "etcd": HOSTS, "worker": ["master2"], "registry": ["master1"]}


class Site(Installed):
    """The lab registered as a cluster."""

    def maps(self) -> set[str]:
        """Names of the config maps of the namespace default."""
        return set(self.sh("kubectl get configmaps -o 'jsonpath={.items[*].metadata.name}'").split())

    def start(self, kind: str, dry_run: bool = False, **params: Any) -> Operation:
        return services.request_operation(self.cluster, kind, params, dry_run=dry_run, actor="test")


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Kubernetes and nothing else."""
    with installed("backup", Shape(masters=2, workers=0, disks=0), GROUPS, tmp_path_factory.mktemp("artifact")) as made:
        yield made


@pytest.fixture
def site(kubernetes: Lab, transactional_db: None) -> Iterator[Site]:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(access_key=key, name="demo", private_registry="", state="ready")
    register(cluster, kubernetes, {name: hosts for name, hosts in GROUPS.items() if name != "registry"})
    made = Site(kubernetes, cluster)
    Cluster.objects.filter(pk=cluster.pk).update(kubeconfig=made.sh("cat /etc/kubernetes/admin.conf"))
    yield made
    for name in HOSTS:
        made.fault(host=name)
