"""A Kubernetes that somebody else made is adopted, and lives on under this service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clusters.models import Cluster, ClusterState
from lab.hosts import Lab
from tasks.models import AuditEvent, Operation, OperationState, StepState
from tests.api import Api, customer_api, problem
from tests.imports.conftest import MEMBERS, RELEASE, hosts
from tests.installed import WHERE, put, sh, stored
from tests.tasks.driven import cancel_in, finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab, pytest.mark.timeout(900)]

STOP_API = "kill $(cat /run/lab/kube-apiserver.pid); while kubectl get --raw /livez >/dev/null 2>&1; do :; done"
START_API = """setsid /etc/lab/boot.d/kube-apiserver >/dev/null 2>&1 </dev/null &
n=0; until kubectl get --raw /readyz >/dev/null 2>&1 || [ $n -gt 200 ]; do n=$((n + 1)); sleep 0.1; done"""
MARK = "cat /var/lib/sanqian/cluster"
# All that an import might leave on a host.
TRACES = "ls -d /var/lib/sanqian 2>/dev/null; md5sum /root/.ssh/* /etc/kubernetes/*.conf /etc/kubernetes/pki/*"


def asked(api: Api, path: str, body: dict[str, Any]) -> Operation:
    answer = api.post(path, body)
    assert answer.status_code == 202, answer.content
    return Operation.objects.get(pk=answer.json()["id"])


def test_a_cluster_is_adopted_through_faults(somebodys: Lab, fleet: Fleet, api: Api) -> None:
    lab = somebodys
    before = {name: sh(lab, TRACES, name, check=False) for name in MEMBERS}
    cluster = _mismatches_are_named(api, lab, fleet)
    _a_dry_run_says_what_would_be_recorded(api, lab, fleet, cluster)
    _faults_in_its_middle(api, lab, fleet, cluster)
    _what_was_recorded(api, cluster)
    assert {name: sh(lab, TRACES, name, check=False) for name in MEMBERS} == before
    _a_second_import_is_refused(api, fleet, cluster)
    _what_only_looks_works(api, fleet, cluster)


def _mismatches_are_named(api: Api, lab: Lab, fleet: Fleet) -> Cluster:
    wrong = hosts(lab, *MEMBERS, worker1={"internal_address": "10.9.9.9", "roles": ["worker", "etcd"]})
    operation = asked(api, "clusters/import", {"name": "theirs", **wrong})
    assert finish(operation, fleet, 240) == OperationState.FAILED
    assert (operation.error["step"], operation.error["kind"]) == ("match", "mismatch")
    rows = {row["code"]: row for row in operation.steps.get(key="match").result["findings"] if row["level"] == "error"}
    assert set(rows) == {"internal-address", "role"}
    address = next(host.address for host in lab.hosts if host.name == "worker1")
    assert rows["internal-address"]["host"] == "worker1"
    assert (
        "hosts[1].internal_address" in rows["internal-address"]["what"] and address in rows["internal-address"]["fix"]
    )
    assert "hosts[1].roles.etcd" in rows["role"]["what"]
    cluster = operation.cluster
    assert (cluster.state, cluster.kubeconfig, cluster.kubernetes_uid) == (ClusterState.REGISTERED, "", "")
    return cluster


def _a_dry_run_says_what_would_be_recorded(api: Api, lab: Lab, fleet: Fleet, cluster: Cluster) -> None:
    corrected = {**hosts(lab, *MEMBERS), "dry_run": True}
    operation = asked(api, f"clusters/{cluster.pk}/import", corrected)
    assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, operation.error
    match = operation.steps.get(key="match").result
    assert match["counts"] == {"warning": 0, "error": 0}, match["findings"]
    record = match["record"]
    assert record["hosts"] == {"master1": ["etcd", "control-plane", "registry"], "worker1": ["worker"]}
    assert record["settings"]["private_registry"] == "dockerhub.kubekey.local"
    assert [part["name"] for part in record["parts"]] == [RELEASE]
    cluster.refresh_from_db()
    assert (cluster.state, cluster.kubeconfig) == (ClusterState.REGISTERED, "")


def _faults_in_its_middle(api: Api, lab: Lab, fleet: Fleet, cluster: Cluster) -> None:
    """A host is away, the operation is cancelled while it waits for it; then the API server goes."""
    lab.cut("worker1")
    operation = asked(api, f"clusters/{cluster.pk}/import", {})
    waiting = operation.steps.filter(key="hosts", state=StepState.RUNNING, jobs__unreachable_since__isnull=False)
    until(waiting.exists, 90)
    assert operation.steps.get(key="cluster").state == StepState.SUCCEEDED
    assert api.post(f"operations/{operation.pk}/cancel").status_code == 202
    assert finish(operation, fleet, 120) == OperationState.CANCELLED
    cluster.refresh_from_db()
    assert cluster.state == ClusterState.REGISTERED

    assert api.post(f"operations/{operation.pk}/retry").status_code == 202
    until(waiting.exists, 90)
    sh(lab, STOP_API)
    lab.heal("worker1")
    assert finish(operation, fleet, 240) == OperationState.FAILED
    assert (operation.error["step"], operation.error["kind"]) == ("health", "unreachable"), operation.error
    sh(lab, START_API)
    sh(lab, "kubectl wait node --all --for=condition=Ready --timeout=60s")
    sh(lab, f"kubectl wait pod --all -n {RELEASE} --for=condition=Ready --timeout=60s")
    assert api.post(f"operations/{operation.pk}/retry").status_code == 202
    assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, operation.error


def _what_was_recorded(api: Api, cluster: Cluster) -> None:
    shown = api.get(f"clusters/{cluster.pk}").json()
    assert shown["kubernetes_version"] == "v1.24.3"
    assert (shown["container_manager"], shown["network_plugin"]) == ("containerd", "calico")
    assert (shown["registry_namespace"], shown["registry_type"]) == ("kubesphereio", "harbor")
    assert shown["imported"]["releases"][0]["release"] == RELEASE
    assert shown["state"] in (ClusterState.READY, ClusterState.DEGRADED)
    parts = {row["name"]: row for row in api.get(f"clusters/{cluster.pk}/components").json()["results"]}
    assert parts[RELEASE]["chosen"] and parts[RELEASE]["state"] == "healthy"
    assert parts[RELEASE]["chart_version"] == shown["imported"]["releases"][0]["version"] != ""
    assert parts["certificates"]["state"] == "healthy"
    assert AuditEvent.objects.filter(cluster=str(cluster.pk), action="operation.retry").count() == 2


def _a_second_import_is_refused(api: Api, fleet: Fleet, cluster: Cluster) -> None:
    cluster.refresh_from_db()
    theirs = customer_api()
    for caller, what in ((theirs, "another customer"), (api, "your cluster theirs already")):
        operation = asked(caller, "clusters/import", {"name": "again", "kubeconfig": cluster.kubeconfig})
        assert finish(operation, fleet, 120) == OperationState.FAILED
        assert operation.error["kind"] == "imported-already" and what in operation.error["message"]
        assert "3kctl clusters delete again" in operation.error["fix"]
        assert caller is api or "theirs" not in str(operation.error)


def _what_only_looks_works(api: Api, fleet: Fleet, cluster: Cluster) -> None:
    path = f"clusters/{cluster.pk}/operations"
    for kind in ("check", "backup", "drift"):
        operation = asked(api, path, {"kind": kind})
        assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, (kind, operation.error)
    judged = operation.steps.get(key="drift")
    assert "nothing is judged" in judged.note and "3kctl import theirs --dry-run" in judged.note
    assert "platform-info" in judged.result["not_judged"]
    assert not operation.steps.filter(key="kubernetes").exists()
    said = problem(api.post(path, {"kind": "uninstall", "params": {"confirm": "theirs"}}), 400, "invalid")
    assert "3kctl clusters delete theirs" in said["hint"]


def test_a_kubeconfig_alone_gives_health_until_hosts_are_given_which_are_managed_then(
    somebodys: Lab, fleet: Fleet, api: Api
) -> None:
    lab = somebodys
    text = sh(lab, "cat /etc/kubernetes/admin.conf").replace(
        "https://lb.kubesphere.local:6443", f"https://{lab.hosts[0].address}:6443"
    )
    operation = asked(api, "clusters/import", {"name": "seen", "kubeconfig": text})
    assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, operation.error
    cluster = Cluster.objects.get(pk=operation.cluster_id)
    assert cluster.nodes.count() == 0 and cluster.observation.reachable
    checked = asked(api, f"clusters/{cluster.pk}/operations", {"kind": "check"})
    assert finish(checked, fleet, 60) == OperationState.SUCCEEDED, checked.error
    parts = {row["name"]: row for row in api.get(f"clusters/{cluster.pk}/components").json()["results"]}
    assert parts[RELEASE]["state"] == "healthy"
    for kind in ("backup", "drift", "ceph-status"):
        said = problem(api.post(f"clusters/{cluster.pk}/operations", {"kind": kind}), 400, "invalid")
        assert "cannot log in" in said["detail"] and "3kctl import seen -f" in said["hint"]

    names = [line.removeprefix("node/") for line in sh(lab, "kubectl get nodes -o name").split()]
    again = asked(api, f"clusters/{cluster.pk}/import", hosts(lab, *names))
    assert finish(again, fleet, 120) == OperationState.SUCCEEDED, again.error
    assert set(cluster.nodes.get(name="master1").role_groups) == {"control-plane", "etcd", "registry"}
    _what_changes_hosts_says_what_it_needs(api, lab, fleet, cluster)
    _forgotten_and_adopted_anew_it_is_managed_on(api, lab, fleet, cluster)


def _what_changes_hosts_says_what_it_needs(api: Api, lab: Lab, fleet: Fleet, cluster: Cluster) -> None:
    path = f"clusters/{cluster.pk}/operations"
    nowhere = {"artifact": {"path": "/opt/nothing"}}
    lacking = asked(api, path, {"kind": "renew-certificates", "params": nowhere})
    assert finish(lacking, fleet, 120) == OperationState.FAILED
    assert lacking.error["step"] == "artifact-unpack" and "offline artifact" in str(lacking.error)
    there = {"artifact": {"path": WHERE}}
    renewed = asked(api, path, {"kind": "renew-certificates", "params": {**there, "days": 360}})
    assert finish(renewed, fleet, 240) == OperationState.SUCCEEDED, renewed.error

    body = hosts(lab, "worker2", worker2={"roles": ["worker"]})
    assert api.post(f"clusters/{cluster.pk}/new-nodes", body).status_code == 201
    joined = asked(api, path, {"kind": "add-nodes", "params": {**there, "nodes": ["worker2"]}})
    assert finish(joined, fleet, 300) == OperationState.SUCCEEDED, stored(joined, joined.error.get("step", ""))[-2000:]
    assert "worker2" in sh(lab, "kubectl get nodes -o name")


def _forgotten_and_adopted_anew_it_is_managed_on(api: Api, lab: Lab, fleet: Fleet, before: Cluster) -> None:
    """Its hosts bear the marks of a registration that is no more."""
    assert api.delete(f"clusters/{before.pk}").status_code == 204
    adopted = asked(api, "clusters/import", {"name": "anew", **hosts(lab, *MEMBERS, "worker2")})
    assert finish(adopted, fleet, 240) == OperationState.SUCCEEDED, adopted.error
    found = adopted.steps.get(key="match").result["findings"]
    assert {(row["code"], row["level"]) for row in found} == {("owner", "warning")}, found
    cluster = adopted.cluster
    assert sh(lab, MARK, "worker2") == str(before.pk)
    _a_backup_is_taken(api, fleet, cluster)
    _it_is_upgraded_through_a_cancel(api, lab, fleet, cluster)
    _a_host_leaves_it(api, lab, fleet, cluster)


def _a_backup_is_taken(api: Api, fleet: Fleet, cluster: Cluster) -> None:
    saved = asked(api, f"clusters/{cluster.pk}/operations", {"kind": "backup"})
    assert finish(saved, fleet, 120) == OperationState.SUCCEEDED, saved.error
    assert set(cluster.backups.values_list("host", flat=True)) == {"master1"}


def _it_is_upgraded_through_a_cancel(api: Api, lab: Lab, fleet: Fleet, cluster: Cluster) -> None:
    versions = "kubectl get nodes --no-headers | awk '{ print $5 }' | sort -u"
    fault = {"at": "kk:ProgressiveUpgradeModule*", "host": "worker1", "do": "hang", "times": 1}
    put(lab, "/etc/lab/faults.json", json.dumps({"faults": [fault]}).encode())
    upgrade = {"kind": "upgrade", "params": {"version": "v1.25.3", "confirm": "anew"}}

    # kk pushes to the registry, whose password nobody has told.
    Cluster.objects.filter(pk=cluster.pk).update(registry_user="somebody")
    refused = asked(api, f"clusters/{cluster.pk}/operations", upgrade)
    assert finish(refused, fleet, 120) == OperationState.FAILED
    assert refused.error["step"] == "registry-login"
    assert "3kctl clusters set CLUSTER registry_user=" in str(refused.error)
    assert api.patch(f"clusters/{cluster.pk}", {"registry_user": "admin"}).status_code == 200

    operation = asked(api, f"clusters/{cluster.pk}/operations", upgrade)
    cancel_in(operation, "upgrade", fleet, lambda: "Upgrade cluster on worker" in stored(operation, "upgrade"))
    assert sh(lab, versions).split() == ["v1.24.3", "v1.25.3"]
    assert api.post(f"operations/{operation.pk}/retry").status_code == 202
    assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, operation.error
    assert sh(lab, versions).split() == ["v1.25.3"]
    assert api.get(f"clusters/{cluster.pk}").json()["kubernetes_version"] == "v1.25.3"
    assert sh(lab, MARK, "worker2") == str(cluster.pk)


def _a_host_leaves_it(api: Api, lab: Lab, fleet: Fleet, cluster: Cluster) -> None:
    leaving = asked(api, f"clusters/{cluster.pk}/operations", {"kind": "remove-node", "params": {"node": "worker2"}})
    assert finish(leaving, fleet, 240) == OperationState.SUCCEEDED, leaving.error
    assert sh(lab, "kubectl get nodes -o name").split() == ["node/master1", "node/worker1"]
    assert not cluster.nodes.filter(name="worker2").exists()
    assert sh(lab, "ls -d /etc/kubernetes /var/lib/kubelet /var/lib/sanqian/cluster", "worker2", check=False) == ""
    checked = asked(api, f"clusters/{cluster.pk}/operations", {"kind": "check"})
    assert finish(checked, fleet, 60) == OperationState.SUCCEEDED, checked.error
    shown = api.get(f"clusters/{cluster.pk}").json()
    assert shown["state"] == ClusterState.READY, shown["state_reason"]
