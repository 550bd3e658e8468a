"""Fixtures: a Kubernetes that the SIMULATED kk made by hand on two of three lab hosts, and nothing registered."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import artifact, rootfs
from lab.base import Shape
from lab.hosts import Lab
from tests.api import api  # noqa: F401 - a fixture
from tests.ceph.conftest import ALL, CREATE, PROJECT, WHERE, sh
from tests.lab_fixtures import name_of_run, take_down_stale
from tests.workers import Fleet

KEY = "/root/.ssh/id_somebody"
MEMBERS = ("master1", "worker1")
RELEASE = "node-feature-discovery"


@pytest.fixture(scope="session")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """master1 and worker1 are a Kubernetes with one Helm release; worker2 is a bare host."""
    if os.geteuid():
        pytest.skip("the lab's hosts need root")
    if missing := rootfs.missing_tools():
        pytest.skip(f"the lab needs {', '.join(missing)}: python -m lab setup")
    take_down_stale(Lab)
    made = Lab(name_of_run("import"), Shape(masters=1, workers=2, disks=0))
    try:
        made.up()
        _put(made, "/tmp/artifact.tar.gz", artifact.build(tmp_path_factory.mktemp("artifact")).read_bytes())
        _put(made, f"{WHERE}/cluster.yaml", _configuration(made))
        _put(made, KEY, made.key_path.read_bytes())
        for host in made.hosts:
            sh(made, "echo 100 >/etc/lab/speed", host.name)
        sh(made, f"tar -xzf /tmp/artifact.tar.gz -C {WHERE}")
        for words in (f"init registry {ALL}", f"artifact images push {ALL}", f"create cluster {ALL} {CREATE}"):
            sh(made, f"bin/kk {words}")
            if words.startswith("init"):
                sh(made, PROJECT)
        sh(made, f"bin/helm install {RELEASE} helm-charts/{RELEASE}-*.tgz -n {RELEASE} --create-namespace --wait")
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
        if host.name in MEMBERS
    ]
    groups = {"etcd": ["master1"], "control-plane": ["master1"], "worker": ["worker1"], "registry": ["master1"]}
    spec = {"hosts": hosts, "roleGroups": groups}
    return yaml.safe_dump({"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": spec}).encode()


def hosts(lab: Lab, *names: str, **changes: dict[str, Any]) -> dict[str, Any]:
    """The part of a request that gives these hosts; `changes` by host's name."""
    listed = [
        {"name": host.name, "address": host.address, "port": host.port} | changes.get(host.name, {})
        for host in lab.hosts
        if host.name in names
    ]
    return {"hosts": listed, "private_key": lab.key_path.read_text()}


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    """Short leases, so that a take-over is seen soon."""
    made = Fleet(SANQIAN_LEASE_SECONDS="5", SANQIAN_SLICE_SECONDS="4")
    made.worker(16)
    made.beat()
    yield made
    made.stop()
