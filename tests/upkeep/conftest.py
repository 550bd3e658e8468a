"""Fixtures: a SIMULATED Kubernetes with three members of etcd, two of them control planes, and its rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from clusters.models import AccessKey, Cluster, Component, Customer
from lab.base import Shape
from lab.hosts import Lab
from tasks.actions.kubernetes import ADMIN_CONF, outward
from tasks.plans.site import KEY as OWN_KEY
from tests.ceph.conftest import Site
from tests.installed import PASSWORD, REGISTRY, fleet, installed, put, register, sh

__all__ = ["fleet", "kubernetes", "site"]
GROUPS = {
    "etcd": ["master1", "master2", "master3"],
    "control-plane": ["master1", "master2"],
    "registry": ["master1", "master3"],
    "worker": ["worker1"],
}
CLUSTER = uuid.UUID("6f0a3c1e-0000-4000-8000-00000000ca5e")
COMPONENTS = {"kruise": "kruise", "node-feature-discovery": "node-feature-discovery"}


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Kubernetes with two components of Helm, by hand and as fast as can be."""
    shape, scratch = Shape(masters=3, workers=1, disks=0), tmp_path_factory.mktemp("artifact")
    with installed("upkeep", shape, GROUPS, scratch) as made:
        put(made, OWN_KEY, made.key_path.read_bytes())
        put(made, "/root/.ssh/known_hosts", made.known_hosts_path.read_bytes())
        for name, namespace in COMPONENTS.items():
            values = f"-n {namespace} --create-namespace -f deploy/values/{name}.yaml"
            sh(made, f"helm upgrade --install {name} helm-charts/{name}-*.tgz {values} --wait")
        yield made


@pytest.fixture
def site(kubernetes: Lab, transactional_db: None) -> Iterator[Site]:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    conf, _ = outward(sh(kubernetes, f"cat {ADMIN_CONF}"), kubernetes.host("master1").address)
    cluster = Cluster.objects.create(
        pk=CLUSTER,
        access_key=key,
        name="demo",
        private_registry=REGISTRY,
        registry_password=PASSWORD,
        kubeconfig=conf,
    )
    register(cluster, kubernetes, GROUPS)
    for name in COMPONENTS:
        Component.objects.create(cluster=cluster, name=name, kind="helm", chosen=True)
    made = Site(kubernetes, cluster)
    yield made
    made.fault()
