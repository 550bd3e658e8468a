"""Fixtures: a Kubernetes of the SIMULATED toolchain on five lab hosts with two raw disks a worker, and its rows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from clusters import registry
from clusters.models import AccessKey, Cluster, Customer
from lab.base import Shape
from lab.hosts import Lab
from tasks import services
from tasks.models import Operation
from tasks.plans import PLANS
from tasks.plans.site import KEY
from tests.installed import WHERE, Installed, fleet, installed, register

__all__ = ["fleet", "kubernetes", "site"]
GROUPS = {
    "control-plane": ["master1"],
    "etcd": ["master1"],
    "worker": ["worker1", "worker2", "worker3", "worker4"],
    "registry": ["master1"],
}
# The rows of each test are those of the same cluster: its hosts remember whose disks they gave.
CLUSTER = uuid.UUID("6f0a3c1e-0000-4000-8000-00000000ce9f")


class Site(Installed):
    """The lab registered as a cluster."""

    def get(self, *words: str) -> Any:
        return json.loads(self.sh(f"kubectl get {' '.join(words)} -o json"))

    def names(self, *words: str) -> set[str]:
        return {one["metadata"]["name"] for one in self.get(*words)["items"]}

    def disk(self, host: str, name: str = "vdb") -> str:
        return f"/dev/disk/by-id/virtio-SIMULATED-{host}-{name}"

    def wipe(self, host: str, name: str = "vdb") -> dict[str, str]:
        return {"host": host, "disk": self.disk(host, name), "serial": f"SIMULATED-{host}-{name}"}

    def start(self, kind: str, dry_run: bool = False, **params: Any) -> Operation:
        takes = "artifact_directory" in PLANS[kind].params
        given = {**({"artifact_directory": WHERE} if takes else {}), **params}
        return services.request_operation(self.cluster, kind, given, dry_run=dry_run, actor="test")

    def forget(self) -> None:
        """The service forgets the cluster; one with the same hosts takes its place, of which nothing is known."""
        key = self.cluster.access_key
        registry.delete(self.cluster)
        self.cluster = Cluster.objects.create(access_key=key, name="demo", private_registry="")
        register(self.cluster, self.lab, {})


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One control-plane host and four workers with Kubernetes and nothing else."""
    shape, scratch = Shape(masters=1, workers=4, disks=2), tmp_path_factory.mktemp("artifact")
    with installed("ceph", shape, GROUPS, scratch, key=KEY) as made:
        yield made


@pytest.fixture
def site(kubernetes: Lab, transactional_db: None) -> Iterator[Site]:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(pk=CLUSTER, access_key=key, name="demo", private_registry="")
    register(cluster, kubernetes, {name: hosts for name, hosts in GROUPS.items() if name != "registry"})
    made = Site(kubernetes, cluster)
    yield made
    made.fault()
