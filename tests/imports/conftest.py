"""Fixtures: a Kubernetes that the SIMULATED kk made by hand on two of three lab hosts, and nothing registered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from lab import rootfs
from lab.base import Shape
from lab.hosts import Lab
from tests.api import api  # noqa: F401 - a fixture
from tests.ceph.conftest import create, sh
from tests.lab_fixtures import name_of_run, take_down_stale
from tests.workers import Fleet

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
        for host in made.hosts:
            sh(made, "echo 100 >/etc/lab/speed", host.name)
        create(made, tmp_path_factory.mktemp("artifact"), "worker1")
        sh(made, f"bin/helm install {RELEASE} helm-charts/{RELEASE}-*.tgz -n {RELEASE} --create-namespace --wait")
        yield made
    finally:
        made.down()


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
