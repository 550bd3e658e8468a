"""The main job on six SSH hosts: registered, installed, verified, healthy - and what happens to it on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clusters.models import Cluster
from lab.hosts import Lab
from tasks import health, services
from tasks.models import HostJob, LogChunk, Operation, OperationState, Outcome
from tests.main_job.conftest import break_on
from tests.tasks.test_driving import finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab]
TO_KUBERNETES = [
    *("preflight", "ssh-trust", "artifact", "configuration", "packages", "registry", "images", "kubernetes"),
]


def install(cluster: Cluster, artifact: str, **params: Any) -> Operation:
    return services.request_operation(cluster, "install", {"artifact": {"file": artifact}, **params}, actor="test")


def outcomes(operation: Operation) -> dict[str, str]:
    return dict(operation.steps.values_list("key", "outcome"))


def kubectl(lab: Lab, *arguments: str) -> Any:
    done = lab.exec("master1", ["kubectl", *arguments, "-o", "json"], check=True)
    return json.loads(done.stdout)


def stored(step: str, host: str, operation: Operation) -> str:
    chunks = LogChunk.objects.filter(operation=operation, job__step__key=step, job__host=host)
    return "".join(chunks.order_by("offset").values_list("text", flat=True))


def test_six_hosts_become_a_healthy_platform_and_a_second_run_changes_nothing(
    cluster: Cluster, hosts: Lab, artifact: str, fleet: Fleet
) -> None:
    fleet.worker(16)
    operation = install(cluster, artifact)
    assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, str(operation.error)
    cluster.refresh_from_db()
    assert (cluster.state, operation.progress) == ("ready", 100)
    nodes = kubectl(hosts, "get", "nodes")["items"]
    # The guide's sample has master2 and master3 for etcd alone; such hosts are no nodes of the cluster.
    assert {node["metadata"]["name"] for node in nodes} == {"master1", "worker1", "worker2", "worker3"}
    info = kubectl(hosts, "-n", "cpod-system", "get", "configmap", "cpod-info")["data"]
    assert cluster.access_key.value in info.values() and cluster.cpod_id in info.values()
    health.check_cluster(cluster.pk)
    chosen = cluster.components.filter(chosen=True)
    assert chosen.count() >= 10
    assert not list(chosen.exclude(state="healthy").values_list("name", "state", "reason"))
    text = "".join(LogChunk.objects.filter(operation=operation).values_list("text", flat=True))
    assert "SIMULATED" in text
    assert cluster.access_key.value not in text and "PRIVATE KEY" not in text
    # Nothing of ours is left running or lying about on the hosts.
    for host in hosts.hosts:
        left = hosts.exec(host.name, ["sh", "-c", "ls /var/lib/sanqian/jobs | wc -l"], check=True)
        assert left.stdout.strip() == b"0", host.name

    again = install(cluster, artifact)
    assert finish(again, fleet, 240) == OperationState.SUCCEEDED, str(again.error)
    changed = {key for key, outcome in outcomes(again).items() if outcome != Outcome.ALREADY}
    # What only looks has nothing that could be true already.
    assert changed <= {"preflight", "verify", "artifact-layout", "record-components", "gpu-driver", "nodes"}, changed


def test_a_dry_run_on_bare_hosts_changes_nothing(cluster: Cluster, hosts: Lab, artifact: str, fleet: Fleet) -> None:
    fleet.worker(16)
    before = {host.name: _files(hosts, host.name) for host in hosts.hosts}
    operation = services.request_operation(
        cluster, "install", {"artifact": {"file": artifact}}, dry_run=True, actor="test"
    )
    assert finish(operation, fleet, 120) == OperationState.SUCCEEDED, str(operation.error)
    assert outcomes(operation)["kubernetes"] == Outcome.WOULD_CHANGE
    assert {host.name: _files(hosts, host.name) for host in hosts.hosts} == before
    cluster.refresh_from_db()
    assert cluster.state == "registered"


def test_a_step_that_fails_on_one_host_is_resumed_without_repeating_what_was_done(
    cluster: Cluster, hosts: Lab, artifact: str, fleet: Fleet
) -> None:
    fleet.worker(16)
    hosts.exec("worker2", ["sh", "-c", "mv /usr/bin/dpkg /usr/bin/dpkg.away"], check=True)
    operation = install(cluster, artifact, phases=TO_KUBERNETES[:5])
    assert finish(operation, fleet, 120) == OperationState.FAILED
    assert operation.error["host"] == "worker2", str(operation.error)
    failed = operation.error["step"]
    hosts.exec("worker2", ["sh", "-c", "mv /usr/bin/dpkg.away /usr/bin/dpkg"], check=True)
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 120) == OperationState.SUCCEEDED, str(operation.error)
    jobs = HostJob.objects.filter(step__operation=operation, step__key=failed)
    last = dict(jobs.order_by("attempt").values_list("host", "outcome"))
    assert last.pop("worker2") == Outcome.CHANGED
    assert set(last.values()) == {Outcome.ALREADY}


def test_ssh_cut_in_the_middle_of_create_cluster(cluster: Cluster, hosts: Lab, artifact: str, fleet: Fleet) -> None:
    """The command goes on on the host, and its log is complete, each byte once."""
    fleet.worker(16)
    break_on(hosts, "master1", {"at": "kk:JoinNodesModule", "do": "slow", "seconds": 12})
    operation = install(cluster, artifact, phases=TO_KUBERNETES)
    job = _middle_of_create_cluster(operation, fleet)
    hosts.cut("master1")
    # Nobody reaches the host, and yet the command goes on there.
    until(lambda: _refreshed(job).unreachable_since, 60, "the cut is noticed")
    behind = job.offset
    until(lambda: _log_size(hosts, job) > behind, 60, "the command writes on")
    hosts.heal("master1")
    assert finish(operation, fleet, 180) == OperationState.SUCCEEDED, str(operation.error)
    text = stored("kubernetes", "master1", operation)
    assert "JoinNodesModule" in text
    assert _refreshed(job).offset == _bytes_of(job)
    assert HostJob.objects.filter(step__operation=operation, step__key="kubernetes").count() == 1


def test_a_killed_worker_is_replaced_in_the_middle_of_create_cluster(
    cluster: Cluster, hosts: Lab, artifact: str, fleet: Fleet
) -> None:
    first = fleet.worker(16)
    break_on(hosts, "master1", {"at": "kk:JoinNodesModule", "do": "slow", "seconds": 12})
    operation = install(cluster, artifact, phases=TO_KUBERNETES)
    job = _middle_of_create_cluster(operation, fleet)
    first.kill()
    first.wait()
    fleet.worker(16)
    assert finish(operation, fleet, 180) == OperationState.SUCCEEDED, str(operation.error)
    assert _refreshed(job).offset == _bytes_of(job)
    assert HostJob.objects.filter(step__operation=operation, step__key="kubernetes").count() == 1


def _middle_of_create_cluster(operation: Operation, fleet: Fleet) -> HostJob:
    def there() -> bool:
        operation.refresh_from_db()
        assert operation.state in ("queued", "running"), (operation.error, fleet.log())
        return "[" in stored("kubernetes", "master1", operation)

    until(there, 180, "kk create cluster writes")
    return HostJob.objects.get(step__operation=operation, step__key="kubernetes")


def _refreshed(job: HostJob) -> HostJob:
    job.refresh_from_db()
    return job


def _bytes_of(job: HostJob) -> int:
    """The bytes of all chunks, which must lie end to end: none missing, none twice."""
    at = 0
    for offset, size in LogChunk.objects.filter(job=job).order_by("offset").values_list("offset", "size"):
        assert offset == at
        at += size
    return at


def _log_size(lab: Lab, job: HostJob) -> int:
    done = lab.exec("master1", ["stat", "-c", "%s", f"/var/lib/sanqian/jobs/{job.pk}/log"])
    return int(done.stdout or 0)


def _files(lab: Lab, host: str) -> bytes:
    """Everything on the host's disk but what a login itself writes."""
    find = "find / -xdev -type f -not -path '/var/log/*' -not -path '/tmp/*' -not -path '/run/*'"
    find += " -not -path '/var/lib/sanqian/*' -printf '%p %s %T@\\n' | sort"
    return lab.exec(host, ["sh", "-c", find], check=True).stdout
