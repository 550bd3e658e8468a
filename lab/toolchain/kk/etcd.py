"""The modules of etcd: certificates, binaries, settings, data directories. The data is the API server's own."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.toolchain.common import pki
from lab.toolchain.kk import texts
from lab.toolchain.kk.pipeline import Machine, Module, Skip, Task
from lab.toolchain.kk.remote import File, RemoteFailed
from lab.toolchain.kk.work import Job

SSL = "/etc/ssl/etcd/ssl"
VERSION = "v3.4.13"


def modules(job: Job) -> list[Module]:
    hosts = job.config.group("etcd")
    masters = job.config.masters
    return [
        Module("ETCDPreCheckModule", [Task("Get etcd status", _status, hosts)]),
        Module(
            "CertsModule",
            [
                Task("Fetch etcd certs", lambda machine: _fetch(job, machine), hosts[:1]),
                Task("Generate etcd Certs", lambda _machine: _generate(job), None, 0.2),
                Task("Synchronize certs file", lambda machine: _put(job, machine), hosts, 0.1),
                Task("Synchronize certs file to master", lambda machine: _put(job, machine), masters, 0.1),
            ],
        ),
        Module(
            "InstallETCDBinaryModule",
            [
                Task("Install etcd using binary", _binaries, hosts, 0.4),
                Task("Generate etcd service", None, hosts),
                Task("Generate access address", None, hosts[:1]),
            ],
        ),
        Module(
            "ETCDConfigureModule",
            [
                Task("Health check on exist etcd", None, hosts),
                Task("Generate etcd.env config on new etcd", lambda machine: _settings(job, machine), hosts),
                Task("Start etcd", lambda machine: _start(machine), hosts, 0.4, sequential=True),
                Task("Health check on all etcd", lambda machine: _healthy(machine), hosts),
            ],
        ),
        Module(
            "ETCDBackupModule",
            [
                Task("Backup etcd data regularly", _backup, hosts),
                Task("Generate backup ETCD service", None, hosts),
                Task("Enable backup etcd service", None, hosts),
            ],
        ),
    ]


def _status(machine: Machine) -> None:
    if not machine.ssh.ok("test -s /etc/etcd.env"):
        raise Skip


def local(job: Job) -> Path:
    return job.pki / "etcd"


def _names(job: Job) -> list[str]:
    members = [f"{kind}-{host.name}" for host in job.config.group("etcd") for kind in ("admin", "member")]
    return members + [f"node-{host.name}" for host in job.config.masters]


def _fetch(job: Job, machine: Machine) -> None:
    if (local(job) / "ca-key.pem").is_file() or not machine.ssh.ok(f"test -s {SSL}/ca-key.pem -a -s {SSL}/ca.pem"):
        raise Skip
    local(job).mkdir(parents=True, exist_ok=True)
    for name in ("ca.pem", "ca-key.pem"):
        text = machine.ssh.run(f"cat {SSL}/{name}")
        if "-----END" not in text:  # left half-written by a run that was killed: a new authority replaces it
            shutil.rmtree(local(job))
            return
        (local(job) / name).write_text(f"{text}\n")


def _generate(job: Job) -> None:
    directory = local(job)
    ca = (directory / "ca.pem", directory / "ca-key.pem")
    pki.authority(*ca, "etcd-ca")
    names = ["etcd.kube-system.svc", "localhost", "127.0.0.1", job.config.endpoint_domain]
    names += [name for host in job.config.hosts for name in (host.name, host.internal)]
    for name in _names(job):
        if not (directory / f"{name}.pem").is_file():
            key = directory / f"{name}-key.pem"
            pki.leaf(directory / f"{name}.pem", key, ca, f"etcd-{name}", hosts=dict.fromkeys(names), days=pki.CA_DAYS)


def _put(job: Job, machine: Machine) -> None:
    wanted = ["ca", *(name for name in _names(job) if name.endswith(f"-{machine.name}"))]
    names = [f"{name}{part}.pem" for name in wanted for part in ("", "-key")]
    machine.ssh.put({f"{SSL}/{name}": File((local(job) / name).read_bytes(), 0o600) for name in names})


def _binaries(machine: Machine) -> None:
    programs = {"etcd": texts.shell_stub("etcd", VERSION), "etcdctl": texts.ETCDCTL}
    files = {f"/usr/local/bin/{name}": File.text(text, 0o755) for name, text in programs.items()}
    unit = texts.unit("etcd", "/usr/local/bin/etcd")
    machine.ssh.put({**files, "/etc/systemd/system/etcd.service": File.text(unit)})


def _settings(job: Job, machine: Machine) -> None:
    machine.ssh.put({"/etc/etcd.env": File.text(texts.etcd_env(job.config, machine.host), 0o600)})


def _start(machine: Machine) -> None:
    machine.ssh.run("mkdir -p -m 700 /var/lib/etcd/member/snap /var/lib/etcd/member/wal")


def _healthy(machine: Machine) -> None:
    if not machine.ssh.ok("test -d /var/lib/etcd/member -a -s /etc/etcd.env"):
        raise RemoteFailed("etcd health check failed: context deadline exceeded")


def _backup(machine: Machine) -> None:
    path = "/usr/local/bin/kube-scripts/etcd-backup.sh"
    machine.ssh.put({path: File.text(texts.shell_stub("etcd-backup", VERSION), 0o755)})
