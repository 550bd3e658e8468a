"""``kk certs check-expiration`` and ``kk certs renew``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from lab.toolchain.common import daemon
from lab.toolchain.kk import kubernetes, work
from lab.toolchain.kk.pipeline import Machine, Module, Task, greetings
from lab.toolchain.kk.remote import RemoteFailed
from lab.toolchain.kk.work import Job

LEAVES = {"apiserver.crt": "ca", "apiserver-kubelet-client.crt": "ca", "front-proxy-client.crt": "front-proxy-ca"}
CONFIGS = ("admin.conf", "controller-manager.conf", "scheduler.conf")
AUTHORITIES = ("ca.crt", "front-proxy-ca.crt")
_LOOK = f"""cd /etc/kubernetes || exit
for name in {" ".join([*LEAVES, *AUTHORITIES])}; do echo "$name $(openssl x509 -noout -enddate -in pki/$name)"; done
for name in {" ".join(CONFIGS)}; do
  echo "$name $(sed -n 's/.*client-certificate-data: //p' $name | base64 -d | openssl x509 -noout -enddate)"
done"""


def check_modules(job: Job) -> list[Module]:
    found: dict[str, dict[str, datetime.datetime]] = {}

    def look(machine: Machine) -> None:
        said = machine.ssh.run(_LOOK)
        try:
            found[machine.name] = {
                name: datetime.datetime.strptime(end.removeprefix("notAfter="), "%b %d %H:%M:%S %Y %Z")
                for name, _, end in (line.partition(" ") for line in said.splitlines())
            }
        except ValueError as error:
            raise RemoteFailed(f"a certificate below /etc/kubernetes cannot be read: {error}") from error

    def show(_machine: Machine) -> None:
        job.pipeline.say(listing(found))

    return [
        Module("CheckCertsModule", [Task("Check cluster certs", look, job.config.masters, 0.1)]),
        Module("PrintClusterCertsModule", [Task("Display cluster certs form", show, None, 0)]),
    ]


def listing(found: dict[str, dict[str, datetime.datetime]]) -> str:
    """The two tables that kk prints: certificates, and authorities."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)

    def when(end: datetime.datetime) -> tuple[str, str]:
        days = (end - now).days
        return end.strftime("%b %d, %Y %H:%M UTC"), f"{days}d" if days < 365 * 2 else f"{days // 365}y"

    own: Sequence[tuple[str, str]] = [*LEAVES.items(), *((name, "ca") for name in CONFIGS)]
    rows = [(name, *when(ends[name]), signer, host) for host, ends in found.items() for name, signer in own]
    signers = [(name, *when(ends[name]), host) for host, ends in found.items() for name in AUTHORITIES]
    first = table(("CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY", "NODE"), rows)
    return f"{first}\n\n{table(('CERTIFICATE AUTHORITY', 'EXPIRES', 'RESIDUAL TIME', 'NODE'), signers)}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[index]) for row in [columns, *rows]) + 3 for index in range(len(columns))]
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [columns, *rows]
    )


def renew_modules(job: Job) -> list[Module]:
    """New certificates by the authority that is there; the API server takes them up by a restart."""
    masters = job.config.masters

    def renew(machine: Machine) -> None:
        if not machine.ssh.ok("test -s /etc/kubernetes/pki/ca.key"):
            raise RemoteFailed("/etc/kubernetes/pki/ca.key: no such file or directory")
        machine.ssh.put(kubernetes.control_plane_files(job, machine))
        own = machine.ssh.ok(f"test -e {daemon.BOOT}/kube-apiserver")
        name = "kube-apiserver" if own else "kube-apiserver-relay"
        machine.ssh.run(daemon.stop_command(name))
        work.start(machine, name, job.config.endpoint_port)

    def copy(machine: Machine) -> None:
        machine.ssh.run(kubernetes.COPY_CONFIG)

    tasks = [
        Task("Renew control-plane certs", renew, masters, 0.5, sequential=True),
        Task("Copy admin.conf to ~/.kube/config", copy, masters),
    ]
    return [greetings(job.config), Module("RenewCertsModule", tasks), *check_modules(job)]
