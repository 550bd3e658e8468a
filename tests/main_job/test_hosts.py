"""A cluster grows, shrinks and goes, on SSH hosts with the SIMULATED toolchain, with faults in the middle of each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from clusters import registry
from clusters.access import Access, HostAccess, Login
from clusters.inventory import from_mapping
from clusters.models import AccessKey, Cluster, Customer
from lab.base import Shape
from lab.hosts import Lab
from tasks import services
from tasks.models import HostJob, Operation, OperationState, Outcome
from tasks.plan import PlanError
from tests.main_job.conftest import break_on, fresh_hosts
from tests.main_job.test_install import TO_KUBERNETES, install, kubectl, outcomes, stored
from tests.tasks.driven import cancel_in, finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab, pytest.mark.timeout(900)]
FIRST = {"master1": ["control-plane", "etcd", "registry"], "worker1": ["worker"], "worker2": ["worker"]}
LATER = {"master2": ["control-plane", "etcd"], "master3": ["etcd"], "worker3": ["worker"]}
GUARDED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: guarded, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: guarded}}
  template:
    metadata: {labels: {app: guarded}}
    spec:
      nodeSelector: {kubernetes.io/hostname: worker3}
      containers: [{name: one, image: dockerhub.kubekey.local/kubesphereio/pause:3.7}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: keep-one, namespace: default}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: guarded}}
"""


@pytest.fixture
def hosts() -> Iterator[Lab]:
    """Six hosts."""
    with fresh_hosts("hosts", Shape(disks=0), speed=100) as made:
        yield made


@pytest.fixture
def cluster(hosts: Lab, transactional_db: None) -> Cluster:
    """Three of the six hosts."""
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    parsed = from_mapping({"hosts": described(hosts, FIRST)})
    assert parsed.inventory is not None, parsed.findings
    return registry.create(key, "growing", parsed.inventory, access(hosts))


def described(lab: Lab, roles: dict[str, list[str]]) -> list[dict[str, Any]]:
    found = []
    for name, groups in roles.items():
        host = lab.host(name)
        labels = {"rack": "b"} if name == "worker3" else {}
        found.append({"name": name, "address": host.address, "port": host.port, "roles": groups, "labels": labels})
    return found


def access(lab: Lab) -> Access:
    return Access(login=Login(private_key=lab.key_path.read_text()))


def register_the_others(cluster: Cluster, lab: Lab) -> None:
    for n, (name, groups) in enumerate(LATER.items()):
        roles = {**FIRST, **dict(list(LATER.items())[: n + 1])}
        parsed = from_mapping({"hosts": described(lab, roles)})
        assert parsed.inventory is not None and groups
        registry.add_node(cluster, parsed.inventory, name, access(lab).login, HostAccess())


def ask(cluster: Cluster, kind: str, **params: Any) -> Operation:
    return services.request_operation(cluster, kind, params, actor="test")


def retried(operation: Operation, fleet: Fleet) -> None:
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 600) == OperationState.SUCCEEDED, str(operation.error)


def on(lab: Lab, host: str, script: str) -> str:
    return lab.exec(host, ["sh", "-c", script], check=True).stdout.decode().strip()


def nodes(lab: Lab) -> set[str]:
    return {node["metadata"]["name"] for node in kubectl(lab, "get", "nodes")["items"]}


def members(lab: Lab) -> set[str]:
    pem = "/etc/ssl/etcd/ssl"
    asked = (
        f"etcdctl --cacert={pem}/ca.pem --cert={pem}/admin-master1.pem --key={pem}/admin-master1-key.pem member list"
    )
    return {line.split(", ")[2] for line in on(lab, "master1", asked).splitlines()}


