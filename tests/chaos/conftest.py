"""Fixtures: the lab's hosts, a broker and workers to be broken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.core.cache import cache

from clusters.models import AccessKey, Customer
from lab.hosts import Lab
from sanqian_service.embedded import Embedded
from tests.chaos import disks
from tests.chaos.load import EFFECTS
from tests.own_database import own_database, own_directory, url
from tests.tasks.test_faults import broker  # noqa: F401 - a fixture
from tests.workers import Fleet

SHORT_SEED = 22032  # its first ten faults are of ten kinds


@dataclass(frozen=True)
class Size:
    """How long faults happen (seconds), to how many operations at once, from which seed."""

    seconds: float
    operations: int
    seed: int
    short: bool

    @property
    def rounds(self) -> int:
        """How often a job writes."""
        return 9 if self.short else 24

    @property
    def pause(self) -> float:
        """Seconds for which a worker stands still: longer than its lease."""
        return 6 if self.short else 25


@pytest.fixture
def size() -> Size:
    """The short one unless the environment asks for more: `make chaos` does."""
    seconds = os.environ.get("SANQIAN_CHAOS_SECONDS", "")
    return Size(
        seconds=float(seconds or 20),
        operations=int(os.environ.get("SANQIAN_CHAOS_OPERATIONS") or (20 if seconds else 6)),
        seed=int(os.environ.get("SANQIAN_CHAOS_SEED") or (int.from_bytes(os.urandom(3)) if seconds else SHORT_SEED)),
        short=not seconds,
    )


@pytest.fixture
def chaos_lab(breakable_lab: Lab) -> Iterator[Lab]:
    disks.mount(breakable_lab)
    yield breakable_lab
    breakable_lab.up()
    disks.unmount(breakable_lab)
    for host in breakable_lab.hosts:
        breakable_lab.exec(host.name, ["rm", "-rf", EFFECTS])


@pytest.fixture
def database(transactional_db: None) -> Iterator[Embedded]:
    """A PostgreSQL to be restarted; all rows of the test are there."""
    with own_database(own_directory() / "first") as server:
        yield server


@pytest.fixture
def access_key(database: Embedded) -> AccessKey:
    return AccessKey.objects.issue(Customer.objects.create(name="a customer"))[0]


@pytest.fixture
def workers(size: Size, broker: Embedded, database: Embedded) -> Iterator[Fleet]:  # noqa: F811
    """The long run has the settings that a service has; the short one has no time for them."""
    cache.clear()
    short = {"SANQIAN_LEASE_SECONDS": "4", "SANQIAN_SLICE_SECONDS": "2"}
    usual = {"SANQIAN_RECONCILE_SECONDS": "5"}
    made = Fleet(
        **(short if size.short else usual),
        SANQIAN_DATABASE_URL=url(),
        SANQIAN_BROKER_URL=broker.broker_url,
        SANQIAN_CACHE_URL=broker.cache_url,
    )
    yield made
    made.stop()
