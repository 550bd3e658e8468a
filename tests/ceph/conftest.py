"""Fixtures: a Kubernetes of the SIMULATED toolchain on four lab hosts with two raw disks a worker, and its rows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from lab.base import Shape
from lab.hosts import Lab
from tasks import services
from tasks.models import LogChunk, Operation
from tests.kubernetes_lab import WHERE, fault, kubernetes_lab, sh
from tests.workers import Fleet

KEY = "/root/.ssh/id_test"
# The rows of each test are those of the same cluster: its hosts remember whose disks they gave.
CLUSTER = uuid.UUID("6f0a3c1e-0000-4000-8000-00000000ce9f")


@dataclass
class Site:
    """The lab registered as a cluster."""

    lab: Lab
    cluster: Cluster

    def sh(self, script: str, host: str = "master1", check: bool = True) -> str:
        return sh(self.lab, script, host, check)

    def get(self, *words: str) -> Any:
        return json.loads(self.sh(f"kubectl get {' '.join(words)} -o json"))

    def names(self, *words: str) -> set[str]:
        return {one["metadata"]["name"] for one in self.get(*words)["items"]}

    def fault(self, *faults: dict[str, object]) -> None:
        fault(self.lab, *faults)

    def disk(self, host: str, name: str = "vdb") -> str:
        return f"/dev/disk/by-id/virtio-SIMULATED-{host}-{name}"

    def wipe(self, host: str, name: str = "vdb") -> dict[str, str]:
        return {"host": host, "disk": self.disk(host, name), "serial": f"SIMULATED-{host}-{name}"}

    def start(self, kind: str, dry_run: bool = False, **params: Any) -> Operation:
        given = {"artifact_directory": WHERE, **params}
        return services.request_operation(self.cluster, kind, given, dry_run=dry_run, actor="test")


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One control-plane host and three workers with Kubernetes and nothing else."""
    shape = Shape(masters=1, workers=3, disks=2)
    with kubernetes_lab("ceph", shape, KEY, tmp_path_factory.mktemp("artifact")) as made:
        yield made


@pytest.fixture
def site(kubernetes: Lab, transactional_db: None) -> Iterator[Site]:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(pk=CLUSTER, access_key=key, name="demo", private_registry="")
    credential = SSHCredential.objects.create(cluster=cluster, private_key=kubernetes.key_path.read_text())
    for position, host in enumerate(kubernetes.hosts):
        Node.objects.create(
            cluster=cluster,
            position=position,
            name=host.name,
            address=host.address,
            internal_address=host.address,
            port=host.port,
            role_groups=["control-plane", "etcd"] if host.name == "master1" else ["worker"],
            credential=credential,
        )
    made = Site(kubernetes, cluster)
    yield made
    made.fault()


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    """Short leases, so that a take-over is seen soon."""
    made = Fleet(SANQIAN_LEASE_SECONDS="5", SANQIAN_SLICE_SECONDS="4")
    made.worker(16)
    made.beat()
    yield made
    made.stop()


def stored(operation: Operation, step: str, host: str = "") -> str:
    chunks = LogChunk.objects.filter(operation=operation, job__step__key=step)
    chunks = chunks.filter(job__host=host) if host else chunks
    return "".join(chunks.order_by("seq").values_list("text", flat=True))
