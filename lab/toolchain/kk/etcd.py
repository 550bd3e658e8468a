"""The modules of etcd: certificates, binaries, settings, members. The data is the API server's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lab.toolchain.common import pki
from lab.toolchain.etcd import main, member
from lab.toolchain.kk import texts, work
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
                Task("Join etcd member", lambda machine: _join(job, machine), hosts, 0.4, sequential=True),
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
    unit = texts.unit("etcd", "/usr/local/bin/etcd")
    machine.ssh.put({"/etc/systemd/system/etcd.service": File.text(unit), **work.toolchain_files("etcd")})
    machine.ssh.put(work.daemon_files("etcd", "etcd"))
    machine.ssh.run(work.link_script("etcd", "etcdctl"))


def _settings(job: Job, machine: Machine) -> None:
    machine.ssh.put({"/etc/etcd.env": File.text(texts.etcd_env(job.config, machine.host), 0o600)})


def _join(job: Job, machine: Machine) -> None:
    """Start the member; where others run already they take it in, which needs a quorum of them."""
    address = machine.host.internal
    if member.answers(address) and any(one["address"] == address for one in member.members([address])):
        raise Skip
    own = member.member(f"etcd-{machine.name}", address)
    others = [host.internal for host in job.config.group("etcd") if host.name != machine.name]
    try:
        before = member.members(others) if any(map(member.answers, others)) else []
        after = [*(one for one in before if one["id"] != own["id"]), own]
        if before:
            member.change(before, after)
        machine.ssh.run("mkdir -p -m 700 /var/lib/etcd/member/snap /var/lib/etcd/member/wal")
        machine.ssh.put({str(main.DATA): File.text(json.dumps(after), 0o600)})
        work.start(machine, "etcd", member.PORT)
    except member.Unavailable as error:
        raise RemoteFailed(f"add etcd member failed: {error}") from error


def _healthy(machine: Machine) -> None:
    if not member.answers(machine.host.internal) or not machine.ssh.ok("test -s /etc/etcd.env"):
        raise RemoteFailed("etcd health check failed: context deadline exceeded")


def _backup(machine: Machine) -> None:
    path = "/usr/local/bin/kube-scripts/etcd-backup.sh"
    machine.ssh.put({path: File.text(texts.shell_stub("etcd-backup", VERSION), 0o755)})
