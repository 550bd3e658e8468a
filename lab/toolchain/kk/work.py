"""Where kk keeps things while it works: ./kubekey with the unpacked packages, certificates and its log."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from lab.toolchain import programs
from lab.toolchain.common import daemon
from lab.toolchain.common.client import Client, access_of
from lab.toolchain.kk.config import Config
from lab.toolchain.kk.pipeline import Machine, Module, Pipeline, PipelineFailed, Skip, Task
from lab.toolchain.kk.remote import File, RemoteFailed

TOOLCHAIN = "/usr/local/lib/lab/toolchain"
ADMIN_CONF = Path("/etc/kubernetes/admin.conf")
LISTENS = "for i in $(seq 200); do ss -Hltn 'sport = :{port}' | grep -q . && exit 0; sleep 0.05; done; exit 1"


@dataclass
class Job:
    """One call of kk."""

    config: Config
    pipeline: Pipeline
    artifact: Path | None = None
    with_packages: bool = False
    yes: bool = False

    @property
    def directory(self) -> Path:
        return Path.cwd() / "kubekey"

    @property
    def pki(self) -> Path:
        return self.directory / "pki"

    @property
    def packages(self) -> Path:
        return self.directory / "repository" / "amd64"

    @property
    def images(self) -> Path:
        return self.directory / "images"

    def client(self) -> Client:
        """The cluster's API, as its administrator. Raises `Unreachable`."""
        return Client(access_of(ADMIN_CONF))

    def is_first(self, machine: Machine) -> bool:
        return machine.name == self.config.first.name


def unarchive(job: Job) -> Module:
    def unpack(_machine: Machine) -> str | None:
        if job.artifact is None:
            raise RemoteFailed('required flag(s) "artifact" not set')
        digest = hashlib.md5(job.artifact.read_bytes(), usedforsecurity=False).hexdigest()
        mark = job.directory / "artifact.md5"
        if mark.is_file() and mark.read_text() == digest:
            raise Skip
        job.directory.mkdir(exist_ok=True)
        for part in ("images", "kube", "repository"):
            shutil.rmtree(job.directory / part, ignore_errors=True)
        command = ["tar", "-xvf", str(job.artifact), "-C", str(job.directory), "--no-same-owner"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RemoteFailed(f"unarchive {job.artifact} failed: {done.stderr.strip()}")
        names = [name for name in done.stdout.splitlines() if not name.endswith("/")]
        mark.write_text(digest)
        return "\n".join(f"kubekey/{name}" for name in names if not name.startswith("images/blobs"))

    return Module(
        "UnArchiveArtifactModule",
        [Task("Check the KubeKey artifact md5 value"), Task("UnArchive the KubeKey artifact", unpack, None, 0.3)],
    )


def need_artifact(job: Job) -> None:
    """Raises `PipelineFailed` where the file given with -a is no artifact."""
    if job.artifact is None:
        return
    if not job.artifact.is_file():
        raise PipelineFailed(f"stat {job.artifact}: no such file or directory")
    if not tarfile.is_tarfile(job.artifact):
        raise PipelineFailed(f"unarchive {job.artifact} failed: gzip: invalid header")


def toolchain_files(*names: str) -> dict[str, File]:
    """The packed toolchain; `names` become links to it by `link_script`."""
    return {TOOLCHAIN: File(programs.executable().read_bytes(), 0o755)} if names else {}


def link_script(*names: str) -> str:
    return "mkdir -p /usr/local/bin; " + "; ".join(f"ln -sfn {TOOLCHAIN} /usr/local/bin/{name}" for name in names)


def daemon_files(name: str, command: str) -> dict[str, File]:
    """A program that runs now and after every boot."""
    return {f"{daemon.BOOT}/{name}": File.text(daemon.boot_script(name, f"/usr/local/bin/{command}"), 0o755)}


def start(machine: Machine, name: str, port: int = 0) -> None:
    """Start a daemon of a host that does not run, and wait for its port. Raises `RemoteFailed`."""
    wait = LISTENS.format(port=port) if port else "true"
    machine.ssh.run(f"{daemon.start_command(name)}; {wait} || {{ tail -n 20 /var/log/{name}.log; exit 1; }}")


def stop_script(name: str) -> str:
    return f"{daemon.stop_command(name)}; rm -f {daemon.BOOT}/{name}"
