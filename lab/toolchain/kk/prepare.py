"""The modules that make hosts ready: checks, confirmation, packages, operating system, container runtime."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lab.toolchain.kk import system, texts
from lab.toolchain.kk.config import Host
from lab.toolchain.kk.pipeline import Machine, Module, PipelineFailed, Skip, Task
from lab.toolchain.kk.registry_client import RegistryClient, RegistryError
from lab.toolchain.kk.remote import File, RemoteFailed
from lab.toolchain.kk.work import Job

CHECKED = [
    "sudo",
    "curl",
    "openssl",
    "ebtables",
    "socat",
    "ipset",
    "ipvsadm",
    "conntrack",
    "chrony",
    "docker",
    "containerd",
]
REQUIRED = ("conntrack", "socat")
# Those of a package may be found by its name only: the lab's packages are small.
_CHECK = (
    "for t in {tools}; do if command -v $t >/dev/null 2>&1; then echo $t y; else echo $t -; fi; done; date +'time %T'"
)


def checks(job: Job, hosts: Sequence[Host]) -> list[Module]:
    """A pre-check of all hosts, its table, and the question whether to go on."""
    found: dict[str, dict[str, str]] = {}

    def look(machine: Machine) -> None:
        said = machine.ssh.run(_CHECK.format(tools=" ".join(CHECKED)))
        found[machine.name] = dict(line.split(" ", 1) for line in said.splitlines())

    def confirm(_machine: Machine) -> None:
        columns = ["name", *CHECKED, "time"]
        rows = [[host.name, *(found[host.name].get(c, "").replace("-", "") for c in columns[1:])] for host in hosts]
        job.pipeline.say(table(columns, rows))
        missing = [(h.name, tool) for h in hosts for tool in REQUIRED if found[h.name].get(tool) != "y"]
        if missing and not job.with_packages:
            listing = "\n".join(f"{name}: {tool} is required. " for name, tool in missing)
            raise RemoteFailed(f"{listing}\nInstall them, or use --with-packages with an artifact that has them.")
        ask(job, "Continue this installation? [yes/no]: ")

    return [
        Module("NodePreCheckModule", [Task("A pre-check on nodes", look, hosts, 0.2)]),
        Module("ConfirmModule", [Task("Display confirmation form", confirm, None, 0)]),
    ]


def ask(job: Job, question: str) -> None:
    """Raises `PipelineFailed` unless the answer is yes; -y answers for the user."""
    if job.yes:
        return
    sys.stdout.write(question)
    sys.stdout.flush()
    answer = sys.stdin.readline().strip().lower()
    if answer not in ("yes", "y"):
        raise PipelineFailed(f"{question.split('?')[0]}: the answer was {answer or 'missing'}; -y goes on without it")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(str(cell)) for cell in column) + 2 for column in zip(columns, *rows, strict=True)]
    rule = "+" + "+".join("-" * width for width in widths) + "+"
    line = lambda cells: "|" + "|".join(f" {cell:<{w - 1}}" for cell, w in zip(cells, widths, strict=True)) + "|"  # noqa: E731
    return "\n".join([rule, line(columns), rule, *map(line, rows), rule])


def packages(job: Job, hosts: Sequence[Host]) -> list[Module]:
    if not job.with_packages:
        return []

    def sync(machine: Machine) -> None:
        files = {f"/tmp/kubekey/packages/{path.name}": File(path.read_bytes()) for path in job.packages.glob("*.deb")}
        if not files:
            raise RemoteFailed(f"no packages in {job.packages}")
        machine.ssh.put(files)

    def install(machine: Machine) -> None:
        machine.ssh.run("dpkg --skip-same-version -i /tmp/kubekey/packages/*.deb && rm -rf /tmp/kubekey/packages")

    tasks = [
        Task("Get OS release", lambda machine: machine.ssh.run(". /etc/os-release; echo $PRETTY_NAME"), hosts),
        Task("Sync repository iso file to all nodes", sync, hosts, 0.1),
        Task("Install packages by dpkg", install, hosts, 0.3),
    ]
    return [Module("RepositoryModule", tasks)]


def binaries(job: Job) -> Module:
    def check(_machine: Machine) -> str:
        names = sorted(p.relative_to(job.directory / "kube").as_posix() for p in (job.directory / "kube").rglob("*"))
        return "\n".join(f"{name} is existed" for name in names if name.count("/") >= 2)

    return Module("NodeBinariesModule", [Task("Check the binaries of the artifact", check, None, 0.1)])


def operating_system(job: Job, hosts: Sequence[Host]) -> Module:
    script = "/usr/local/bin/kube-scripts/initOS.sh"

    def generate(machine: Machine) -> None:
        machine.ssh.put({script: File.text(texts.init_os(job.config), 0o755)})
        if not machine.ssh.ok("command -v systemctl"):
            machine.ssh.put({"/usr/local/bin/systemctl": File.text(texts.SYSTEMCTL, 0o755)})

    return Module(
        "ConfigureOSModule",
        [
            Task("Get OS release", None, hosts),
            Task("Prepare to init OS", None, hosts, 0.1),
            Task("Generate init os script", generate, hosts),
            Task("Exec init os script", lambda machine: machine.ssh.run(script) or None, hosts, 0.3),
        ],
    )


def container_runtime(job: Job, hosts: Sequence[Host]) -> Module:
    def sync(machine: Machine) -> None:
        if machine.ssh.ok("command -v containerd && test -s /etc/containerd/config.toml"):
            raise Skip
        versions = {"containerd": "1.6.4", "containerd-shim-runc-v2": "1.6.4", "ctr": "1.6.4", "runc": "1.1.1"}
        files = {
            f"/usr/bin/{name}": File.text(texts.shell_stub(name, version), 0o755)
            for name, version in {**versions, "crictl": "v1.24.0"}.items()
        }
        unit = texts.unit("containerd", "/usr/bin/containerd")
        machine.ssh.put({**files, "/etc/systemd/system/containerd.service": File.text(unit)})

    def configure(machine: Machine) -> None:
        files = {"/etc/containerd/config.toml": texts.containerd(job.config), "/etc/crictl.yaml": texts.CRICTL}
        machine.ssh.put({path: File.text(text) for path, text in files.items()})

    return Module(
        "InstallContainerModule",
        [
            Task("Sync containerd binaries", sync, hosts, 0.2),
            Task("Generate containerd config", configure, hosts),
            Task("Enable containerd", None, hosts, 0.2),
            Task("Generate crictl config", None, hosts),
        ],
    )


def pull(job: Job, hosts: Sequence[Host]) -> Module:
    """Ask the registry for every image that a host needs. Fails as kk does when one is missing."""

    def look(machine: Machine) -> str:
        names = list(system.PULLED_BY_ALL)
        if machine.host in job.config.masters:
            names += system.PULLED_BY_MASTERS
        wanted = [system.image(job.config, name, job.config.version) for name in names]
        try:
            client = RegistryClient(job.config)
            for image in wanted:
                client.need(image)
        except RegistryError as error:
            raise RemoteFailed(f"pull image failed: {error}") from error
        return "\n".join(f"downloading image: {image}" for image in wanted)

    return Module("PullModule", [Task("Start to pull images on all nodes", look, hosts, 0.8)])
