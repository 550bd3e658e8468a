"""What is done to an installed cluster over the years, on hosts with the SIMULATED toolchain."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from clusters.catalog import load
from clusters.models import Cluster, HealthEvent
from lab.base import Shape
from lab.hosts import Lab
from tasks import certificates, services
from tasks.models import Operation, OperationState, Outcome
from tests.main_job.conftest import break_on, fresh_hosts
from tests.main_job.test_install import TO_KUBERNETES, install, outcomes, stored
from tests.tasks.driven import cancel_in, finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab]
# A certificate of the API server that lasts for another time, by the cluster's own authority.
REISSUE = """cd /etc/kubernetes/pki && openssl req -new -key apiserver.key -subj /CN=kube-apiserver -out /tmp/request &&
openssl x509 -req -in /tmp/request -CA ca.crt -CAkey ca.key -set_serial 7 -days {days} -out apiserver.crt"""


@pytest.fixture
def hosts() -> Iterator[Lab]:
    """Two control-plane hosts and a worker."""
    with fresh_hosts("life", Shape(masters=2, workers=1, disks=0), speed=100) as made:
        yield made


def sh(lab: Lab, host: str, script: str) -> str:
    return lab.exec(host, ["sh", "-c", script], check=True).stdout.decode().strip()


def run(cluster: Cluster, fleet: Fleet, kind: str, seconds: float = 300, **params: Any) -> Operation:
    operation = services.request_operation(cluster, kind, params, actor="test")
    finish(operation, fleet, seconds)
    return operation


def retry(operation: Operation, fleet: Fleet) -> None:
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, str(operation.error)


@pytest.mark.timeout(900)
def test_the_life_of_a_cluster(cluster: Cluster, hosts: Lab, artifact: str, fleet: Fleet) -> None:
    workers = [fleet.worker(16)]
    cluster.nodes.filter(name="master2").update(role_groups=["control-plane"])
    operation = install(cluster, artifact, phases=[*TO_KUBERNETES, "platform-info"])
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, str(operation.error)
    cluster.refresh_from_db()
    certificates_are_watched_and_renewed(cluster, hosts, fleet)
    drift_is_found_and_mended(cluster, hosts, artifact, fleet, workers)
    backups_are_read_back_and_only_so_many_kept(cluster, hosts, fleet)
    kubernetes_is_upgraded_node_by_node(cluster, hosts, fleet)
    a_component_is_rolled_back(cluster, hosts, fleet)


def certificates_are_watched_and_renewed(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    certificates.check(cluster.pk)
    row = cluster.components.get(name="certificates")
    assert (row.state, row.reason) == ("healthy", "")
    paths = {(one["host"], one["path"]) for one in row.details["certificates"]}
    assert {
        ("master1", "/etc/kubernetes/pki/apiserver.crt"),
        ("master2", "/etc/kubernetes/admin.conf"),
        ("master1", "/etc/ssl/etcd/ssl/ca.pem"),
        ("master1", "/etc/ssl/registry/ssl/ca.pem"),
    } <= paths
    sh(lab, "master1", REISSUE.format(days=6))
    sh(lab, "master2", REISSUE.format(days=20))
    certificates.check(cluster.pk)
    row.refresh_from_db()
    assert row.state == "unhealthy"
    assert "/etc/kubernetes/pki/apiserver.crt on master1 ends in 5 days" in row.reason
    assert HealthEvent.objects.filter(name="certificates", new_state="unhealthy", cluster=cluster).exists()

    # It fails on the second host: the first is renewed, and a retry leaves it alone.
    break_on(lab, "master1", {"at": "kk:RenewCertsModule", "do": "fail", "host": "master2", "message": "no space left"})
    operation = run(cluster, fleet, "renew-certificates")
    assert operation.state == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("renew-master2", "master1")
    serial = "openssl x509 -noout -serial -in /etc/kubernetes/pki/apiserver.crt"
    first = sh(lab, "master1", serial)
    assert first != "serial=07" and sh(lab, "master2", serial) == "serial=07"
    # kk is killed when it has renewed the second host, before anything was verified.
    break_on(lab, "master1", {"at": "kk:RenewCertsModule", "do": "kill", "times": 1})
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.FAILED
    # Cancelled when all that the probe sees is renewed: kk had not ended, so the retry has it done anew.
    break_on(lab, "master1", {"at": "kk:PrintClusterCertsModule", "do": "hang"})
    services.request_retry(operation, actor="test")
    cancel_in(operation, "renew-master2", fleet, lambda: "[CheckCerts" in stored("renew-master2", "master1", operation))
    break_on(lab, "master1")
    retry(operation, fleet)
    assert outcomes(operation)["renew-master1"] == Outcome.ALREADY
    assert outcomes(operation)["renew-master2"] == Outcome.CHANGED
    assert sh(lab, "master1", serial) == first and sh(lab, "master2", serial) != "serial=07"
    kept = cluster.kubeconfig
    cluster.refresh_from_db()
    row.refresh_from_db()
    assert cluster.kubeconfig != kept
    assert (row.state, row.reason) == ("healthy", "")


def drift_is_found_and_mended(
    cluster: Cluster, lab: Lab, artifact: str, fleet: Fleet, workers: list[subprocess.Popen[bytes]]
) -> None:
    sh(lab, "worker1", "dpkg --remove --force-all ipset")
    wrong = """kubectl -n cpod-system patch configmap cpod-info -p '{"data": {"log_level": "wrong"}}'"""
    sh(lab, "master1", f"export KUBECONFIG=/etc/kubernetes/admin.conf; {wrong}")
    # The worker that asks the hosts is killed; another one takes over.
    found = services.request_operation(cluster, "drift", {}, actor="test")
    workers.pop().kill()
    workers.append(fleet.worker(16))
    assert finish(found, fleet) == OperationState.SUCCEEDED, str(found.error)
    row = cluster.components.get(name="drift")
    assert row.state == "degraded"
    assert {(one["step"], *one["changed"]) for one in row.details["steps"]} == {
        ("packages", "worker1"),
        ("platform-info", "master1"),
    }
    assert "packages is not as installed on worker1" in row.reason
    # Nothing was put right by looking.
    assert "wrong" in sh(lab, "master1", "kubectl -n cpod-system get configmap cpod-info -o yaml")
    # The API server is away: what cannot be asked through it counts as no longer there, and the rest is still told.
    sh(lab, "master1", "kill $(cat /run/lab/kube-apiserver.pid)")
    assert run(cluster, fleet, "drift").state == OperationState.SUCCEEDED
    row.refresh_from_db()
    assert {"kubernetes", "packages"} <= {one["step"] for one in row.details["steps"]}
    sh(lab, "master1", "setsid /etc/lab/boot.d/kube-apiserver >/dev/null 2>&1 </dev/null &")
    operation = install(cluster, artifact, phases=[*TO_KUBERNETES, "platform-info"])
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, str(operation.error)
    looked = services.request_operation(cluster, "drift", {}, actor="test")
    until(lambda: looked.steps.filter(state="running").exists(), what="it looks")
    services.request_cancel(looked, actor="test")
    assert finish(looked, fleet) == OperationState.CANCELLED
    retry(looked, fleet)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("healthy", ""), row.details


def backups_are_read_back_and_only_so_many_kept(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    assert run(cluster, fleet, "backup").state == OperationState.SUCCEEDED
    first = cluster.backups.get()
    assert (first.host, first.directory) == ("master1", "/var/backups/sanqian")
    path = f"{first.directory}/{first.name}"
    size, sha256 = sh(lab, "master1", f"stat -c %s {path}; sha256sum <{path} | cut -d ' ' -f 1").split()
    assert (first.size, first.sha256) == (int(size), sha256) and first.keys > 0
    # A snapshot that cannot be read back is no backup: the older one stays, and nothing half is left.
    cuts = b"""#!/bin/sh
