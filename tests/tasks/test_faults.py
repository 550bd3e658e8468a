"""Faults of broker, workers and hosts, with real workers over real SSH."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from clusters.models import AccessKey, Cluster, Node
from sanqian_service.celery import app
from sanqian_service.embedded import Embedded
from tasks import engine, jobs
from tasks.models import HostJob, JobState, LogChunk, Operation, OperationState, StepState
from tasks.plan import Retry
from tasks.remote import fingerprint
from tests.tasks.conftest import log_of, plan, register, step
from tests.tasks.driven import alive, finish, start
from tests.tasks.remote.servers import Sshd, needs_sudo
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration


def talk(lines: int, pause: float = 0.1) -> str:
    return f"i=0; while [ $i -lt {lines} ]; do echo line $i; i=$((i+1)); sleep {pause}; done"


def said(lines: int) -> str:
    return "".join(f"line {n}\n" for n in range(lines))


def has_said(operation: Operation, line: int) -> bool:
    return f"line {line}\n" in log_of(operation, "host1")


def speaks(operation: Operation) -> bool:
    return LogChunk.objects.filter(operation=operation).exists()


def work_with_beat(fleet: Fleet, directory: Path) -> None:
    """A worker and a beat in one process tree, which starts sooner than two."""
    fleet.worker(8, "--beat", "--schedule", str(directory / "schedule"))


@pytest.fixture
def host(servers: Callable[..., Sshd], tmp_path: Path) -> Iterator[Sshd]:
    """A server to be broken; its job directories outlast it, in `tmp_path`."""
    jobs_of_it = tmp_path / "sanqian"
    jobs_of_it.mkdir()
    server = servers(setup=f"mkdir -p /var/lib/sanqian\nmount --bind {jobs_of_it} /var/lib/sanqian")
    yield server
    server.stop()


@pytest.fixture
def one(access_key: AccessKey, host: Sshd) -> Cluster:
    """A cluster of that server alone."""
    return register(access_key, [host])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Embedded]:
    """A broker to be stopped, for this process and for the workers of `own`."""
    server = Embedded(tmp_path / "broker")
    server.start_valkey()
    shared = app.conf.broker_url
    _use(server.broker_url)
    yield server
    _use(shared)
    server.stop_valkey()


def _use(broker_url: str) -> None:
    app.conf.update(broker_url=broker_url)
    app._pool = None  # type: ignore[attr-defined]
    app.amqp._producer_pool = None  # type: ignore[attr-defined]


@pytest.fixture
def own(broker: Embedded, transactional_db: None) -> Iterator[Fleet]:
    made = Fleet(
        SANQIAN_LEASE_SECONDS="4",
        SANQIAN_SLICE_SECONDS="2",
        SANQIAN_BROKER_URL=broker.broker_url,
        SANQIAN_CACHE_URL=broker.cache_url,
    )
    yield made
    made.stop()


def test_all_messages_are_lost_with_the_broker(one: Cluster, broker: Embedded, own: Fleet, tmp_path: Path) -> None:
    own.worker()
    own.beat()
    operation = start(
        one, plan(step("talk", f"echo x >> {tmp_path}/starts; {talk(30)}"), step("use", "true", after=("talk",)))
    )
    until(lambda: speaks(operation))
    broker.stop_valkey()
    broker.start_valkey()
    assert finish(operation, own) == OperationState.SUCCEEDED, own.log()
    assert log_of(operation, "host1") == said(30)
    assert (tmp_path / "starts").read_text() == "x\n"


def test_a_request_is_accepted_without_a_broker_and_starts_when_it_is_back(
    one: Cluster, broker: Embedded, own: Fleet
) -> None:
    own.worker()
    own.beat()
    broker.stop_valkey()
    operation = start(one, plan(step("talk", "echo hello")))
    assert operation.state == OperationState.QUEUED
    broker.start_valkey()
    assert finish(operation, own) == OperationState.SUCCEEDED, own.log()
    assert log_of(operation, "host1") == "hello\n"


def test_a_stopped_worker_gives_its_slot_back_and_leaves_the_job(one: Cluster, fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.worker()
    operation = start(one, plan(step("talk", f"echo $$ > {tmp_path}/pid; {talk(50)}; echo x >> {tmp_path}/ends")))
    until(lambda: speaks(operation))
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0, fleet.log()
    told = operation.steps.get()
    assert (told.state, told.lease_until, told.attempt) == (StepState.RUNNING, None, 1)
    assert alive(int((tmp_path / "pid").read_text()))
    fleet.worker()
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    assert log_of(operation, "host1") == said(50)
    assert (tmp_path / "ends").read_text() == "x\n"
    assert not alive(int((tmp_path / "pid").read_text()))


def test_every_message_comes_twice(one: Cluster, own: Fleet, tmp_path: Path) -> None:
    own.worker(8, "-I", "tests.tasks.doubling")
    own.worker(8, "-I", "tests.tasks.doubling", "--beat", "--schedule", str(tmp_path / "schedule"))
    once = f"echo x >> {tmp_path}/"
    operation = start(
        one,
        plan(
            step("talk", f"{once}talk; {talk(25)}"),
            step("beside", f"{once}beside; false", retry=Retry(attempts=2, delay=0)),
            step("not", "true", after=("beside",)),
        ),
    )
    jobs.send(jobs.advance, str(operation.pk))
    assert finish(operation, own) == OperationState.FAILED
    assert dict(operation.steps.values_list("key", "state")) == {
        "talk": "succeeded",
        "beside": "failed",
        "not": "pending",
    }
    assert log_of(operation, "host1") == said(25)
    assert (tmp_path / "talk").read_text() == "x\n"
    assert (tmp_path / "beside").read_text() == "x\n" * 2


def test_cut_connections_cost_no_byte_and_no_try(one: Cluster, host: Sshd, fleet: Fleet, tmp_path: Path) -> None:
    work_with_beat(fleet, tmp_path)
    operation = start(one, plan(step("talk", f"echo x >> {tmp_path}/starts; {talk(45)}")))
    for wanted in (5, 25):
        until(partial(has_said, operation, wanted))
        host.cut()
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    assert log_of(operation, "host1") == said(45)
    assert (tmp_path / "starts").read_text() == "x\n"
    assert operation.steps.get().attempt == 1


def test_a_host_that_goes_away_and_comes_back_is_waited_for(
    one: Cluster, host: Sshd, fleet: Fleet, tmp_path: Path
) -> None:
    work_with_beat(fleet, tmp_path)
    operation = start(one, plan(step("talk", talk(50))))
    until(lambda: speaks(operation))
    host.stop()
    until(lambda: HostJob.objects.filter(unreachable_since__isnull=False).exists())
    waiting = operation.steps.get()
    assert "host1 does not answer" in waiting.note and waiting.state == StepState.RUNNING
    host.start()
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    assert log_of(operation, "host1") == said(50)
    assert operation.steps.get().attempt == 1
    assert HostJob.objects.get().unreachable_since is None


def test_a_host_that_stays_away_fails_the_step_at_its_limit(
    one: Cluster, host: Sshd, fleet: Fleet, tmp_path: Path
) -> None:
    work_with_beat(fleet, tmp_path)
    host.stop()
    operation = start(one, plan(step("talk", "true", unreachable=1)))
    assert finish(operation, fleet) == OperationState.FAILED
    assert (operation.error["kind"], operation.error["host"]) == ("unreachable", "host1")
    assert "has not answered for" in operation.error["message"] and operation.error["fix"]


def test_a_changed_host_key_is_refused_with_both_fingerprints(one: Cluster, host: Sshd, fleet: Fleet) -> None:
    fleet.worker()
    assert finish(start(one, plan(step("first", "true"))), fleet) == OperationState.SUCCEEDED
    pinned = Node.objects.get().host_key
    host.stop()
    host.new_host_key()
    host.start()
    operation = start(one, plan(step("second", "true", retry=Retry(attempts=3, delay=0))))
    assert finish(operation, fleet) == OperationState.FAILED
    assert operation.error["kind"] == "host-key-changed"
    for key in (pinned, host.host_key):
        assert fingerprint(key) in operation.error["message"]
    assert operation.steps.get().attempt == 1
    assert Node.objects.get().host_key == pinned


@needs_sudo
def test_a_refused_sudo_is_not_tried_again(one: Cluster, fleet: Fleet, tmp_path: Path) -> None:
    work_with_beat(fleet, tmp_path)
    Node.objects.update(user="deploy")
    operation = start(one, plan(step("first", "true", retry=Retry(attempts=3, delay=0))))
    assert finish(operation, fleet) == OperationState.FAILED
    assert (operation.error["kind"], operation.steps.get().attempt) == ("sudo-password-required", 1)


def test_a_deleted_job_directory_loses_the_job_and_the_next_try_ends_what_is_left(
    one: Cluster, fleet: Fleet, tmp_path: Path
) -> None:
    work_with_beat(fleet, tmp_path)
    work = f"if [ -e {tmp_path}/pid ]; then exit 0; fi; echo $$ > {tmp_path}/pid; {talk(600)}"
    operation = start(one, plan(step("talk", work, retry=Retry(attempts=2, delay=0))))
    until(lambda: speaks(operation))
    subprocess.run(["rm", "-rf", str(tmp_path / "sanqian/jobs")], check=True)
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    first, second = HostJob.objects.order_by("attempt")
    assert (first.state, first.error["kind"], second.state) == (JobState.LOST, "job-lost", JobState.SUCCEEDED)
    assert "directory" in first.error["message"]
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_reboot_loses_the_job_and_the_next_try_does_the_rest(
    one: Cluster, host: Sshd, fleet: Fleet, tmp_path: Path
) -> None:
    """SIMULATED: the server shows another boot id, and the job's processes are killed."""
    work_with_beat(fleet, tmp_path)
    work = f"if [ -e {tmp_path}/pid ]; then exit 0; fi; echo $$ > {tmp_path}/pid; {talk(600)}"
    operation = start(one, plan(step("talk", work, retry=Retry(attempts=2, delay=0))))
    until(lambda: speaks(operation))
    host.stop()
    (tmp_path / "boot_id").write_text("00000000-0000-4000-8000-000000000000\n")
    host.setup += f"\nmount --bind {tmp_path}/boot_id /proc/sys/kernel/random/boot_id"
    for keeper in (tmp_path / "sanqian/jobs").glob("*/claim"):
        session = str(keeper.readlink()).split()[3]
        subprocess.run(["pkill", "-KILL", "-s", session], check=True)
    host.start()
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    first, second = HostJob.objects.order_by("attempt")
    assert (first.state, first.error["kind"], second.state) == (JobState.LOST, "job-lost", JobState.SUCCEEDED)
    assert "rebooted" in first.error["message"]
    assert first.boot_id != second.boot_id


