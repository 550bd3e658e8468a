"""Fixtures: a Kubernetes of the SIMULATED toolchain with the platform's agent on two lab hosts, and its rows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from lab import artifact, rootfs
from lab.base import Shape
from lab.hosts import Lab
from tasks import services
from tasks.models import LogChunk, Operation
from tests.lab_fixtures import name_of_run, take_down_stale
from tests.tasks.driven import finish
from tests.workers import Fleet

WHERE = "/root/3k/artifact"
KEY = "/root/.ssh/id_sanqian"
ENVIRONMENT = {"LAB_SPEED": "100", "KUBECONFIG": "/etc/kubernetes/admin.conf"}
ALL = "-f cluster.yaml -a packages/3k.tar.gz"
REGISTRY = "dockerhub.kubekey.local"


@dataclass
class Site:
    """The lab registered as a cluster."""

    lab: Lab
    cluster: Cluster
    fleet: Fleet

    def sh(self, script: str, host: str = "master1", check: bool = True) -> str:
        return sh(self.lab, script, host, check)

    def run(self, kind: str, secrets: dict[str, str] | None = None, **params: Any) -> Operation:
        made = services.request_operation(self.cluster, kind, params, secrets=secrets, actor="test")
        finish(made, self.fleet, 120)
        self.cluster.refresh_from_db()
        return made

    def retry(self, operation: Operation) -> str:
        services.request_retry(operation, actor="test")
        ended = finish(operation, self.fleet, 120)
        self.cluster.refresh_from_db()
        return ended


def sh(lab: Lab, script: str, host: str = "master1", check: bool = True) -> str:
    words = lab.exec_argv(host, ["sh", "-c", f"cd {WHERE} 2>/dev/null; {script}"], ENVIRONMENT)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    assert not check or done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout.strip()


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One control-plane host, which has the registry, and a worker whose user is not root."""
    if os.geteuid():
        pytest.skip("the lab's hosts need root")
    if missing := rootfs.missing_tools():
        pytest.skip(f"the lab needs {', '.join(missing)}: python -m lab setup")
    take_down_stale(Lab)
    made = Lab(name_of_run("rotate"), Shape(masters=1, workers=1, disks=0))
    try:
        made.up()
        put(made, "/tmp/artifact.tar.gz", artifact.build(tmp_path_factory.mktemp("artifact")).read_bytes())
        put(made, KEY, made.key_path.read_bytes())
        put(made, "/etc/lab/speed", b"100\n")
        sh(made, f"mkdir -p {WHERE} && tar -xzf /tmp/artifact.tar.gz -C {WHERE}")
        yield made
    finally:
        made.down()


def put(lab: Lab, path: str, data: bytes, host: str = "master1") -> None:
    words = lab.exec_argv(host, ["sh", "-c", f"umask 077; mkdir -p {Path(path).parent}; cat >{path}"])
    subprocess.run(words, input=data, check=True, timeout=60)


@pytest.fixture
def site(hosts: Lab, transactional_db: None, fleet: Fleet) -> Site:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(access_key=key, name="demo", private_registry=REGISTRY)
    credential = SSHCredential.objects.create(
        cluster=cluster, private_key=hosts.key_path.read_text(), sudo_password="lab-ops"
    )
    for position, host in enumerate(hosts.hosts):
        first = host.name == "master1"
        Node.objects.create(
            cluster=cluster,
            position=position,
            name=host.name,
            address=host.address,
            internal_address=host.address,
            port=host.port,
            user="root" if first else "ops",
            role_groups=["control-plane", "etcd", "registry"] if first else ["worker"],
            credential=credential,
        )
    return Site(hosts, cluster, fleet)


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    """Short leases, so that a take-over is seen soon."""
    made = Fleet(SANQIAN_LEASE_SECONDS="5", SANQIAN_SLICE_SECONDS="4")
    made.worker(16)
    made.beat()
    yield made
    made.stop()


def stored(operation: Operation) -> str:
    """All of its output."""
    chunks = LogChunk.objects.filter(operation=operation).order_by("seq")
    return "".join(chunks.values_list("text", flat=True))