/opt/real/etcdctl "$@" || exit
for word; do case $word in */etcd-*.part) [ "$(stat -c %s "$word")" -le 100 ] || truncate -s 100 "$word" ;; esac; done
[ ! -e /opt/real/hang ] || sleep 600
"""
    broken = "mkdir -p /opt/real && cd /usr/local/bin && mv etcdctl /opt/real/ && cat >etcdctl && chmod +x etcdctl"
    lab.exec("master1", ["sh", "-c", broken], stdin=cuts, check=True)
    sh(lab, "master1", "touch /opt/real/hang")
    operation = services.request_operation(cluster, "backup", {"keep": 1}, actor="test")
    listed = "ls /var/backups/sanqian"
    cancel_in(operation, "snapshot", fleet, lambda: ".part" in sh(lab, "master1", listed))
    assert ".part" not in sh(lab, "master1", f"rm /opt/real/hang; {listed}")
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.FAILED
    assert "cannot be read back" in str(operation.error)
    assert sh(lab, "master1", "ls /var/backups/sanqian | grep -c '^etcd-.*[.]db$'") == "1"
    sh(lab, "master1", "mv /opt/real/etcdctl /usr/local/bin/etcdctl")
    retry(operation, fleet)
    second = cluster.backups.get()
    assert second.name > first.name
    assert sh(lab, "master1", "ls /var/backups/sanqian") == "\n".join(
        f"{second.name}{end}" for end in ("", ".json", ".sha256")
    )
    # No room.
    sh(lab, "master1", "mkdir -p /srv/small/b && mount -t tmpfs -o size=16k none /srv/small/b")
    operation = run(cluster, fleet, "backup", directory="/srv/small/b")
    assert operation.state == OperationState.FAILED
    assert operation.error["host"] == "master1" and "KiB left" in str(operation.error), str(operation.error)
    sh(lab, "master1", "umount /srv/small/b")
    retry(operation, fleet)
    assert cluster.backups.count() == 2


def kubernetes_is_upgraded_node_by_node(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    def versions() -> set[str]:
        said = sh(lab, "master1", "KUBECONFIG=/etc/kubernetes/admin.conf kubectl get nodes --no-headers")
        return {line.split()[-1] for line in said.splitlines()}

    assert cluster.kubernetes_version == "v1.24.3"
    wanted = {"version": "v1.25.3", "confirm": cluster.name}
    refused = run(cluster, fleet, "upgrade", version="v1.25.4", confirm=cluster.name)
    assert "does not carry Kubernetes v1.25.4; it carries: v1.24.3 v1.25.3" in str(refused.error)
    assert versions() == {"v1.24.3"}
    # Cancelled between two nodes, it fails there, and kk is killed when all are done; each time a retry goes on.
    fault: dict[str, object] = {"at": "kk:ProgressiveUpgradeModule*", "host": "worker1"}
    break_on(lab, "master1", {**fault, "do": "hang"})
    taken = cluster.backups.count()
    operation = services.request_operation(cluster, "upgrade", wanted, actor="test")
    between = "Upgrade cluster on worker"
    cancel_in(operation, "upgrade", fleet, lambda: between in stored("upgrade", "master1", operation))
    assert versions() == {"v1.24.3", "v1.25.3"}
    assert cluster.backups.count() == taken + 1
    break_on(lab, "master1", {**fault, "do": "fail", "message": "no space left"})
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.FAILED
    assert operation.error["step"] == "upgrade"
    assert versions() == {"v1.24.3", "v1.25.3"}
    cluster.refresh_from_db()
    assert cluster.kubernetes_version == "v1.24.3"
    break_on(lab, "master1", {"at": "kk:ProgressiveUpgradeModule*", "do": "kill", "times": 1})
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.FAILED
    break_on(lab, "master1")
    retry(operation, fleet)
    assert versions() == {"v1.25.3"}
    cluster.refresh_from_db()
    assert cluster.kubernetes_version == "v1.25.3"
    assert cluster.backups.count() == taken + 1, "the snapshot was not repeated"
    again = run(cluster, fleet, "upgrade", **wanted)
    assert (again.state, outcomes(again)["upgrade"]) == (OperationState.SUCCEEDED, Outcome.ALREADY)


def a_component_is_rolled_back(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    helm, space = "export KUBECONFIG=/etc/kubernetes/admin.conf; helm", load()["kruise"].namespace
    chart = f"kruise helm-charts/kruise-[0-9]*.tgz -n {space} -f deploy/values/kruise.yaml --wait"
    sh(lab, "master1", f"cd /root/3k/artifact; {helm} upgrade --install --create-namespace {chart}")
    sh(lab, "master1", f"cd /root/3k/artifact; {helm} upgrade {chart} --set changed=yes")
    wanted = {"component": "kruise", "revision": 1, "confirm": cluster.name}
    unknown = run(cluster, fleet, "rollback", **{**wanted, "revision": 9})
    assert "has no revision 9" in str(unknown.error)
    # helm is killed in the middle and leaves the release pending; then the API refuses.
    break_on(lab, "master1", {"at": "helm:rollback", "do": "half", "times": 1})
    operation = run(cluster, fleet, "rollback", **wanted)
    assert operation.state == OperationState.FAILED
    break_on(lab, "master1", {"at": "helm:rollback", "do": "fail", "message": "no space left"})
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.FAILED
    break_on(lab, "master1", {"at": "helm:rollback", "do": "hang"})
    services.request_retry(operation, actor="test")
    status = f"{helm} status kruise -n {space} -o json"
    cancel_in(operation, "rollback", fleet, lambda: "pending-rollback" in sh(lab, "master1", status))
    break_on(lab, "master1")
    retry(operation, fleet)
    said = sh(lab, "master1", f"{helm} history kruise -n {space} --max 1 -o json")
    assert "Rollback to 1" in said and "deployed" in said
    assert "changed" not in sh(lab, "master1", f"{helm} get values kruise -n {space} -o json")
    again = run(cluster, fleet, "rollback", **wanted)
    assert outcomes(again)["rollback"] == Outcome.ALREADY