def assert_clean(lab: Lab, host: str) -> None:
    paths = "/etc/kubernetes /var/lib/kubelet /var/lib/etcd /etc/etcd.env /etc/cni/net.d /opt/harbor /var/lib/sanqian"
    assert on(lab, host, f"for path in {paths}; do [ ! -e $path ] || ls -d $path/*; done") == "", host
    assert on(lab, host, "ls /etc/lab/boot.d | grep -v README || :") == "", host
    assert "kubekey" not in on(lab, host, "cat /etc/hosts")
    assert "sanqian" not in on(lab, host, "cat /root/.ssh/authorized_keys; ls /root/.ssh")
    assert on(lab, host, "ss -Hltn '( sport = :6443 or sport = :10250 or sport = :2379 )'") == "", host


def test_hosts_come_and_go_and_the_platform_leaves_them_clean(
    cluster: Cluster, hosts: Lab, artifact: str, fleet: Fleet
) -> None:
    first = fleet.worker(16)
    operation = install(cluster, artifact, phases=TO_KUBERNETES)
    assert finish(operation, fleet, 600) == OperationState.SUCCEEDED, str(operation.error)
    register_the_others(cluster, hosts)
    _they_join(cluster, hosts, fleet, first)
    _a_budget_holds_a_worker(cluster, hosts, fleet)
    _etcd_keeps_its_quorum(cluster, hosts, fleet)
    _a_dead_host_is_given_up(cluster, hosts, fleet)
    _everything_goes(cluster, hosts, fleet)
    again = install(cluster, artifact, phases=TO_KUBERNETES)
    assert finish(again, fleet, 600) == OperationState.SUCCEEDED, str(again.error)
    assert nodes(hosts) == {"master1", "worker1"}


def _they_join(cluster: Cluster, lab: Lab, fleet: Fleet, first: subprocess.Popen[bytes]) -> None:
    """A host that fails to join is named; what had joined is not touched again."""
    fault: dict[str, object] = {"at": "kk:JoinNodesModule", "host": "worker3"}
    break_on(lab, "master1", {**fault, "do": "hang"})
    operation = ask(cluster, "add-nodes", nodes=list(LATER))
    cancel_in(operation, "join-workers", fleet, lambda: "[JoinNodes" in stored("join-workers", "master1", operation))
    break_on(lab, "master1", {**fault, "do": "fail", "message": "connection reset"})
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 600) == OperationState.FAILED
    assert operation.error["step"] == "join-workers", str(operation.error)
    assert members(lab) == {"etcd-master1", "etcd-master2", "etcd-master3"}
    assert nodes(lab) == {"master1", "master2", "worker1", "worker2"}
    # The worker is killed and the host is cut off while kk goes on there; another worker takes over.
    break_on(lab, "master1", {"at": "kk:ConfigureKubernetesModule", "do": "slow", "seconds": 6, "times": 1})
    begun = _joins_begun(operation)
    services.request_retry(operation, actor="test")
    until(lambda: _joins_begun(operation) > begun, 120, "kk is in the middle")
    lab.cut("master1")
    first.kill()
    fleet.worker(16)
    lab.heal("master1")
    assert finish(operation, fleet, 600) == OperationState.SUCCEEDED, str(operation.error)
    assert _joins_begun(operation) == begun + 1, "kk was not begun anew"
    assert outcomes(operation)["join-master2"] == Outcome.ALREADY
    assert nodes(lab) == {"master1", "master2", "worker1", "worker2", "worker3"}
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in kubectl(lab, "get", "nodes")["items"]}
    assert labels["worker3"]["rack"] == "b" and "node-role.kubernetes.io/control-plane" in labels["master2"]


def _joins_begun(operation: Operation) -> int:
    """How often kk has come to where the hosts join."""
    return stored("join-workers", "master1", operation).count("[JoinNodesModule] Generate")


