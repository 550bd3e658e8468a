"""Fixtures: a Kubernetes of the SIMULATED toolchain on two lab hosts, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from lab.base import Shape
from lab.hosts import Lab
from tasks import services
from tasks.models import LogChunk, Operation
from tasks.plans.site import KEY
from tests.installed import PASSWORD, REGISTRY, Installed, fleet, installed, sh
from tests.tasks.driven import finish
from tests.workers import Fleet

__all__ = ["fleet", "hosts", "site"]
GROUPS = {"etcd": ["master1"], "control-plane": ["master1"], "registry": ["master1"], "worker": ["worker1"]}
# Whose keys open the hosts, besides the service's.
AUTHORISED = {"master1": "/root/.ssh/authorized_keys", "worker1": "/home/ops/.ssh/authorized_keys"}
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJbbO0HnpkUuYmcTnKUZJHEU3fBkfM4hTSBTPNnPPSW someone else"


@dataclass
class Site(Installed):
    """The lab registered as a cluster."""

    fleet: Fleet

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


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One control-plane host, which has the registry, and a worker whose user is not root.

    The registry's project is private, so that images are pulled with a login alone.
    """
    registry = {
        "privateRegistry": REGISTRY,
        "namespaceOverride": "kubesphereio",
        "auths": {REGISTRY: {"username": "admin", "password": PASSWORD}},
    }
    shape = Shape(masters=1, workers=1, disks=0)
    scratch = tmp_path_factory.mktemp("artifact")
    with installed("rotate", shape, GROUPS, scratch, key=KEY, public=False, registry=registry) as made:
        yield made


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


def stored(operation: Operation) -> str:
    """All of its output."""
    chunks = LogChunk.objects.filter(operation=operation).order_by("seq")
    return "".join(chunks.values_list("text", flat=True))
