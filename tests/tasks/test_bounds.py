"""What is promised in seconds, at the settings that a service has."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db.models.functions import Now

from clusters.models import AccessKey, Node
from sanqian_service.celery import app
from tasks import engine, jobs, queues, services
from tasks.models import HostJob, Operation, OperationState, Step, StepState
from tests.tasks.conftest import log_of, plan, register, step
from tests.tasks.driven import alive, finish, start
from tests.tasks.engine.making import claim
from tests.tasks.remote.servers import Proxy, Sshd
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration
TAKE_OVER_SECONDS, CANCEL_SECONDS, SILENCE_SECONDS = 30, 10, 30
MESSAGES = 1000
SKEW = 240


@pytest.fixture
def usual(transactional_db: None) -> Iterator[Fleet]:
    """Leases, slices and the reconciler as they are by default."""
    cache.clear()
    made = Fleet(SANQIAN_RECONCILE_SECONDS="5")
    yield made
    made.stop()


def pid_in(path: Path) -> int:
    return int(path.read_text() or 0) if path.exists() else 0


def test_a_lost_worker_host_whatever_the_clocks_say(
    access_key: AccessKey, three: list[Sshd], usual: Fleet, tmp_path: Path
) -> None:
    """Its machine and the next one's have clocks eight minutes apart. A cancel waits for neither of them."""
    until_told = f"echo x >> {tmp_path}/starts; n=0\n"
    until_told += f"while ! test -e {tmp_path}/end; do echo $n; n=$((n+1)); sleep 1; done"
    talk = start(register(access_key, three[:1]), plan(step("talk", until_told)))
    hang = start(register(access_key, three[1:2]), plan(step("hang", f"echo $$ > {tmp_path}/pid; sleep 600")))
    first = usual.worker(skew=-SKEW)
    usual.beat()
    until(lambda: log_of(talk, "host1") and pid_in(tmp_path / "pid"), what="both work")
    usual.worker(skew=SKEW)
    until(lambda: len(app.control.ping(timeout=1)) == 2, what="the second worker is there")
    row = talk.steps.get()
    first.kill()
    first.wait()
    leased = Step.objects.get(pk=row.pk).lease_until
    assert leased is not None
    services.request_cancel(hang, actor="somebody")
    services.request_cancel(hang, actor="somebody")

    until(lambda: not alive(pid_in(tmp_path / "pid")), CANCEL_SECONDS, "the cancelled command ends")
    assert finish(hang, usual, CANCEL_SECONDS) == OperationState.CANCELLED
    assert hang.steps.get().error == {}

    def taken_over() -> bool:
        epoch, now = Step.objects.annotate(now=Now()).values_list("lease_epoch", "now").get(pk=row.pk)
        assert epoch == row.lease_epoch or now >= leased, "its lease was not over"
        return epoch > row.lease_epoch

    until(taken_over, TAKE_OVER_SECONDS, "another worker takes over")
    (tmp_path / "end").touch()
    assert finish(talk, usual) == OperationState.SUCCEEDED
    lines = log_of(talk, "host1").split()
    assert lines == [str(n) for n in range(len(lines))]
    assert (tmp_path / "starts").read_text() == "x\n"
    now = Operation.objects.annotate(now=Now()).values_list("now", flat=True)[0]
    assert talk.finished_at is not None and abs((now - talk.finished_at).total_seconds()) < SKEW / 2


def test_a_half_open_connection_is_noticed_and_a_cancel_names_the_host(
    access_key: AccessKey, three: list[Sshd], usual: Fleet, tmp_path: Path
) -> None:
    far = Proxy(three[1].host, three[1].port)
    cluster = register(access_key, three[:2])
    Node.objects.filter(name="host2").update(address=far.host, port=far.port)
    usual.worker()
    usual.beat()
    pids = [tmp_path / "host1", tmp_path / "host2"]
    work = f"test -e {tmp_path}/healed || {{ echo $$ > {tmp_path}/$SANQIAN_HOST; sleep 600; }}"
    operation = start(cluster, plan(step("work", work, "host1", "host2")))
    until(lambda: all(pid_in(path) for path in pids) and not HostJob.objects.filter(boot_id="").exists())
    try:
        far.freeze()
        silent = HostJob.objects.filter(unreachable_since__isnull=False)
        until(silent.exists, SILENCE_SECONDS, "it is noticed that nothing comes back")
        job = silent.get()
        assert (job.host, job.error["kind"]) == ("host2", "no-answer"), job.error

        services.request_cancel(operation, actor="somebody")
        until(lambda: not alive(pid_in(pids[0])), CANCEL_SECONDS, "the host that answers is cleared")
        assert finish(operation, usual, CANCEL_SECONDS + 5) == OperationState.CANCELLED
        assert list(operation.error["hosts"]) == ["host2"] and "may go on" in operation.error["message"]
        assert alive(pid_in(pids[1]))
        services.request_cancel(operation, actor="somebody")
        operation.refresh_from_db()
        assert operation.state == OperationState.CANCELLED

        far.thaw()
        (tmp_path / "healed").touch()
        services.request_retry(operation, actor="somebody")
        assert finish(operation, usual) == OperationState.SUCCEEDED
        assert not alive(pid_in(pids[1]))
    finally:
        far.close()


def test_a_cancel_overtakes_a_thousand_waiting_messages(access_key: AccessKey, three: list[Sshd], usual: Fleet) -> None:
    operation = engine.create(register(access_key, three[:1]), plan(step("work", "sleep 600")), {})
    engine.advance(operation.pk)
    engine.give_back(claim(operation, "work"))  # between two slices: no driver would notice
    for _ in range(MESSAGES):
        jobs.send(jobs.drive, 0)
    services.request_cancel(operation, actor="somebody")
    left = []

    def ended() -> bool:
        operation.refresh_from_db()
        left.append(next(queue.depth for queue in queues.waiting() if queue.queue == "provision"))
        return operation.state == OperationState.CANCELLED

    usual.worker(1)
    until(ended, what="it is cancelled")
    assert left[-1] > MESSAGES / 2
    queues.broker().delete("provision", *(f"provision\x06\x16{n}" for n in range(1, queues.PRIORITIES)))


def test_a_worker_that_wakes_when_its_lease_is_anothers_changes_nothing(
    access_key: AccessKey, three: list[Sshd], fleet: Fleet, tmp_path: Path
) -> None:
    until_told = f"echo x >> {tmp_path}/starts; n=0\n"
    until_told += f"while ! test -e {tmp_path}/end; do echo $n; n=$((n+1)); sleep 0.2; done"
    operation = start(register(access_key, three[:1]), plan(step("talk", until_told)))
    first = fleet.worker()
    fleet.beat()
    until(lambda: log_of(operation, "host1"))
    first.send_signal(signal.SIGSTOP)
    try:
        owner = f":{first.pid}:"
        fleet.worker()
        until(lambda: owner not in operation.steps.get().lease_owner, what="another worker takes over")
    finally:
        first.send_signal(signal.SIGCONT)
    (tmp_path / "end").touch()
    assert finish(operation, fleet) == OperationState.SUCCEEDED, fleet.log()
    lines = log_of(operation, "host1").split()
    assert lines == [str(n) for n in range(len(lines))]
    assert (tmp_path / "starts").read_text() == "x\n"
    assert operation.steps.get().state == StepState.SUCCEEDED
