"""Lab hosts with a Kubernetes of the SIMULATED toolchain, set up by kk alone, for the tests of what follows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.models import Cluster, Node, SSHCredential
from lab import artifact
from lab.base import Shape
from lab.hosts import Lab
from tasks.models import LogChunk, Operation
from tests.lab_fixtures import hosts_of_run
from tests.workers import Fleet

Groups = Mapping[str, Sequence[str]]
WHERE, KEY = "/root/3k/artifact", "/root/.ssh/id_test"
ENVIRONMENT = {"LAB_SPEED": "100", "KUBECONFIG": "/etc/kubernetes/admin.conf"}
ALL = "-f cluster.yaml -a packages/3k.tar.gz"
CREATE = "--with-packages --skip-push-images -y"
REGISTRY, PASSWORD = "dockerhub.kubekey.local", "Harbor12345"


def sh(lab: Lab, script: str, host: str = "master1", check: bool = True) -> str:
    words = lab.exec_argv(host, ["sh", "-c", f"cd {WHERE} 2>/dev/null; {script}"], ENVIRONMENT)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    assert not check or done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout.strip()


@dataclass
class Installed:
    """Such a lab, registered as a cluster."""

    lab: Lab
    cluster: Cluster

    def sh(self, script: str, host: str = "master1", check: bool = True) -> str:
        return sh(self.lab, script, host, check)

    def fault(self, *faults: dict[str, object], host: str = "master1") -> None:
        """Ask the SIMULATED toolchain of `host` for faults; see lab/README.md."""
        text = json.dumps({"faults": faults})
        self.sh(f"rm -f /var/lib/lab/faults-struck.json; cat >/etc/lab/faults.json <<'END'\n{text}\nEND", host)


@contextmanager
def installed(
    name: str, shape: Shape, groups: Groups, scratch: Path, *, key: str = KEY, public: bool = True, **spec: Any
) -> Iterator[Lab]:
    """Hosts of `shape` with Kubernetes in these role groups, and nothing else; see `create`."""
    with hosts_of_run(name, shape) as made:
        create(made, scratch, groups, key=key, public=public, **spec)
        yield made


def create(lab: Lab, scratch: Path, groups: Groups, *, key: str = KEY, public: bool = True, **spec: Any) -> None:
    """Have kk, called by hand, make a Kubernetes with a registry of the hosts that are in `groups`.

    `key` is where the first host keeps its SSH key, `public` whether images are pulled without a login, and `spec`
    goes into kk's configuration.
    """
    put(lab, "/tmp/artifact.tar.gz", artifact.build(scratch).read_bytes())
    put(lab, f"{WHERE}/cluster.yaml", _configuration(lab, groups, key, spec))
    put(lab, key, lab.key_path.read_bytes())
    for host in lab.hosts:
        put(lab, "/etc/lab/speed", b"100\n", host.name)
    sh(lab, f"tar -xzf /tmp/artifact.tar.gz -C {WHERE}")
    for words in (f"init registry {ALL}", f"artifact images push {ALL}", f"create cluster {ALL} {CREATE}"):
        sh(lab, f"bin/kk {words}")
        if words.startswith("init"):
            sh(lab, _project(public))


def _project(public: bool) -> str:
    body = json.dumps({"project_name": "kubesphereio", "public": public})
    return (
        f"curl -sS --cacert /etc/docker/certs.d/{REGISTRY}/ca.crt -u admin:{PASSWORD} -o /dev/null "
        f"-H 'Content-Type: application/json' -d '{body}' https://{REGISTRY}/api/v2.0/projects"
    )


def register(cluster: Cluster, lab: Lab, groups: Groups) -> None:
    """The lab's hosts as the cluster's."""
    credential = SSHCredential.objects.create(cluster=cluster, private_key=lab.key_path.read_text())
    for position, host in enumerate(lab.hosts):
        Node.objects.create(
            cluster=cluster,
            position=position,
            name=host.name,
            address=host.address,
            internal_address=host.address,
            port=host.port,
            role_groups=[group for group, names in groups.items() if host.name in names],
            credential=credential,
        )


def stored(operation: Operation, step: str, host: str = "") -> str:
    chunks = LogChunk.objects.filter(operation=operation, job__step__key=step)
    chunks = chunks.filter(job__host=host) if host else chunks
    return "".join(chunks.order_by("seq").values_list("text", flat=True))


def put(lab: Lab, path: str, data: bytes, host: str = "master1") -> None:
    lab.exec(host, ["sh", "-c", f"umask 077; mkdir -p {Path(path).parent}; cat >{path}"], stdin=data, check=True)


def _configuration(lab: Lab, groups: Groups, key: str, spec: dict[str, Any]) -> bytes:
    members = {name for names in groups.values() for name in names}
    hosts = [
        {"name": host.name, "address": host.address, "internalAddress": host.address, "user": "root", "port": host.port}
        | {"privateKeyPath": key}
        for host in lab.hosts
        if host.name in members
    ]
    whole = {"hosts": hosts, "roleGroups": {group: list(names) for group, names in groups.items()}, **spec}
    return yaml.safe_dump({"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": whole}).encode()


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    """Short leases and pauses, so that a take-over and another try are seen soon."""
    made = Fleet(SANQIAN_LEASE_SECONDS="5", SANQIAN_SLICE_SECONDS="4", SANQIAN_RETRY_FACTOR="0.1")
    made.worker(16)
    made.beat()
    yield made
    made.stop()
