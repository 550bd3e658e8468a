"""Fixtures: a SIMULATED Kubernetes with three members of etcd, two of them control planes, and its rows."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from clusters.models import AccessKey, Cluster, Component, Customer, Node, SSHCredential
from lab import artifact, rootfs
from lab.base import Shape
from lab.hosts import Lab
from tasks.actions.kubernetes import ADMIN_CONF, outward
from tasks.plans.site import KEY as OWN_KEY
from tests.ceph.conftest import Site, fleet
from tests.installed import ALL, CREATE, KEY, PROJECT, WHERE, sh
from tests.lab_fixtures import name_of_run, take_down_stale

__all__ = ["fleet", "kubernetes", "site"]
REGISTRY = "dockerhub.kubekey.local"
ROLES = {
    "master1": ["etcd", "control-plane", "registry"],
    "master2": ["etcd", "control-plane"],
    "master3": ["etcd"],
    "worker1": ["worker"],
}
CLUSTER = uuid.UUID("6f0a3c1e-0000-4000-8000-00000000ca5e")
COMPONENTS = {"kruise": "kruise", "node-feature-discovery": "node-feature-discovery"}


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Kubernetes with two components of Helm, by hand and as fast as can be."""
    if os.geteuid():
        pytest.skip("the lab's hosts need root")
    if missing := rootfs.missing_tools():
        pytest.skip(f"the lab needs {', '.join(missing)}: python -m lab setup")
    take_down_stale(Lab)
    made = Lab(name_of_run("upkeep"), Shape(masters=3, workers=1, disks=0))
    try:
        made.up()
        for host in made.hosts:
            _put(made, "/etc/lab/speed", b"100\n", host.name)
        _put(made, "/tmp/artifact.tar.gz", artifact.build(tmp_path_factory.mktemp("artifact")).read_bytes())
        _put(made, f"{WHERE}/cluster.yaml", _configuration(made))
        for path in (KEY, OWN_KEY):
            _put(made, path, made.key_path.read_bytes())
        _put(made, "/root/.ssh/known_hosts", made.known_hosts_path.read_bytes())
        sh(made, f"tar -xzf /tmp/artifact.tar.gz -C {WHERE}")
        sh(made, f"bin/kk init registry {ALL}")
        sh(made, PROJECT)
        for words in (f"artifact images push {ALL}", f"create cluster {ALL} {CREATE}"):
            sh(made, f"bin/kk {words}")
        for name, namespace in COMPONENTS.items():
            values = f"-n {namespace} --create-namespace -f deploy/values/{name}.yaml"
            sh(made, f"helm upgrade --install {name} helm-charts/{name}-*.tgz {values} --wait")
        yield made
    finally:
        made.down()


def _put(lab: Lab, path: str, data: bytes, host: str = "master1") -> None:
    script = f"umask 077; mkdir -p {Path(path).parent}; cat >{path}"
    lab.exec(host, ["sh", "-c", script], stdin=data, check=True)


def _configuration(lab: Lab) -> bytes:
    hosts = [
        {"name": host.name, "address": host.address, "internalAddress": host.address, "user": "root", "port": host.port}
        | {"privateKeyPath": KEY}
        for host in lab.hosts
    ]
    roles = sorted({role for held in ROLES.values() for role in held})
    groups = {role: [name for name, held in ROLES.items() if role in held] for role in roles}
    spec = {"hosts": hosts, "roleGroups": groups}
    return yaml.safe_dump({"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": spec}).encode()


@pytest.fixture
def site(kubernetes: Lab, transactional_db: None) -> Iterator[Site]:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    conf, _ = outward(sh(kubernetes, f"cat {ADMIN_CONF}"), kubernetes.host("master1").address)
    cluster = Cluster.objects.create(
        pk=CLUSTER,
        access_key=key,
        name="demo",
        private_registry=REGISTRY,
        registry_password="Harbor12345",
        kubeconfig=conf,
    )
    credential = SSHCredential.objects.create(cluster=cluster, private_key=kubernetes.key_path.read_text())
    for position, host in enumerate(kubernetes.hosts):
        Node.objects.create(
            cluster=cluster,
            position=position,
            name=host.name,
            address=host.address,
            internal_address=host.address,
            port=host.port,
            role_groups=ROLES[host.name],
            credential=credential,
        )
    for name in COMPONENTS:
        Component.objects.create(cluster=cluster, name=name, kind="helm", chosen=True)
    made = Site(kubernetes, cluster)
    yield made
    made.fault()
