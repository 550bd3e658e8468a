"""``kk init registry`` and ``kk artifact images push``."""

from __future__ import annotations

import json
from pathlib import Path

from lab.toolchain.common import pki
from lab.toolchain.common.pace import pause
from lab.toolchain.kk import prepare, texts, work
from lab.toolchain.kk.pipeline import Machine, Module, Skip, Task, greetings
from lab.toolchain.kk.registry_client import RegistryClient, RegistryError, certificates
from lab.toolchain.kk.remote import File, RemoteFailed
from lab.toolchain.kk.work import Job

DATA = "/mnt/registry"


def init_modules(job: Job) -> list[Module]:
    config = job.config
    hosts = config.group("registry")
    everyone = config.hosts
    return [
        greetings(config),
        work.unarchive(job),
        Module("RegistryPackageModule", [Task("Check the registry packages of the artifact", None, None, 0.2)]),
        prepare.operating_system(job, everyone),
        Module(
            "InitRegistryModule",
            [
                Task("Fetch registry certs", lambda machine: _fetch(job, machine), hosts),
                Task("Generate registry Certs", lambda _machine: _generate(job), None, 0.2),
                Task("Synchronize certs file", lambda machine: _own(job, machine), hosts, 0.1),
                Task("Synchronize certs file to all nodes", lambda machine: trust(job, machine), everyone, 0.1),
            ],
        ),
        Module(
            "InstallRegistryModule",
            [
                Task("Sync docker binaries", lambda machine: _docker(machine), hosts, 0.3),
                Task("Sync harbor package", lambda machine: _harbor(job, machine), hosts, 0.5),
                Task("Generate harbor config", lambda machine: _settings(job, machine), hosts),
                Task("Start harbor", lambda machine: _start(job, machine), hosts, 0.5),
            ],
        ),
    ]


def _pem_names(job: Job) -> dict[str, str]:
    name = job.config.registry
    return {"ca.pem": "ca.crt", f"{name}.pem": f"{name}.cert", f"{name}-key.pem": f"{name}.key"}


def _fetch(job: Job, machine: Machine) -> None:
    """Certificates of an earlier run on the registry host are used again: all hosts trust them already."""
    local = job.pki / job.config.registry
    remote = "/etc/ssl/registry/ssl"
    if (local / "ca-key.pem").is_file() or not machine.ssh.ok(f"test -s {remote}/ca-key.pem"):
        raise Skip
    local.mkdir(parents=True, exist_ok=True)
    for name in [*_pem_names(job), "ca-key.pem"]:
        text = machine.ssh.run(f"cat {remote}/{name}")
        if "-----END" not in text:
            raise RemoteFailed(f"{remote}/{name} is damaged; remove {remote} and run it again")
        (local / name).write_text(f"{text}\n")


def _generate(job: Job) -> None:
    config, local = job.config, job.pki / job.config.registry
    ca = (local / "ca.pem", local / "ca-key.pem")
    pki.authority(*ca, f"{config.registry} (SIMULATED by the lab)")
    certificate = local / f"{config.registry}.pem"
    if certificate.is_file():
        raise Skip
    names = [config.registry.split(":")[0], "localhost", "127.0.0.1"]
    names += [name for host in config.group("registry") for name in (host.name, host.internal)]
    key = local / f"{config.registry}-key.pem"
    pki.leaf(certificate, key, ca, config.registry, hosts=dict.fromkeys(names), days=pki.CA_DAYS)


def _own(job: Job, machine: Machine) -> None:
    local = job.pki / job.config.registry
    names = [*_pem_names(job), "ca-key.pem"]
    files = {f"/etc/ssl/registry/ssl/{name}": File((local / name).read_bytes(), 0o600) for name in names}
    machine.ssh.put(files)


def trust(job: Job, machine: Machine) -> None:
    """Make a host trust the registry's authority."""
    local = job.pki / job.config.registry
    where = certificates(job.config.registry)
    files = {
        f"{where}/{there}": File((local / here).read_bytes(), 0o600 if there.endswith(".key") else 0o644)
        for here, there in _pem_names(job).items()
    }
    machine.ssh.put(files)


