"""``kk upgrade``: the control plane, then the nodes, to a newer Kubernetes."""

from __future__ import annotations

import re

from lab.toolchain.common import daemon
from lab.toolchain.common.client import path_of
from lab.toolchain.common.objects import dig
from lab.toolchain.kk import kubernetes, prepare, system, work
from lab.toolchain.kk.config import Host
from lab.toolchain.kk.pipeline import Machine, Module, PipelineFailed, Task, greetings
from lab.toolchain.kk.registry import push_modules
from lab.toolchain.kk.remote import RemoteFailed
from lab.toolchain.kk.work import Job

_VERSION = re.compile(r"^v(\d+)\.(\d+)\.(\d+)$")


def numbers(version: str) -> tuple[int, int, int]:
    """Raises `PipelineFailed` for what is no version."""
    match = _VERSION.match(version)
    if match is None:
        raise PipelineFailed(f"unsupported Kubernetes version {version}: write it as v1.25.3")
    return int(match[1]), int(match[2]), int(match[3])


def modules(job: Job) -> list[Module]:
    """Those of `job.config`, whose version is the wanted one, for the cluster that answers."""
    config = job.config
    if not kubernetes.exists(job):
        raise PipelineFailed("Pipeline[UpgradeClusterPipeline] execute failed: no cluster answers")
    present = job.client().get("/version")["gitVersion"]
    old, new = numbers(present), numbers(config.version)
    if new < old:
        raise PipelineFailed(f"the cluster has {present}, which is newer than {config.version}: kk does not downgrade")
    if new[1] > old[1] + 1:
        raise PipelineFailed(
            f"from {present} to {config.version} skips a minor version: upgrade to v1.{old[1] + 1} first"
        )
    first = config.masters[:1]
    workers = [host for host in config.nodes if host not in config.masters]
    found = [greetings(config), *prepare.checks(job, config.nodes)]
    if job.artifact is not None:
        found += [work.unarchive(job), *push_modules(job)[2:]]

    def versions(_machine: Machine) -> str:
        nodes = job.client().get("/api/v1/nodes")["items"]
        return "\n".join(f"{n['metadata']['name']} {dig(n, 'status', 'nodeInfo', 'kubeletVersion')}" for n in nodes)

    def proxy(_machine: Machine) -> None:
        system.apply(job.client(), system.proxy(config, config.version))

    progressive = [
        Task("Upgrade cluster on master", lambda machine: master(job, machine), config.masters, 1.0, sequential=True),
        Task("Upgrade kube-proxy", proxy, first, 0.1),
        Task("Upgrade cluster on worker", lambda machine: node(job, machine), workers, 0.6, sequential=True),
    ]
    plan = Task(f"Set upgrade plan from {present} to {config.version}", None, first)
    return [
        *found,
        Module("ClusterPreCheckModule", [Task("Get all nodes Kubernetes version", versions, first)]),
        Module("SetUpgradePlanModule 1/1", [plan]),
        prepare.pull(job, config.nodes),
        kubernetes.binaries(job, config.nodes),
        Module("ProgressiveUpgradeModule 1/1", progressive),
    ]


def master(job: Job, machine: Machine) -> str:
    machine.ssh.put(kubernetes.control_plane_files(job, machine))
    machine.ssh.run(daemon.stop_command(kubernetes.api_name(job.config, machine.host)))
    kubernetes.start_api(machine, job.config)
    machine.ssh.run(kubernetes.COPY_CONFIG)
    node(job, machine)
    return f"[upgrade/successful] SUCCESS! Your cluster was upgraded to {job.config.version!r}. Enjoy! (SIMULATED)"


def node(job: Job, machine: Machine) -> None:
    """Restart the kubelet with the new version and wait until its node says so. One that has it is left alone."""
    if _kubelet_version(job, machine.host) == job.config.version:
        return
    machine.ssh.run(daemon.stop_command("kubelet"))
    machine.ssh.put(work.daemon_files("kubelet", kubernetes.kubelet_command(job.config, machine.host)))
    work.start(machine, "kubelet", 10250)
    kubernetes.wait_until(
        lambda: _kubelet_version(job, machine.host) == job.config.version,
        lambda: RemoteFailed(f"the kubelet of {machine.name} does not report {job.config.version}"),
    )


def _kubelet_version(job: Job, host: Host) -> str:
    found = job.client().find(path_of("", "v1", "nodes", name=host.name))
    return str(dig(found or {}, "status", "nodeInfo", "kubeletVersion", default=""))