def test_a_full_disk_is_named_and_a_retry_goes_on_when_there_is_room(
    access_key: AccessKey, servers: Callable[..., Sshd], fleet: Fleet, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(small)], check=True)
    try:
        host = servers(setup=f"mkdir -p /var/lib/sanqian\nmount --bind {small} /var/lib/sanqian")
        cluster = register(access_key, [host])
        work_with_beat(fleet, tmp_path)
        fills = start(cluster, plan(step("fill", "echo begin; head -c 1000000 /dev/zero | tr '\\0' x; exit 28")))
        assert finish(fills, fleet) == OperationState.FAILED
        assert "exit code 28" in fills.error["message"] and "could not store" in fills.error["message"]
        assert "df -h" in fills.error["fix"]
        log = log_of(fills, "host1")
        assert log.startswith("begin\nxxx") and log.endswith("disk may be full]\n")

        with contextlib.suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        full = start(cluster, plan(step("work", "echo done")))
        assert finish(full, fleet) == OperationState.FAILED
        assert full.error["kind"] == "disk-full" and "df -h" in full.error["fix"]
        (small / "filler").unlink()
        engine.retry(full.pk)
        jobs.send(jobs.advance, str(full.pk))
        assert finish(full, fleet) == OperationState.SUCCEEDED
        host.stop()
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


