"""Lab hosts on which kk of the SIMULATED toolchain was called by hand: Kubernetes with a registry and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import artifact, rootfs
from lab.base import Shape
from lab.hosts import Lab
from tests.lab_fixtures import name_of_run, take_down_stale

WHERE = "/root/3k/artifact"
REGISTRY = "dockerhub.kubekey.local"
PASSWORD = "Harbor12345"
ENVIRONMENT = {"LAB_SPEED": "100", "KUBECONFIG": "/etc/kubernetes/admin.conf"}
ALL = "-f cluster.yaml -a packages/3k.tar.gz"
CREATE = "--with-packages --skip-push-images -y"


@contextmanager
def kubernetes_lab(name: str, shape: Shape, key: str, made_in: Path, public: bool = True, **spec: Any) -> Iterator[Lab]:
    """Its first host has all roles but the workers'. `key` is a path there, `spec` goes into kk's configuration."""
    if os.geteuid():
        pytest.skip("the lab's hosts need root")
    if missing := rootfs.missing_tools():
        pytest.skip(f"the lab needs {', '.join(missing)}: python -m lab setup")
    take_down_stale(Lab)
    made = Lab(name_of_run(name), shape)
    try:
        made.up()
        put(made, "/tmp/artifact.tar.gz", artifact.build(made_in).read_bytes())
        put(made, f"{WHERE}/cluster.yaml", _configuration(made, key, spec))
        put(made, key, made.key_path.read_bytes())
        put(made, "/etc/lab/speed", b"100\n")
        sh(made, f"tar -xzf /tmp/artifact.tar.gz -C {WHERE}")
        for words in (f"init registry {ALL}", f"artifact images push {ALL}", f"create cluster {ALL} {CREATE}"):
            sh(made, f"bin/kk {words}")
            if words.startswith("init"):
                sh(made, _project(public))
        yield made
    finally:
        made.down()


def sh(lab: Lab, script: str, host: str = "master1", check: bool = True) -> str:
    words = lab.exec_argv(host, ["sh", "-c", f"cd {WHERE} 2>/dev/null; {script}"], ENVIRONMENT)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    assert not check or done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout.strip()


def put(lab: Lab, path: str, data: bytes) -> None:
    words = lab.exec_argv("master1", ["sh", "-c", f"umask 077; mkdir -p {Path(path).parent}; cat >{path}"])
    subprocess.run(words, input=data, check=True, timeout=60)


def fault(lab: Lab, *faults: dict[str, object]) -> None:
    """Ask the SIMULATED toolchain for faults, and forget those before; see lab/README.md."""
    text = json.dumps({"faults": faults})
    sh(lab, f"rm -f /var/lib/lab/faults-struck.json; cat >/etc/lab/faults.json <<'END'\n{text}\nEND")


def _project(public: bool) -> str:
    body = json.dumps({"project_name": "kubesphereio", "public": public})
    return (
        f"curl -sS --cacert /etc/docker/certs.d/{REGISTRY}/ca.crt -u admin:{PASSWORD} -o /dev/null "
        f"-H 'Content-Type: application/json' -d '{body}' https://{REGISTRY}/api/v2.0/projects"
    )


def _configuration(lab: Lab, key: str, spec: dict[str, Any]) -> bytes:
    hosts = [
        {"name": host.name, "address": host.address, "internalAddress": host.address, "user": "root", "port": host.port}
        | {"privateKeyPath": key}
        for host in lab.hosts
    ]
    groups = {"etcd": ["master1"], "control-plane": ["master1"], "registry": ["master1"]}
    groups["worker"] = [host.name for host in lab.hosts if host.is_worker]
    whole = {"hosts": hosts, "roleGroups": groups, **spec}
    return yaml.safe_dump({"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": whole}).encode()
