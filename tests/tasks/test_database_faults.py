"""PostgreSQL is restarted, crashes, and is replaced by its standby, while workers drive and the web answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from clusters.models import AccessKey, Cluster, Customer
from sanqian_service.embedded import Embedded
from tasks.models import ACTIVE, Event, LogChunk, OperationState
from tests.own_database import calm, own_database, own_directory, promote, standby_of, url
from tests.tasks.conftest import log_of, plan, register, step
from tests.tasks.driven import start
from tests.tasks.remote.servers import Sshd
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration
TALK = "i=0; while [ $i -lt {lines} ]; do echo line $i; i=$((i+1)); sleep 0.1; done"


@pytest.fixture
def directory() -> Path:
    return own_directory()


@pytest.fixture
def postgres(transactional_db: None, directory: Path) -> Iterator[Embedded]:
    with own_database(directory / "first", directory / "second") as server:
        yield server


@pytest.fixture
def cluster(postgres: Embedded, three: list[Sshd]) -> Cluster:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    return register(key, three[:1])


@pytest.fixture
def workers(postgres: Embedded) -> Iterator[Fleet]:
    made = Fleet(SANQIAN_DATABASE_URL=url(), SANQIAN_LEASE_SECONDS="6", SANQIAN_SLICE_SECONDS="3")
    yield made
    made.stop()


def test_work_goes_on_by_itself_after_a_restart_a_crash_and_a_failover(
    postgres: Embedded, cluster: Cluster, workers: Fleet, directory: Path, client: Client
) -> None:
    standby = standby_of(postgres, directory / "second")
    workers.worker()
    workers.beat()
    talk = f"echo x >> {directory}/starts; {TALK.format(lines=80)}"
    short = [step(f"s{n}", "echo short", after=(f"s{n - 1}",) if n else ()) for n in range(8)]
    operation = start(cluster, plan(step("talk", talk), *short))

    def says(line: int) -> None:
        has_said = partial(lambda: f"line {line}\n" in log_of(operation, "host1"))
        until(calm(has_said), what=f"line {line}\n{workers.log()}")

    def restart(mode: str) -> None:
        postgres.stop_postgres(mode)
        assert client.get("/readyz").status_code == 503
        postgres.start_postgres()
        until(lambda: client.get("/readyz").status_code == 200, what="the web answers again")

    says(5)
    restart("fast")
    says(25)
    restart("immediate")
    says(50)
    postgres.stop_postgres("immediate")
    promote(standby)
    until(lambda: client.get("/readyz").status_code == 200, what="the web has found the other server")

    def ended() -> bool:
        operation.refresh_from_db()
        return operation.state not in ACTIVE

    until(calm(ended), what="the operation ends")
    assert operation.state == OperationState.SUCCEEDED, (operation.error, workers.log())
    log = log_of(operation, "host1")
    assert "".join(line for line in log.splitlines(keepends=True) if line != "short\n") == "".join(
        f"line {n}\n" for n in range(80)
    )
    assert log.count("short\n") == 8
    assert (directory / "starts").read_text() == "x\n"
    assert set(operation.steps.values_list("tries", "attempt", "state")) == {(0, 1, "succeeded")}
    numbered: list[Any] = [model.objects.filter(operation=operation) for model in (Event, LogChunk)]
    numbers = sorted(seq for rows in numbered for seq in rows.values_list("seq", flat=True))
    assert numbers == list(range(1, operation.event_seq + 1))