def test_limits_of_time_and_exit_codes(one: Cluster, fleet: Fleet, tmp_path: Path) -> None:
    work_with_beat(fleet, tmp_path)
    count = f"echo x >> {tmp_path}/$SANQIAN_STEP"
    hang = f"echo $$ > {tmp_path}/$SANQIAN_STEP"
    seen: list[tuple[str, str, dict[str, object]]] = [
        ("quiet", f"{hang}; sleep 600", {"quiet": 1}),
        ("timeout", f"{hang}; {talk(6000)}", {"timeout": 1}),
        ("mended", f"{count}; exit 75", {"retry": Retry(attempts=3, delay=0, exit_codes=(75,))}),
        ("hopeless", f"{count}; exit 1", {"retry": Retry(attempts=3, delay=0, exit_codes=(75,))}),
    ]
    steps = [step(key, text, env={"SANQIAN_STEP": key}, **more) for key, text, more in seen]
    operation = start(one, plan(*steps))
    assert finish(operation, fleet) == OperationState.FAILED
    told = {row.key: row.error for row in operation.steps.all()}
    assert {key: error["kind"] for key, error in told.items()} == {
        "quiet": "quiet",
        "timeout": "timeout",
        "mended": "exit-code",
        "hopeless": "exit-code",
    }
    assert "wrote nothing for 1 s" in told["quiet"]["message"]
    assert "longer than 1 s" in told["timeout"]["message"]
    for key in ("quiet", "timeout"):
        assert not alive(int((tmp_path / key).read_text())), key
    assert (tmp_path / "mended").read_text() == "x\n" * 3
    assert (tmp_path / "hopeless").read_text() == "x\n"
