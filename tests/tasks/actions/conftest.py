"""Actions on real SSH hosts of a lab of their own: two masters and a worker."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from clusters.models import AccessKey, Cluster, Customer, Node
from lab.base import Shape
from lab.hosts import Lab
from tasks import actions
from tasks.actions.base import Context, Done, Wait
from tasks.models import Operation, Step
from tests.installed import register
from tests.lab_fixtures import hosts_of_run

_names = itertools.count(1)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Hosts of these tests alone: they are prepared for one cluster after another."""
    with hosts_of_run("actions", Shape(masters=2, workers=1)) as made:
        yield made


def lab_run(lab: Lab, host: str, script: str) -> str:
    argv = lab.exec_argv(host, ["sh", "-c", script])
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@dataclass
class Site:
    """The lab registered as a cluster; runs actions on it."""

    lab: Lab
    cluster: Cluster
    said: list[str] = field(default_factory=list)

    def on(self, host: str, script: str) -> str:
        return lab_run(self.lab, host, script)

    def context(self, slice_seconds: float = 15.0, memory: dict[str, Any] | None = None, **args: Any) -> Context:
        operation = Operation(cluster=self.cluster, kind="test")
        nodes = Node.objects.filter(cluster=self.cluster).select_related("credential")
        return Context(
            cluster=Cluster.objects.get(pk=self.cluster.pk),
            operation=operation,
            step=Step(operation=operation, key="test"),
            args=args,
            dry_run=False,
            nodes=list(nodes),
            memory={} if memory is None else memory,
            log=self.said.append,
            progress=lambda percent, note: self.said.append(f"{percent:.0f} {note}"),
            deadline=time.monotonic() + slice_seconds,
        )

    def probe(self, name: str, **args: Any) -> bool | None:
        return actions.find(name).probe(self.context(**args))

    def run(self, name: str, slice_seconds: float = 15.0, **args: Any) -> tuple[Done, int]:
        """Run the action to its end: what it gave, and in how many slices."""
        memory: dict[str, Any] = {}
        for slices in itertools.count(1):
            came = actions.find(name).run(self.context(slice_seconds, memory, **args))
            if not isinstance(came, Wait):
                return came, slices
            assert slices < 200
            time.sleep(min(came.seconds, 0.05))
        raise AssertionError


@pytest.fixture
def site(lab: Lab, transactional_db: None) -> Site:
    key = AccessKey.objects.issue(Customer.objects.create(name=f"customer {next(_names)}"))[0]
    cluster = Cluster.objects.create(access_key=key, name=f"cluster-{next(_names)}")
    masters, workers = ([host.name for host in lab.hosts if host.is_worker is which] for which in (False, True))
    register(cluster, lab, {"control-plane": masters, "etcd": masters, "worker": workers})
    for host in lab.hosts:
        lab_run(lab, host.name, "rm -f /var/lib/sanqian/cluster")
    return Site(lab, cluster)


@pytest.fixture
def put_back(site: Site) -> Iterator[Callable[[str, str], None]]:
    """Run a script on a host when the test is over."""
    todo: list[tuple[str, str]] = []
    yield lambda host, script: todo.append((host, script))
    for host, script in reversed(todo):
        site.on(host, script)