def _a_budget_holds_a_worker(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    lab.exec("master1", ["kubectl", "apply", "-f", "-"], stdin=GUARDED.encode(), check=True)
    on(lab, "master1", "kubectl rollout status deployment/guarded --timeout=60s")
    operation = ask(cluster, "remove-node", node="worker3")
    cancel_in(operation, "drain", fleet, lambda: kubectl(lab, "get", "node", "worker3")["spec"].get("unschedulable"))
    held = ask(cluster, "remove-node", node="worker3", drain_timeout=3)
    assert finish(held, fleet, 600) == OperationState.FAILED
    assert held.error["step"] == "drain"
    assert "default/guarded-" in str(held.error) and "default/keep-one" in str(held.error)
    assert "worker3" in nodes(lab)
    on(lab, "master1", "kubectl delete poddisruptionbudget keep-one")
    retried(operation, fleet)
    assert "worker3" not in nodes(lab)
    assert_clean(lab, "worker3")
    assert not cluster.nodes.filter(name="worker3").exists()
    assert HostJob.objects.filter(step__operation=operation, host="worker3").exists()


def _etcd_keeps_its_quorum(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    on(lab, "master3", "kill -STOP $(cat /run/lab/etcd.pid)")
    operation = ask(cluster, "remove-node", node="master2")
    assert finish(operation, fleet, 600) == OperationState.FAILED
    assert operation.error["step"] == "etcd-leave" and "master3" in str(operation.error), str(operation.error)
    assert "etcd-master2" in members(lab)
    on(lab, "master3", "kill -CONT $(cat /run/lab/etcd.pid)")
    retried(operation, fleet)
    assert members(lab) == {"etcd-master1", "etcd-master3"}
    assert nodes(lab) == {"master1", "worker1", "worker2"}
    assert_clean(lab, "master2")


def _a_dead_host_is_given_up(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    lab.power_off("worker2")
    operation = ask(cluster, "remove-node", node="worker2", force=True, drain_timeout=10)
    assert finish(operation, fleet, 600) == OperationState.SUCCEEDED, str(operation.error)
    assert "/var/lib/kubelet" in operation.steps.get(key="clean").result["left"]
    assert nodes(lab) == {"master1", "worker1"}
    assert not cluster.nodes.filter(name="worker2").exists()


def _everything_goes(cluster: Cluster, lab: Lab, fleet: Fleet) -> None:
    """Refused without the name; a host that another cluster has claimed is left alone; what kk leaves is removed."""
    with pytest.raises(PlanError) as refused:
        ask(cluster, "uninstall", confirm="another")
    assert refused.value.field == "confirm"
    on(lab, "worker1", "mkdir -p /var/lib/kubelet/pods/x; ip link add cali123 type veth peer name cali124")
    on(lab, "worker1", "echo another >/var/lib/sanqian/cluster")
    operation = ask(cluster, "uninstall", confirm="growing")
    assert finish(operation, fleet, 600) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("owned", "worker1"), str(operation.error)
    assert on(lab, "worker1", "ls -d /var/lib/kubelet/pods/x") and nodes(lab) == {"master1", "worker1"}
    cluster.refresh_from_db()
    assert cluster.state == "failed"
    on(lab, "worker1", f"echo {cluster.pk} >/var/lib/sanqian/cluster")
    # Cancelled when the nodes are reset and etcd is not; then kk fails at a busy mount, and each host cleans itself.
    break_on(lab, "master1", {"at": "kk:UninstallETCDModule", "do": "hang"})
    services.request_retry(operation, actor="test")
    there = "delete-cluster", "master1", operation
    cancel_in(operation, "delete-cluster", fleet, lambda: "[ClearOSModule" in stored(*there))
    break_on(lab, "master1")
    on(lab, "worker1", "mkdir -p /var/lib/kubelet/pods/x && mount -t tmpfs none /var/lib/kubelet/pods/x")
    retried(operation, fleet)
    assert "/var/lib/kubelet/pods/x': Device or resource busy" in stored(*there)
    for name in ("master1", "master3", "worker1"):
        assert_clean(lab, name)
    assert on(lab, "worker1", "ls /sys/class/net").count("cali") == 0
    assert on(lab, "master1", "ls /root/3k") == ""
    cluster.refresh_from_db()
    assert (cluster.state, cluster.kubeconfig) == ("registered", "")
    assert json.loads(json.dumps(operation.cluster_states))["success"] == "registered"
