"""Fixtures: a Kubernetes that the SIMULATED kk made by hand on two of three lab hosts, and nothing registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.base import Shape
from lab.hosts import Lab
from tests.api import api
from tests.installed import fleet, installed, sh

__all__ = ["api", "fleet", "hosts", "somebodys"]
GROUPS = {"etcd": ["master1"], "control-plane": ["master1"], "registry": ["master1"], "worker": ["worker1"]}
MEMBERS = ("master1", "worker1")
RELEASE = "node-feature-discovery"


@pytest.fixture(scope="session")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """master1 and worker1 are a Kubernetes with one Helm release; worker2 is a bare host."""
    shape, scratch = Shape(masters=1, workers=2, disks=0), tmp_path_factory.mktemp("artifact")
    with installed("import", shape, GROUPS, scratch) as made:
        sh(made, f"bin/helm install {RELEASE} helm-charts/{RELEASE}-*.tgz -n {RELEASE} --create-namespace --wait")
        yield made


def hosts(lab: Lab, *names: str, **changes: dict[str, Any]) -> dict[str, Any]:
    """The part of a request that gives these hosts; `changes` by host's name."""
    listed = [
        {"name": host.name, "address": host.address, "port": host.port} | changes.get(host.name, {})
        for host in lab.hosts
        if host.name in names
    ]
    return {"hosts": listed, "private_key": lab.key_path.read_text()}