def _docker(machine: Machine) -> None:
    machine.ssh.put(work.toolchain_files("docker"))
    files = {
        "/usr/bin/docker-compose": texts.shell_stub("docker-compose", "v2.2.2"),
        "/etc/systemd/system/docker.service": texts.unit("docker", "/usr/bin/dockerd"),
    }
    machine.ssh.put({path: File.text(text, 0o755) for path, text in files.items()})
    machine.ssh.run(work.link_script("docker", "harbor", "apt-source") + "; mkdir -p /var/lib/docker")


def _harbor(job: Job, machine: Machine) -> None:
    machine.ssh.put(work.daemon_files("harbor", "harbor --config=/opt/harbor/harbor.yml"))
    unit = texts.unit("harbor", "/usr/bin/docker-compose -f /opt/harbor/docker-compose.yml up")
    machine.ssh.put({"/etc/systemd/system/harbor.service": File.text(unit)})


def _settings(job: Job, machine: Machine) -> None:
    config = job.config
    host, _, port = config.registry.partition(":")
    pem = f"/etc/ssl/registry/ssl/{config.registry}"
    text = (
        f"# SIMULATED Harbor v2.4.1\nhostname: {host}\nhttp:\n  port: 80\nhttps:\n  port: {port or 443}\n"
        f"  certificate: {pem}.pem\n  private_key: {pem}-key.pem\n"
        f"harbor_admin_password: {json.dumps(config.registry_password)}\ndata_volume: {DATA}\n"
    )
    machine.ssh.put({"/opt/harbor/harbor.yml": File.text(text, 0o600)})


def _start(job: Job, machine: Machine) -> str:
    _, _, port = job.config.registry.partition(":")
    machine.ssh.run(f"mkdir -p {DATA}")
    work.start(machine, "harbor", int(port or 443))
    return "SIMULATED Harbor is started"


def created(job: Job) -> str:
    return f"\nLocal image registry created successfully. Address: {job.config.registry}\n"


# -- images ---------------------------------------------------------------------------------------------------


def push_modules(job: Job) -> list[Module]:
    def copy(_machine: Machine) -> None:
        try:
            _push_all(job)
        except RegistryError as error:
            raise RemoteFailed(f"copy images to {job.config.registry} failed: {error}") from error

    return [
        greetings(job.config),
        work.unarchive(job),
        Module(
            "CopyImagesToRegistryModule",
            [
                Task("Copy images to a private registry from an artifact OCI Path", copy),
                Task("Push multi-arch manifest to private registry"),
            ],
        ),
    ]


def layout_images(images: Path) -> dict[str, tuple[bytes, int]]:
    """{name:tag: (manifest, bytes)} of an OCI image layout."""
    index = json.loads((images / "index.json").read_text())
    found = {}
    for entry in index["manifests"]:
        name = entry["annotations"]["org.opencontainers.image.ref.name"]
        manifest = (images / "blobs" / entry["digest"].replace(":", "/")).read_bytes()
        found[name] = (manifest, sum(part["size"] for part in json.loads(manifest)["layers"]))
    return found


def _push_all(job: Job) -> None:
    client = RegistryClient(job.config)
    images = layout_images(job.images)
    for number, (name, (manifest, size)) in enumerate(sorted(images.items()), 1):
        image = f"{job.config.image_root}/{name}"
        if client.has(image):
            job.pipeline.say(f"[{number}/{len(images)}] {image} exists, skipped")
            continue
        job.pipeline.say(f"[{number}/{len(images)}] Source: oci:{job.images}:{name}  Destination: docker://{image}")
        pause(0.02)
        client.push(image, manifest, job.images / "blobs")
        job.pipeline.say(f"Copying blob done ({size} bytes, SIMULATED)\nWriting manifest to image destination")
