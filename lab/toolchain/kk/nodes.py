"""``kk add nodes``, ``kk delete node`` and ``kk delete cluster``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from lab.toolchain.common.client import path_of
from lab.toolchain.common.objects import Obj, dig
from lab.toolchain.kk import etcd, kubernetes, prepare, texts, work
from lab.toolchain.kk.config import Host
from lab.toolchain.kk.pipeline import Machine, Module, PipelineFailed, Skip, Task, greetings
from lab.toolchain.kk.registry import push_modules, trust
from lab.toolchain.kk.remote import RemoteFailed
from lab.toolchain.kk.work import Job

DRAIN_SECONDS = 60.0
_RESET = "\n".join(
    [
        *(work.stop_script(name) for name in ("kubelet", "kube-apiserver", "kube-apiserver-relay")),
        "rm -rf /etc/kubernetes /var/lib/kubelet /etc/cni/net.d /var/lib/cni /root/.kube "
        "/etc/systemd/system/kubelet.service",
    ]
)
_CLEAR_OS = (
    f"sed '/^{texts.BEGIN}/,/^{texts.END}/d' /etc/hosts >/etc/hosts.kk && cat /etc/hosts.kk >/etc/hosts; "
    "rm -f /etc/hosts.kk"
)
_REMOVE_ETCD = work.stop_script("etcd") + (
    "; rm -rf /var/lib/etcd /etc/etcd.env /etc/ssl/etcd /etc/systemd/system/etcd.service "
    "/usr/local/bin/etcd /usr/local/bin/etcdctl"
)
_REMOVE_RUNTIME = (
    "rm -rf /etc/containerd /etc/crictl.yaml /var/lib/containerd /usr/bin/containerd /usr/bin/containerd-shim-runc-v2 "
    "/usr/bin/ctr /usr/bin/runc /usr/bin/crictl /etc/systemd/system/containerd.service"
)


def add_modules(job: Job, options: argparse.Namespace) -> list[Module]:
    """What `create cluster` does, for the nodes of the file that the cluster does not have."""
    if not kubernetes.exists(job):
        raise PipelineFailed(
            "Pipeline[AddNodesPipeline] execute failed: no cluster answers; run kk create cluster first"
        )
    known = {node["metadata"]["name"] for node in job.client().get("/api/v1/nodes")["items"]}
    fresh = [host for host in job.config.nodes if host.name not in known]
    found = [greetings(job.config), *prepare.checks(job, job.config.group("control-plane", "worker", "etcd"))]
    if job.artifact is not None:
        found.append(work.unarchive(job))
    found += [*prepare.packages(job, fresh), prepare.operating_system(job, job.config.hosts), kubernetes.status(job)]
    found.append(prepare.container_runtime(job, fresh))
    if job.artifact is not None and not options.skip_push_images:
        found += push_modules(job)[2:]
    return [
        *found,
        _registry_trust(job, fresh),
        prepare.pull(job, fresh),
        *etcd.modules(job),
        kubernetes.binaries(job, fresh),
        kubernetes.join(job, fresh),
        kubernetes.network_files(job, fresh),
        Module("ConfigureKubernetesModule", [Task("Configure kubernetes", None, fresh)]),
    ]


def _registry_trust(job: Job, hosts: Sequence[Host]) -> Module:
    def put(machine: Machine) -> None:
        if not (job.pki / job.config.registry / "ca.pem").is_file():
            raise Skip
        trust(job, machine)

    return Module("RegistryCertsModule", [Task("Synchronize certs file to all nodes", put, hosts)])


# -- one node -------------------------------------------------------------------------------------------------


def delete_modules(job: Job, name: str) -> list[Module]:
    host = next((host for host in job.config.hosts if host.name == name), None)
    first = job.config.masters[:1]

    def find(_machine: Machine) -> None:
        if job.client().find(path_of("", "v1", "nodes", name=name)) is None:
            raise RemoteFailed(f"node {name} is not in the cluster, or its name is wrong")
        if host is not None and host == job.config.first:
            raise RemoteFailed(f"{name} carries the cluster's API; kk delete cluster removes the cluster")

    def reset(machine: Machine) -> str | None:
        try:
            machine.ssh.run(_RESET)
        except RemoteFailed as error:
            return f"{name} could not be cleaned: {error}"
        return None

    def confirm(_machine: Machine) -> None:
        prepare.ask(job, f"Are you sure to delete this node {name}? [yes/no]: ")

    tasks = [
        Task("Drain node", lambda _machine: drain(job, name), first, 0.5),
        Task("Kubectl delete node", lambda _machine: _forget(job, name), first),
    ]
    if host is not None:
        # Its kubelet is ended before its Node object goes: it would register again.
        tasks.insert(1, Task("Reset kube node", reset, [host], 0.3))
    return [
        greetings(job.config) if host is None else Module("GreetingsModule", [Task("Greetings", None, first)]),
        Module("DeleteNodeConfirmModule", [Task("Display confirmation form", confirm, None, 0)]),
        Module(
            "CompareConfigAndClusterInfoModule",
            [Task("Find information about nodes that are expected to be deleted", find, first)],
        ),
        Module("DeleteKubeNodeModule", tasks),
    ]


def drain(job: Job, name: str) -> None:
    """Cordon the node, evict its pods but those of daemon sets, and wait until they are gone."""
    client = job.client()
    client.patch(path_of("", "v1", "nodes", name=name), {"spec": {"unschedulable": True}})
    node = client.get(path_of("", "v1", "nodes", name=name))
    alive = any(c["type"] == "Ready" and c["status"] == "True" for c in dig(node, "status", "conditions", default=[]))
    deadline = time.monotonic() + DRAIN_SECONDS
    while pods := _movable(client.get("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")["items"]):
        for pod in pods:
            where = path_of("", "v1", "pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
            if not pod["metadata"].get("deletionTimestamp"):
                client.delete(where, None if alive else {"gracePeriodSeconds": 0})
        if not alive:
            return
        if time.monotonic() > deadline:
            raise RemoteFailed(f"error when evicting pods from {name}: global timeout reached: {DRAIN_SECONDS:.0f}s")
        time.sleep(0.1)


def _movable(pods: Sequence[Obj]) -> list[Obj]:
    kept = {"DaemonSet", "Node"}
    return [pod for pod in pods if not kept & {o["kind"] for o in pod["metadata"].get("ownerReferences") or []}]


def _forget(job: Job, name: str) -> None:
    client = job.client()
    client.delete(path_of("", "v1", "nodes", name=name))
    lease = path_of("coordination.k8s.io", "v1", "leases", "kube-node-lease", name)
    if client.find(lease) is not None:
        client.delete(lease)


# -- the whole cluster ----------------------------------------------------------------------------------------


def reset_modules(job: Job, everything: bool) -> list[Module]:
    config = job.config
    hosts = config.group("control-plane", "worker", "etcd")

    def confirm(_machine: Machine) -> None:
        prepare.ask(job, "Are you sure to delete this cluster? [yes/no]: ")

    def task(name: str, script: str, which: Sequence[Host], seconds: float = 0.2) -> Task:
        return Task(name, lambda machine: machine.ssh.run(script) or None, which, seconds)

    found = [
        greetings(config),
        Module("DeleteClusterConfirmModule", [Task("Display confirmation form", confirm, None, 0)]),
        Module("ResetClusterModule", [task("Reset the cluster using kubeadm", _RESET, config.nodes, 0.6)]),
        Module("ClearOSModule", [task("Reset os config", _CLEAR_OS, hosts)]),
        Module("UninstallETCDModule", [task("Remove etcd", _REMOVE_ETCD, config.group("etcd", "control-plane"))]),
        Module(
            "UninstallAutoRenewCertsModule", [task("Remove certs renew", "rm -rf /usr/local/bin/kube-scripts", hosts)]
        ),
    ]
    if everything:
        found.append(Module("UninstallContainerModule", [task("Uninstall containerd", _REMOVE_RUNTIME, config.nodes)]))
    return found
