"""Fixtures: a Kubernetes of the SIMULATED toolchain on four lab hosts with two raw disks a worker, and its rows."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from lab import artifact, rootfs
from lab.base import Shape
from lab.hosts import Lab
from tasks import services
from tasks.models import LogChunk, Operation
from tests.lab_fixtures import name_of_run, take_down_stale
from tests.workers import Fleet

WHERE, KEY = "/root/3k/artifact", "/root/.ssh/id_test"
ENVIRONMENT = {"LAB_SPEED": "100", "KUBECONFIG": "/etc/kubernetes/admin.conf"}
ALL = "-f cluster.yaml -a packages/3k.tar.gz"
CREATE = "--with-packages --skip-push-images -y"
PROJECT = """curl -sS --cacert /etc/docker/certs.d/dockerhub.kubekey.local/ca.crt -u admin:Harbor12345 -o /dev/null \
-H 'Content-Type: application/json' -d '{"project_name": "kubesphereio", "public": true}' \
https://dockerhub.kubekey.local/api/v2.0/projects"""
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
        """Ask the SIMULATED toolchain for faults; see lab/README.md."""
        text = json.dumps({"faults": faults})
        self.sh(f"rm -f /var/lib/lab/faults-struck.json; cat >/etc/lab/faults.json <<'END'\n{text}\nEND")

    def disk(self, host: str, name: str = "vdb") -> str:
        return f"/dev/disk/by-id/virtio-SIMULATED-{host}-{name}"

    def wipe(self, host: str, name: str = "vdb") -> dict[str, str]:
        return {"host": host, "disk": self.disk(host, name), "serial": f"SIMULATED-{host}-{name}"}

    def start(self, kind: str, dry_run: bool = False, **params: Any) -> Operation:
        given = {"artifact_directory": WHERE, **params}
        return services.request_operation(self.cluster, kind, given, dry_run=dry_run, actor="test")


def sh(lab: Lab, script: str, host: str = "master1", check: bool = True) -> str:
    words = lab.exec_argv(host, ["sh", "-c", f"cd {WHERE} 2>/dev/null; {script}"], ENVIRONMENT)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    assert not check or done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout.strip()


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One control-plane host and three workers with Kubernetes and nothing else."""
    if os.geteuid():
        pytest.skip("the lab's hosts need root")
    if missing := rootfs.missing_tools():
        pytest.skip(f"the lab needs {', '.join(missing)}: python -m lab setup")
    take_down_stale(Lab)
    made = Lab(name_of_run("ceph"), Shape(masters=1, workers=3, disks=2))
    try:
        made.up()
        _put(made, "/tmp/artifact.tar.gz", artifact.build(tmp_path_factory.mktemp("artifact")).read_bytes())
        _put(made, f"{WHERE}/cluster.yaml", _configuration(made))
        _put(made, KEY, made.key_path.read_bytes())
        _put(made, "/etc/lab/speed", b"100\n")
        sh(made, f"tar -xzf /tmp/artifact.tar.gz -C {WHERE}")
        for words in (f"init registry {ALL}", f"artifact images push {ALL}", f"create cluster {ALL} {CREATE}"):
            sh(made, f"bin/kk {words}")
            if words.startswith("init"):
                sh(made, PROJECT)
        yield made
    finally:
        made.down()


def _put(lab: Lab, path: str, data: bytes) -> None:
    words = lab.exec_argv("master1", ["sh", "-c", f"umask 077; mkdir -p {Path(path).parent}; cat >{path}"])
    subprocess.run(words, input=data, check=True, timeout=60)


def _configuration(lab: Lab) -> bytes:
    hosts = [
        {"name": host.name, "address": host.address, "internalAddress": host.address, "user": "root", "port": host.port}
        | {"privateKeyPath": KEY}
        for host in lab.hosts
    ]
    groups = {"etcd": ["master1"], "control-plane": ["master1"], "worker": ["worker[1:3]"], "registry": ["master1"]}
    spec = {"hosts": hosts, "roleGroups": groups}
    return yaml.safe_dump({"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": spec}).encode()


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
    """Short leases and pauses, so that a take-over and another try are seen soon."""
    made = Fleet(SANQIAN_LEASE_SECONDS="5", SANQIAN_SLICE_SECONDS="4", SANQIAN_RETRY_FACTOR="0.1")
    made.worker(16)
    made.beat()
    yield made
    made.stop()


def stored(operation: Operation, step: str, host: str = "") -> str:
    chunks = LogChunk.objects.filter(operation=operation, job__step__key=step)
    chunks = chunks.filter(job__host=host) if host else chunks
    return "".join(chunks.order_by("seq").values_list("text", flat=True))
