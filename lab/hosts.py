"""A lab: real OpenSSH servers, one a host, each in namespaces and a file system of its own. Needs root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab import layout, machine, rootfs
from lab.errors import LabError
from lab.layout import Host, Paths
from lab.network import BRIDGE, GATEWAY, Network, neighbours, port_name, wait_for_banner
from lab.system import (
    file_system_type,
    kill,
    locked_directory,
    loop_devices_below,
    mounts_below,
    poll,
    processes,
    run,
)

BOOT_SECONDS = 30.0
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": os.environ.get("TERM", "dumb"),
}


def quiet(_line: str) -> None:
    """A progress function that says nothing."""


@dataclass(frozen=True)
class Shape:
    """How many hosts a lab has, and raw disks a worker."""

    masters: int = 3
    workers: int = 3
    disks: int = 1


@dataclass(frozen=True)
class HostStatus:
    """One line of `status`. `state` is up, cut, off, or silent (runs, and its SSH server does not answer)."""

    name: str
    address: str
    port: int
    state: str
    pid: int | None
    boot_id: str
    disks: tuple[str, ...]


class Lab:
    """The lab `name`. Several labs can be up at once; each finds its parts by its name and its state's path.

    :param shape: None takes what the lab was made with, or six hosts for a new one
    :param progress: called with a line of text when something has been done
    """

    def __init__(
        self, name: str = "default", shape: Shape | None = None, progress: Callable[[str], None] = quiet
    ) -> None:
        self.name = layout.check_name(name)
        self.paths = Paths(layout.state_path(name))
        self.network = Network(name)
        self._wanted_shape = shape
        self._progress = progress

    # What it is

    @property
    def shape(self) -> Shape:
        if self.paths.shape.exists():
            return Shape(**json.loads(self.paths.shape.read_text()))
        return self._wanted_shape or Shape()

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All hosts, masters first; raises LabError while the lab has no network."""
        prefix = self.network.prefix()
        if prefix is None:
            raise LabError(f"lab {self.name} is not up", f"python -m lab --name {self.name} up")
        shape = self.shape
        planned = layout.plan_hosts(prefix, shape.masters, shape.workers, shape.disks)
        return tuple(replace(host, host_key=self._host_key(host.name)) for host in planned)

    def host(self, name: str) -> Host:
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(
            f"lab {self.name} has no host {name}", f"one of {', '.join(h.name for h in self.hosts)}"
        )

    @property
    def key_path(self) -> Path:
        """Private key that logs in to every host as root, ops and deploy."""
        return self.paths.key

    @property
    def known_hosts_path(self) -> Path:
        return self.paths.known_hosts

    def config_text(self) -> str:
        """The installation guide's sample configuration with this lab's addresses and key."""
        return layout.config_text(self.hosts, self.key_path)

    def status(self) -> list[HostStatus]:
        """State of every host as it is now; empty when the lab is not up."""
        if self.network.prefix() is None:
            return []
        hosts, inits = self.hosts, self._inits()
        cut = self.network.cut_hosts(hosts)

        def look(host: Host) -> HostStatus:
            pid = inits.get(host.name)
            if pid is None:
                state = "off"
            elif host.name in cut:
                state = "cut"
            else:
                state = "up" if wait_for_banner(host.address, host.port, time.monotonic() + 1) else "silent"
            boot_id = (self.paths.host(host.name) / "proc" / "boot_id").read_text().strip() if pid else ""
            return HostStatus(host.name, host.address, host.port, state, pid, boot_id, host.disks)

        with ThreadPoolExecutor(len(hosts)) as pool:
            return list(pool.map(look, hosts))

    # What is done to it

    def up(self) -> None:
        """Start what is not running, whatever state the lab is in; return when every host's SSH server answers."""
        _need_root()
        if missing := rootfs.missing_tools():
            raise LabError(f"the lab needs {', '.join(missing)}", "run: python -m lab setup")
        lower = rootfs.ensure(self._progress)
        with locked_directory(self.paths.state):
            self._keep_shape()
            prefix = self.network.up()
            self._progress(f"network {prefix}.0/24")
            self._make_store()
            self._make_key()
            self.network.know(self.hosts)
            hosts = self.hosts
            inits = self._inits()
            with ThreadPoolExecutor(min(16, len(hosts))) as pool:
                for _ in pool.map(lambda host: self._bring_up(host, hosts, lower, host.name in inits), hosts):
                    pass
            self._write_known_hosts()

    def down(self) -> None:
        """Remove everything of the lab but the cache, whatever state it is in; raise LabError naming what stays."""
        _need_root()
        with locked_directory(self.paths.state):
            for _ in range(3):
                self._end_processes()
                self.network.down()
                for point in mounts_below(self.paths.state):
                    run(["umount", "--lazy", point], check=False)
                self._detach_disks()
                if not self._leftovers_but_files():
                    break
            if left := self._leftovers_but_files():
                raise LabError(f"lab {self.name} is not down, still there: {'; '.join(left)}")
            shutil.rmtree(self.paths.state)
        if "SANQIAN_LAB_DIR" not in os.environ and not any(self.paths.state.parent.iterdir()):
            self.paths.state.parent.rmdir()

    def leftovers(self) -> list[str]:
        """All that exists of this lab on the machine: processes, mounts, network, loop devices, files."""
        files = [f"files in {self.paths.state}"] if self.paths.state.exists() else []
        return self._leftovers_but_files() + files

    def power_off(self, name: str) -> None:
        """As by pulling the plug: no process of the host gets to say anything to anybody."""
        with self._changing(name) as host:
            self._cut_power(host)

    def power_on(self, name: str) -> None:
        """Start a host that is off."""
        lower = rootfs.ensure(self._progress)
        with self._changing(name) as host:
            self._bring_up(host, self.hosts, lower, name in self._inits())

    def reboot(self, name: str) -> None:
        """Pull the plug and start again: new boot id, same disks and files; return when SSH answers."""
        lower = rootfs.ensure(self._progress)
        with self._changing(name) as host:
            self._cut_power(host)
            self._bring_up(host, self.hosts, lower, False)

    def cut(self, name: str) -> None:
        """Drop the host's packets both ways, silently: connections stay half-open. It outlasts a reboot."""
        with self._changing(name) as host:
            self.paths.cut_mark(name).touch()
            if name in self._inits():
                self.network.cut(host)

    def heal(self, name: str) -> None:
        """Take back `cut`."""
        with self._changing(name) as host:
            self.paths.cut_mark(name).unlink(missing_ok=True)
            if name in self._inits():
                self.network.heal(host)

    def exec_argv(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The command that runs `argv` inside the host as root, without SSH, with stdin and exit code passed on."""
        self.host(name)
        pid = self._inits().get(name)
        if pid is None:
            raise LabError(f"{name} is off", f"python -m lab --name {self.name} on {name}")
        kinds = ["--mount", "--uts", "--ipc", "--net", "--pid"]
        if Path(f"/proc/{pid}/ns/time").exists():
            kinds.append("--time")
        words = [f"{key}={value}" for key, value in {**ENVIRONMENT, **(env or {})}.items()]
        return ["nsenter", "--target", str(pid), *kinds, "--", "env", "-i", "-C", "/root", *words, *argv]

    def exec(
        self,
        name: str,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout: float | None = 60,
        check: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `argv` inside the host as root, without SSH.

        :raises LabError: the host is off, or `check` is set and the command failed
        :raises subprocess.TimeoutExpired: after `timeout` seconds
        """
        words = self.exec_argv(name, argv, env)
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout, check=False)
        if check and done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise LabError(f"on {name}: {' '.join(argv)} failed with {done.returncode}: {said}")
        return done

    # How

    @contextmanager
    def _changing(self, name: str) -> Iterator[Host]:
        _need_root()
        host = self.host(name)
        with locked_directory(self.paths.state, shared=True), locked_directory(self.paths.host(name)):
            yield host

    def _keep_shape(self) -> None:
        if self._wanted_shape and self.paths.shape.exists() and self.shape != self._wanted_shape:
            raise LabError(
                f"lab {self.name} is there already, as {self.shape}",
                f"python -m lab --name {self.name} down, or another --name",
            )
        text = json.dumps(self.shape.__dict__)
        self.paths.shape.write_text(text)

    def _make_store(self) -> None:
        """A place for upper directories: overlayfs takes none that lies on overlayfs itself."""
        store = self.paths.state / "hosts"
        store.mkdir(exist_ok=True)
        if file_system_type(store) == "overlay":
            run(["mount", "-t", "tmpfs", "-o", "mode=755", "lab", store])

    def _make_key(self) -> None:
        if not self.paths.key.with_suffix(".pub").exists():
            self.paths.key.unlink(missing_ok=True)
            comment = f"lab {self.name}"
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", self.paths.key])

    def _bring_up(self, host: Host, hosts: Sequence[Host], lower: Sequence[Path], running: bool) -> None:
        started = time.monotonic()
        keeper = None if running else self._start(host, hosts, lower)
        if self.paths.cut_mark(host.name).exists():
            self._progress(f"{host.name} {host.address} is cut off")
            return
        deadline = started + BOOT_SECONDS
        while not wait_for_banner(host.address, host.port, min(deadline, time.monotonic() + 0.5)):
            dead = keeper is not None and keeper.poll() is not None
            if dead or time.monotonic() > deadline:
                log = self.paths.host(host.name) / "keeper.log"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
                raise LabError(f"{host.name} does not come up:\n{tail}", f"its log is {log}")
        word = "is up" if running else f"up after {time.monotonic() - started:.1f} s"
        self._progress(f"{host.name} {host.address} {word}")

    def _start(self, host: Host, hosts: Sequence[Host], lower: Sequence[Path]) -> subprocess.Popen[bytes]:
        self._end_processes(host.name)
        home = self.paths.host(host.name)
        for part in ("upper", "work", "root", "proc", "own", "disks"):
            (home / part).mkdir(parents=True, exist_ok=True)
        (home / "upper").chmod(0o755)
        public_key = self.paths.key.with_suffix(".pub").read_text()
        machine.furnish(machine.Upper(home / "upper", lower[-1]), host, hosts, public_key)
        for name, text in machine.simulated_proc().items():
            (home / "proc" / name).write_text(text)
        settings = self._settings(host, hosts, lower) | {"disks": self._attach_disks(host)}
        (home / "host.json").write_text(json.dumps(settings, indent=1))
        package = str(Path(__file__).resolve().parent.parent)
        with (home / "keeper.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "lab.keeper", str(self.paths.state), host.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                env={**ENVIRONMENT, "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"},
            )

    def _settings(self, host: Host, hosts: Sequence[Host], lower: Sequence[Path]) -> dict[str, object]:
        prefix = host.address.rsplit(".", 1)[0]
        gateway = Host("gateway", f"{prefix}.{GATEWAY}")
        others = [gateway, *(other for other in hosts if other.name != host.name)]
        return {
            "namespace": self.network.namespace,
            "bridge": BRIDGE,
            "port": port_name(host),
            "mac": layout.mac_address(host.number, prefix),
            "address": host.address,
            "neighbours": neighbours(others, prefix, "eth0").splitlines(),
            "lower": [str(path) for path in lower],
        }

    def _cut_power(self, host: Host) -> None:
        if host.name in self._inits():
            self.network.cut(host)
        self._end_processes(host.name)

    def _attach_disks(self, host: Host) -> dict[str, dict[str, str]]:
        attached = {file: device for device, file in loop_devices_below(self.paths.host(host.name)).items()}
        disks = {}
        for disk in host.disks:
            name = Path(disk).name
            file = self.paths.disk(host.name, name)
            if not file.exists():
                with file.open("wb") as image:
                    image.truncate(layout.DISK_BYTES)
            device = attached.get(file) or run(["losetup", "--find", "--show", file]).stdout.strip()
            disks[name] = {"device": device, "id": f"virtio-SIMULATED-{host.name}-{name}"}
        return disks

    def _detach_disks(self) -> None:
        for device in loop_devices_below(self.paths.state):
            run(["losetup", "--detach", device], check=False)
        deadline = time.monotonic() + 5
        while loop_devices_below(self.paths.state) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _inits(self) -> dict[str, int]:
        """{host: pid of its process 1}."""
        return {argv[-1]: pid for pid, argv in self._own_processes() if "/usr/lib/lab/init" in argv}

    def _own_processes(self) -> list[tuple[int, tuple[str, ...]]]:
        """Keepers and inits: both end their command line with STATE HOST."""
        state = str(self.paths.state)
        return [(p.pid, p.argv) for p in processes() if len(p.argv) >= 4 and p.argv[-2] == state]

    def _end_processes(self, name: str | None = None) -> None:
        """Kill one host's processes or all; with a host's process 1 the kernel kills the rest of it."""

        def left() -> list[int]:
            return [pid for pid, argv in self._own_processes() if name in (None, argv[-1])]

        def killed() -> bool:
            pids = left()
            for pid in pids:
                kill(pid, signal.SIGKILL)
            return not pids

        poll(killed, 15, f"ending the processes of {name or self.name}")

    def _leftovers_but_files(self) -> list[str]:
        state = self.paths.state
        return [
            *(f"process {pid}: {' '.join(argv)}" for pid, argv in self._own_processes()),
            *(f"mount {point}" for point in mounts_below(state, everywhere=True)),
            *self.network.leftovers(),
            *(f"loop device {device} of {file}" for device, file in loop_devices_below(state).items()),
        ]

    def _host_key(self, name: str) -> str:
        path = self.paths.upper(name) / "etc/ssh/ssh_host_ed25519_key.pub"
        return " ".join(path.read_text().split()[:2]) if path.exists() else ""

    def _write_known_hosts(self) -> None:
        lines = [f"{host.address} {host.host_key}\n" for host in self.hosts]
        self.paths.known_hosts.write_text("".join(lines))


def _need_root() -> None:
    if os.geteuid():
        raise LabError("namespaces, mounts and loop devices need root", "run it as root, or see lab.plain")
