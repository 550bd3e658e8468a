"""Operations driven by real workers over real SSH."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.models import Cluster
from tasks import engine, jobs
from tasks.models import HostJob, JobState, LogChunk, OperationState, Outcome, StepState
from tasks.plan import Retry
from tests.tasks.conftest import log_of, plan, step
from tests.tasks.driven import alive, finish, start
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration


def test_steps_run_in_order_on_all_their_hosts(cluster: Cluster, fleet: Fleet, tmp_path: Path) -> None:
    fleet.worker()
    operation = start(
        cluster,
        plan(
            step("make", f"echo made by $SANQIAN_HOST; touch {tmp_path}/$SANQIAN_HOST", "host1", "host2", "host3"),
            step("use", f"ls {tmp_path} | tr '\\n' ' '", after=("make",)),
        ),
    )
    assert finish(operation, fleet) == OperationState.SUCCEEDED, (operation.error, fleet.log())
    assert operation.progress == 100
    assert log_of(operation, "host2") == "made by host2\n"
    assert "host1 host2 host3 " in log_of(operation, "host1")
    assert set(operation.steps.values_list("outcome", flat=True)) == {Outcome.CHANGED}


def test_what_is_true_already_is_not_done_again(cluster: Cluster, fleet: Fleet, tmp_path: Path) -> None:
    fleet.worker()
    once = f"echo doing it; echo x >> {tmp_path}/count"
    what = plan(step("once", once, probe=f"test -e {tmp_path}/count", verify=f"test -s {tmp_path}/count"))
    for outcome in (Outcome.CHANGED, Outcome.ALREADY):
        operation = start(cluster, what)
        assert finish(operation, fleet) == OperationState.SUCCEEDED
        assert operation.steps.get().outcome == outcome
    assert (tmp_path / "count").read_text() == "x\n"


def test_a_dry_run_tells_and_changes_nothing(cluster: Cluster, fleet: Fleet, tmp_path: Path) -> None:
    fleet.worker()
    what = plan(
        step("done", "exit 1", probe="true"),
        step("new", f"touch {tmp_path}/new", probe=f"test -e {tmp_path}/new", after=("done",)),
        step("blind", f"touch {tmp_path}/blind", after=("new",)),
    )
    operation = start(cluster, what, dry_run=True)
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    assert dict(operation.steps.values_list("key", "outcome")) == {
        "done": Outcome.ALREADY,
        "new": Outcome.WOULD_CHANGE,
        "blind": Outcome.WOULD_CHANGE,
    }
    assert not list(tmp_path.iterdir())


def test_a_failure_names_step_host_and_last_lines_and_a_retry_repeats_only_what_is_missing(
    cluster: Cluster, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.worker()
    work = (
        f"echo working; test $SANQIAN_HOST != host2 || test -e {tmp_path}/healed || {{ echo no room >&2; exit 28; }}\n"
    )
    work += f"echo x >> {tmp_path}/$SANQIAN_HOST"
    what = plan(
        step("first", f"echo x >> {tmp_path}/first"),
        step("work", work, "host1", "host2", "host3", probe=f"test -e {tmp_path}/$SANQIAN_HOST", after=("first",)),
        step("last", f"echo x >> {tmp_path}/last", after=("work",)),
    )
    operation = start(cluster, what)
    assert finish(operation, fleet) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("work", "host2")
    assert "exit code 28" in operation.error["message"]
    assert operation.error["tail"][-1] == "no room"
    assert operation.steps.get(key="last").state == StepState.PENDING
    (tmp_path / "healed").touch()
    engine.retry(operation.pk)
    jobs.send(jobs.advance, str(operation.pk))
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    for name in ("first", "host1", "host2", "host3", "last"):
        assert (tmp_path / name).read_text() == "x\n", name
    again = HostJob.objects.filter(step__key="work", step__operation=operation, attempt=2)
    assert dict(again.values_list("host", "outcome")) == {"host1": "already", "host2": "changed", "host3": "already"}


def test_a_script_that_fails_on_purpose_is_quoted(cluster: Cluster, fleet: Fleet) -> None:
    fleet.worker()
    refuse = "echo 'error: there is no room in /data'; echo 'Fix: Make 5 GB free.'; exit 1"
    operation = start(cluster, plan(step("refuse", refuse)))
    assert finish(operation, fleet) == OperationState.FAILED
    assert operation.error["message"] == "there is no room in /data"
    assert operation.error["fix"] == "Make 5 GB free."


def test_a_step_is_tried_again_as_its_policy_says_and_only_where_it_failed(
    cluster: Cluster, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.worker()
    fleet.beat()
    flaky = f"echo x >> {tmp_path}/$SANQIAN_HOST; test $SANQIAN_HOST = host1 || test $(wc -l < {tmp_path}/host2) -ge 3"
    operation = start(cluster, plan(step("flaky", flaky, "host1", "host2", retry=Retry(attempts=3, delay=0.1))))
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    assert (tmp_path / "host1").read_text() == "x\n"
    assert (tmp_path / "host2").read_text() == "x\n" * 3


def test_every_byte_is_stored_once_over_many_slices(cluster: Cluster, fleet: Fleet) -> None:
    fleet.worker(1)  # a step that has slots to spare keeps its own
    fleet.beat()
    talk = "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); [ $((i % 20)) -ne 0 ] || sleep 0.3; done"
    operation = start(cluster, plan(step("talk", talk, "host1", "host2")))
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    for host in ("host1", "host2"):
        assert log_of(operation, host) == "".join(f"line {n}\n" for n in range(400))
    assert operation.steps.get().lease_epoch > 1


def test_another_worker_takes_over_when_one_is_killed(cluster: Cluster, fleet: Fleet) -> None:
    first = fleet.worker()
    fleet.beat()
    talk = "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.2; done"
    operation = start(cluster, plan(step("talk", talk, "host1", "host2", "host3")))
    until(lambda: LogChunk.objects.filter(operation=operation).count() > 5)
    first.kill()
    owner = operation.steps.get().lease_owner
    fleet.worker()
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    assert operation.steps.get().lease_owner.split(":")[:2] != owner.split(":")[:2]
    for host in ("host1", "host2", "host3"):
        assert log_of(operation, host) == "".join(f"line {n}\n" for n in range(60))


def test_cancel_ends_the_processes_on_all_hosts(cluster: Cluster, fleet: Fleet, tmp_path: Path) -> None:
    fleet.worker()
    hang = (
        f"echo $$ > {tmp_path}/$SANQIAN_HOST.new; mv {tmp_path}/$SANQIAN_HOST.new {tmp_path}/$SANQIAN_HOST; sleep 600"
    )
    operation = start(cluster, plan(step("hang", hang, "host1", "host2"), step("never", "true", after=("hang",))))
    until(lambda: len(list(tmp_path.glob("host?"))) == 2)
    pids = [int(path.read_text()) for path in tmp_path.iterdir()]
    assert engine.request_cancel(operation.pk)
    jobs.send_cancel(operation.pk, engine.cancelling_steps(operation.pk))
    assert finish(operation, fleet, 20) == OperationState.CANCELLED
    assert set(operation.steps.values_list("state", flat=True)) == {StepState.CANCELLED}
    assert not [pid for pid in pids if alive(pid)]
    assert set(HostJob.objects.values_list("state", flat=True)) == {JobState.CANCELLED}
    assert not engine.request_cancel(operation.pk)


def test_secrets_never_reach_the_log(cluster: Cluster, fleet: Fleet) -> None:
    fleet.worker()
    key = cluster.access_key.value
    show = "echo the key is $KEY; printf %s $KEY | base64 -w0; echo; echo password=hunter2"
    operation = start(cluster, plan(step("show", show, secrets={"KEY": "access-key"})))
    assert finish(operation, fleet) == OperationState.SUCCEEDED
    stored = log_of(operation, "host1")
    assert key not in stored and "hunter2" not in stored
    assert stored.startswith("the key is [redacted]\n")
