"""Fixtures: a Kubernetes of the SIMULATED toolchain with the platform's agent on two lab hosts, and its rows."""

from __future__ import annotations

import json
import os
import subprocess
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
from tests.tasks.driven import finish
from tests.workers import Fleet

WHERE = "/root/3k/artifact"
KEY = "/root/.ssh/id_sanqian"
ENVIRONMENT = {"LAB_SPEED": "100", "KUBECONFIG": "/etc/kubernetes/admin.conf"}
ALL = "-f cluster.yaml -a packages/3k.tar.gz"
CREATE = "--with-packages --skip-push-images -y"
REGISTRY = "dockerhub.kubekey.local"
FIRST_PASSWORD = "Harbor12345"
# Private, so that images are pulled with a login alone.
PROJECT = f"""curl -sS --cacert /etc/docker/certs.d/{REGISTRY}/ca.crt -u admin:{FIRST_PASSWORD} -o /dev/null \
-H 'Content-Type: application/json' -d '{{"project_name": "kubesphereio", "public": false}}' \
https://{REGISTRY}/api/v2.0/projects"""
# Whose keys open the hosts, besides the service's.
AUTHORISED = {"master1": "/root/.ssh/authorized_keys", "worker1": "/home/ops/.ssh/authorized_keys"}
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJbbO0HnpkUuYmcTnKUZJHEU3fBkfM4hTSBTPNnPPSW someone else"


@dataclass
class Site:
    """The lab registered as a cluster."""

    lab: Lab
    cluster: Cluster
    fleet: Fleet

    def sh(self, script: str, host: str = "master1", check: bool = True) -> str:
        return sh(self.lab, script, host, check)

    def fault(self, *faults: dict[str, object]) -> None:
        """Ask the SIMULATED toolchain for faults; see lab/README.md."""
        text = json.dumps({"faults": faults})
        self.sh(f"rm -f /var/lib/lab/faults-struck.json; cat >/etc/lab/faults.json <<'END'\n{text}\nEND")

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
        put(made, f"{WHERE}/cluster.yaml", _configuration(made))
        for words in (f"init registry {ALL}", f"artifact images push {ALL}", f"create cluster {ALL} {CREATE}"):
            sh(made, f"bin/kk {words}")
            if words.startswith("init"):
                sh(made, PROJECT)
        yield made
    finally:
        made.down()


def _configuration(lab: Lab) -> bytes:
    hosts = [
        {"name": host.name, "address": host.address, "internalAddress": host.address, "user": "root", "port": host.port}
        | {"privateKeyPath": KEY}
        for host in lab.hosts
    ]
    groups = {"etcd": ["master1"], "control-plane": ["master1"], "worker": ["worker1"], "registry": ["master1"]}
    registry = {
        "privateRegistry": REGISTRY,
        "namespaceOverride": "kubesphereio",
        "auths": {REGISTRY: {"username": "admin", "password": FIRST_PASSWORD}},
    }
    spec = {"hosts": hosts, "roleGroups": groups, "registry": registry}
    return yaml.safe_dump({"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": spec}).encode()


def put(lab: Lab, path: str, data: bytes, host: str = "master1") -> None:
    words = lab.exec_argv(host, ["sh", "-c", f"umask 077; mkdir -p {Path(path).parent}; cat >{path}"])
    subprocess.run(words, input=data, check=True, timeout=60)


@pytest.fixture
def site(hosts: Lab, transactional_db: None, fleet: Fleet) -> Site:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(access_key=key, name="demo", private_registry=REGISTRY)
    for host, path in AUTHORISED.items():
        owner = path.split("/")[-3]
        lines = f"{hosts.key_path.with_suffix('.pub').read_text().strip()}\\n{OTHER}"
        sh(hosts, f"cd {path.rpartition('/')[0]} && printf '{lines}' >{path} && chown -R {owner} .", host)
    credential = SSHCredential.objects.create(
        cluster=cluster, private_key=hosts.key_path.read_text(), sudo_password="lab-ops"
    )
    for position, one in enumerate(hosts.hosts):
        first = one.name == "master1"
        Node.objects.create(
            cluster=cluster,
            position=position,
            name=one.name,
            address=one.address,
            internal_address=one.address,
            port=one.port,
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
