"""A lab: real OpenSSH servers, one a host, each in namespaces and a file system of its own. Needs root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lab import keeper, layout, machine, rootfs
from lab.base import ENVIRONMENT, BaseLab, HostStatus, Shape, public_key, quiet, wait_for_banner
from lab.errors import LabError
from lab.layout import Host
from lab.network import BRIDGE, GATEWAY, Network, lab_names, neighbours, port_name
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
# A running host that is silent for so long is broken, and `up` starts it again.
SILENT_SECONDS = 5.0


class Lab(BaseLab):
    """Several labs can be up at once; each finds its parts by its name and by its state directory's path."""

    def __init__(
        self, name: str = "default", shape: Shape | None = None, progress: Callable[[str], None] = quiet
    ) -> None:
        super().__init__(name, shape, progress)
        self.network = Network(name)

    @classmethod
    def names(cls) -> list[str]:
        return sorted({*super().names(), *lab_names()})

    @property
    def hosts(self) -> tuple[Host, ...]:
        prefix = self.network.prefix()
        if prefix is None:
            raise self._not_up()
        shape = self.shape
        planned = layout.plan_hosts(prefix, shape.masters, shape.workers, shape.disks)
        return tuple(replace(host, host_key=self._host_key(host.name)) for host in planned)

    def status(self) -> list[HostStatus]:
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

    def up(self) -> None:
        _need_root()
        if missing := rootfs.missing_tools():
            raise LabError(f"the lab needs {', '.join(missing)}", "run: python -m lab setup")
        lower = rootfs.ensure(self._progress)
        with locked_directory(self.paths.state):
            self._keep_shape()
            if self.network.number() is None:
                self._end_processes()  # hosts whose network is gone have lost their cables for good
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
        _need_root()
        with locked_directory(self.paths.state):
            for settings in self.paths.state.glob("hosts/*/host.json"):
                settings.unlink()  # so that no keeper begins that is not seen yet
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
        self._leave_no_empty_parent()

    def leftovers(self) -> list[str]:
        files = [f"files in {self.paths.state}"] if self.paths.state.exists() else []
        return self._leftovers_but_files() + files

    def power_off(self, name: str) -> None:
        with self._changing(name) as host:
            self._cut_power(host)

    def power_on(self, name: str) -> None:
        lower = rootfs.ensure(self._progress)
        with self._changing(name) as host:
            self._bring_up(host, self.hosts, lower, name in self._inits())

    def reboot(self, name: str) -> None:
        lower = rootfs.ensure(self._progress)
        with self._changing(name) as host:
            self._cut_power(host)
            self._bring_up(host, self.hosts, lower, False)

    def cut(self, name: str) -> None:
        with self._changing(name) as host:
            self.paths.cut_mark(name).touch()
            if name in self._inits():
                self.network.cut(host)

    def heal(self, name: str) -> None:
        with self._changing(name) as host:
            self.paths.cut_mark(name).unlink(missing_ok=True)
            if name in self._inits():
                self.network.heal(host)

    def exec_argv(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        self.host(name)
        pid = self._inits().get(name)
        if pid is None:
            raise LabError(f"{name} is off", f"python -m lab --name {self.name} on {name}")
        kinds = ["--mount", "--uts", "--ipc", "--net", "--pid"]
        if Path(f"/proc/{pid}/ns/time").exists():
            kinds.append("--time")
        words = [f"{key}={value}" for key, value in {**ENVIRONMENT, **(env or {})}.items()]
        return ["nsenter", "--target", str(pid), *kinds, "--", "env", "-i", "-C", "/root", *words, *argv]

    @contextmanager
    def _changing(self, name: str) -> Iterator[Host]:
        _need_root()
        host = self.host(name)
        with locked_directory(self.paths.state, shared=True), locked_directory(self.paths.host(name)):
            yield host

    def _make_store(self) -> None:
        """A place for upper directories: overlayfs takes none that lies on overlayfs itself."""
        store = self.paths.state / "hosts"
        store.mkdir(exist_ok=True)
        if file_system_type(store) == "overlay":
            run(["mount", "-t", "tmpfs", "-o", "mode=755", "lab", store])

    def _bring_up(self, host: Host, hosts: Sequence[Host], lower: Sequence[Path], running: bool) -> None:
        started = time.monotonic()
        is_cut = self.paths.cut_mark(host.name).exists()
        if running and not is_cut and not wait_for_banner(host.address, host.port, started + SILENT_SECONDS):
            self._progress(f"{host.name} {host.address} does not answer: starting it again")
            running = False
        if not running:
            self._start(host, hosts, lower)

        def is_there() -> bool:
            if is_cut:
                return host.name in self._inits()
            return wait_for_banner(host.address, host.port, time.monotonic() + 0.5)

        while not is_there():
            if time.monotonic() > started + BOOT_SECONDS or not self._pids(host.name):
                log = self.paths.host(host.name) / "keeper.log"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise LabError(f"{host.name} does not come up:\n{tail}", f"its log is {log}")
            time.sleep(0.02)
        if is_cut:
            self._progress(f"{host.name} {host.address} is cut off")
            return
        word = "is up" if running else f"up after {time.monotonic() - started:.1f} s"
        self._progress(f"{host.name} {host.address} {word}")

    def _start(self, host: Host, hosts: Sequence[Host], lower: Sequence[Path]) -> None:
        """Start the host's keeper, which leaves this process's children at once."""
        self._end_processes(host.name)
        home = self.paths.host(host.name)
        for part in ("upper", "work", "root", "proc", "own", "disks"):
            (home / part).mkdir(parents=True, exist_ok=True)
        (home / "upper").chmod(0o755)
        own_key = self.paths.key.with_suffix(".pub").read_text()
        machine.furnish(machine.Upper(home / "upper", lower[-1]), host, hosts, own_key)
        for name, text in machine.simulated_proc().items():
            (home / "proc" / name).write_text(text)
        start = uuid.uuid4().hex
        settings = self._settings(host, hosts, lower) | {"disks": self._attach_disks(host), "start": start}
        (home / "host.json").write_text(json.dumps(settings, indent=1))
        # A keeper that a killed `up` had just begun to start is seen here, or sees that another has its place.
        self._end_processes(host.name)
        package = str(Path(__file__).resolve().parent.parent)
        with (home / "keeper.log").open("wb") as log:
            subprocess.run(
                [sys.executable, "-m", "lab.keeper", start, str(self.paths.state), host.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                env={**ENVIRONMENT, "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"},
                check=True,
            )

    def _settings(self, host: Host, hosts: Sequence[Host], lower: Sequence[Path]) -> dict[str, object]:
        prefix = host.address.rsplit(".", 1)[0]
        gateway = Host("gateway", f"{prefix}.{GATEWAY}")
        others = [gateway, *(other for other in hosts if other.name != host.name)]
        earlier = self._earlier_lower(host.name)
        return {
            "namespace": self.network.namespace,
            "bridge": BRIDGE,
            "port": port_name(host),
            "mac": layout.mac_address(host.number, prefix),
            "address": host.address,
            "neighbours": neighbours(others, prefix, "eth0").splitlines(),
            "lower": earlier or [str(path) for path in lower],
        }

    def _earlier_lower(self, name: str) -> list[str]:
        """An upper directory goes with the lower ones that it was first mounted over."""
        path = self.paths.host(name) / "host.json"
        if not path.exists():
            return []
        lower: list[str] = json.loads(path.read_text())["lower"]
        return lower if all(Path(part).is_dir() for part in lower) else []

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
        return {argv[-1]: pid for pid, argv in self._own_processes() if keeper.INIT in argv}

    def _own_processes(self) -> list[tuple[int, tuple[str, ...]]]:
        """Keepers and inits: both end their command line with STATE HOST."""
        state = str(self.paths.state)
        found = [(p.pid, p.argv) for p in processes() if len(p.argv) >= 4 and p.argv[-2] == state]
        return [(pid, argv) for pid, argv in found if "lab.keeper" in argv or keeper.INIT in argv]

    def _pids(self, name: str | None = None) -> list[int]:
        return [pid for pid, argv in self._own_processes() if name in (None, argv[-1])]

    def _end_processes(self, name: str | None = None) -> None:
        """Kill one host's processes or all; with a host's process 1 the kernel kills the rest of it."""

        def killed() -> bool:
            pids = self._pids(name)
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
        return public_key(self.paths.upper(name) / "etc/ssh/ssh_host_ed25519_key.pub")


def _need_root() -> None:
    if os.geteuid():
        raise LabError("namespaces, mounts and loop devices need root", "run it as root, or use lab.plain.PlainLab")
