"""Fixtures: six fresh hosts a test, an artifact with the SIMULATED toolchain, a cluster from the guide's own sample."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from clusters import registry
from clusters.access import Access, judge
from clusters.inventory import parse
from clusters.models import AccessKey, Cluster, Customer
from lab import artifact as lab_artifact
from lab.base import Shape
from lab.hosts import Lab
from tests.lab_fixtures import hosts_of_run
from tests.workers import Fleet


@pytest.fixture(scope="session")
def artifact() -> str:
    """The name of the lab's artifact below the service's artifact directory."""
    return lab_artifact.build(Path(settings.ARTIFACT_DIR)).name


@contextmanager
def fresh_hosts(name: str, shape: Shape, speed: int) -> Iterator[Lab]:
    """Hosts on which nothing was installed yet; the SIMULATED programs take their times `speed` times as fast."""
    with hosts_of_run(name, shape) as made:
        for host in made.hosts:
            made.exec(host.name, ["sh", "-c", f"echo {speed} > /etc/lab/speed"], check=True)
        yield made


@pytest.fixture
def hosts() -> Iterator[Lab]:
    """Six hosts."""
    with fresh_hosts("install", Shape(), speed=20) as made:
        yield made


@pytest.fixture
def cluster(hosts: Lab, transactional_db: None) -> Cluster:
    """Registered from the installation guide's sample as printed, which is not valid YAML."""
    parsed = parse(hosts.config_text())
    assert parsed.inventory is not None, parsed.findings
    assert [finding.level for finding in parsed.findings if finding.level == "repair"]
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    access = Access(private_keys={str(hosts.key_path): hosts.key_path.read_text()})
    assert not [finding for finding in judge(parsed.inventory, access) if finding.level == "error"]
    fields = {"api_address": "https://cloud.example.com", "object_store_bucket": "bucket"}
    return registry.create(key, "main-job", parsed.inventory, access, others=fields)


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    """Short leases and pauses, so that a take-over and another try are seen soon."""
    made = Fleet(SANQIAN_LEASE_SECONDS="5", SANQIAN_SLICE_SECONDS="4", SANQIAN_RETRY_FACTOR="0.1")
    made.beat()
    yield made
    made.stop()


def break_on(lab: Lab, host: str, *faults: dict[str, object]) -> None:
    """Ask the SIMULATED toolchain on `host` for faults; see lab/README.md."""
    lab.exec(
        host, ["sh", "-c", "cat > /etc/lab/faults.json"], stdin=json.dumps({"faults": faults}).encode(), check=True
    )
