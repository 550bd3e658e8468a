"""``kk create cluster``: the modules in kk's order."""

from __future__ import annotations

import argparse

from lab.toolchain.kk import etcd, kubernetes, prepare, work
from lab.toolchain.kk.pipeline import Module, greetings
from lab.toolchain.kk.registry import push_modules
from lab.toolchain.kk.work import Job


def modules(job: Job, options: argparse.Namespace) -> list[Module]:
    config = job.config
    nodes = config.nodes
    hosts = config.group("control-plane", "worker", "etcd")
    found = [greetings(config), *prepare.checks(job, hosts)]
    if job.artifact is not None:
        found += [work.unarchive(job)]
    found += [*prepare.packages(job, hosts), prepare.binaries(job), prepare.operating_system(job, hosts)]
    found += [kubernetes.status(job), prepare.container_runtime(job, nodes)]
    if job.artifact is not None and not options.skip_push_images:
        found += push_modules(job)[2:]
    return [
        *found,
        prepare.pull(job, nodes),
        *etcd.modules(job),
        kubernetes.binaries(job, nodes),
        kubernetes.init(job),
        kubernetes.dns(job),
        kubernetes.status(job),
        kubernetes.join(job, [host for host in nodes if host != config.first]),
        kubernetes.network(job, nodes),
        *kubernetes.finish(job, nodes),
    ]


def created(_job: Job) -> str:
    return (
        "Installation is complete. (SIMULATED)\n\nPlease check the result using the command:\n\n\tkubectl get pod -A\n"
    )
