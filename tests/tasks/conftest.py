"""Fixtures: a registered cluster on private SSH servers, workers that drive it, plans of plain shell."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from tasks.models import Operation
from tasks.plan import Plan, Script, StepSpec
from tests.tasks.remote.conftest import servers  # noqa: F401 - a fixture
from tests.tasks.remote.servers import Sshd
from tests.workers import Fleet

OWN_JOBS = "mkdir -p /var/lib/sanqian\nmount -t tmpfs none /var/lib/sanqian"
_names = itertools.count(1)


@pytest.fixture
def access_key(transactional_db: None) -> AccessKey:
    customer = Customer.objects.create(name=f"customer {next(_names)}")
    return AccessKey.objects.issue(customer)[0]


@pytest.fixture(scope="session")
def three(servers: Callable[..., Sshd]) -> list[Sshd]:  # noqa: F811
    """Three SSH servers, each with job directories of its own."""
    return [servers(setup=OWN_JOBS) for _ in range(3)]


@pytest.fixture
def cluster(access_key: AccessKey, three: list[Sshd]) -> Cluster:
    """A cluster of the three servers: host1, host2, host3."""
    return register(access_key, three)


def register(access_key: AccessKey, hosts: list[Sshd], **fields: Any) -> Cluster:
    made = Cluster.objects.create(access_key=access_key, name=f"cluster-{next(_names)}", **fields)
    for number, host in enumerate(hosts, start=1):
        credential = SSHCredential.objects.create(cluster=made, private_key=host.private_key)
        Node.objects.create(
            cluster=made,
            position=number,
            name=f"host{number}",
            address=host.host,
            internal_address=host.host,
            port=host.port,
            role_groups=["control-plane", "etcd", "worker"],
            credential=credential,
        )
    return made


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    """No worker yet; short leases, so that a take-over is seen soon."""
    cache.clear()
    made = Fleet(SANQIAN_LEASE_SECONDS="4", SANQIAN_SLICE_SECONDS="3")
    yield made
    made.stop()


def plan(*steps: StepSpec, **more: Any) -> Plan:
    return Plan("test", steps, **more)


def step(key: str, apply: str, *hosts: str, **more: Any) -> StepSpec:
    """A step of plain shell; `probe`, `verify`, `env` go to the script."""
    script = {name: more.pop(name) for name in ("probe", "verify", "env", "secrets") if name in more}
    return StepSpec(key, key, Script(apply, **script), hosts=hosts or ("host1",), **more)


def log_of(operation: Operation, host: str) -> str:
    from tasks.models import LogChunk

    chunks = LogChunk.objects.filter(operation=operation, job__host=host)
    return "".join(chunks.order_by("job__attempt", "offset").values_list("text", flat=True))
