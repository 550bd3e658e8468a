"""A lab without root: one sshd of the current user a host, on addresses of the loopback network."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from lab import layout
from lab.base import BaseLab, HostStatus, make_key, public_key, wait_for_banner
from lab.errors import LabError
from lab.layout import Host
from lab.system import kill, locked_directory, poll, processes

PREFIX = "127.0.1"
PORTS = range(20000, 28000)
LIMITS = (
    "without root the hosts are sshd processes of the current user on this machine: they share its file system, "
    "processes, hostname and network, log in as that user without sudo, have no disks, GPUs, CPUs or memory of their "
    "own, and cannot be cut off, powered off or rebooted"
)
MARK = "SANQIAN_LAB"


class PlainLab(BaseLab):
    """Hosts at 127.0.1.11 and on, all at one port of the lab's own. `LIMITS` says what they cannot do."""

    privileged = False

    @property
    def hosts(self) -> tuple[Host, ...]:
        port_file = self.paths.state / "port"
        if not port_file.exists():
            raise self._not_up()
        shape, port, user = self.shape, int(port_file.read_text()), getpass.getuser()
        planned = layout.plan_hosts(PREFIX, shape.masters, shape.workers, 0)
        return tuple(
            replace(host, port=port, user=user, host_key=public_key(self._file(host, "host_key.pub")))
            for host in planned
        )

    def up(self) -> None:
        sshd = _sshd()
        self._progress(f"note: {LIMITS}")
        with locked_directory(self.paths.state):
            self.paths.state.chmod(0o700)
            self._keep_shape()
            self._make_key()
            public = self.paths.key.with_suffix(".pub").read_text()
            (self.paths.state / "authorized_keys").write_text(public)
            if not (self.paths.state / "port").exists():
                (self.paths.state / "port").write_text(str(self._free_port()))
            running = self._listeners()
            for host in self.hosts:
                if host.name not in running:
                    self._start(host, sshd)
            for host in self.hosts:
                if not wait_for_banner(host.address, host.port, time.monotonic() + 10):
                    log = self._file(host, "sshd.log")
                    said = log.read_text(errors="replace")[-1000:] if log.exists() else ""
                    raise LabError(f"{host.name} does not come up:\n{said}", f"its log is {log}")
                self._progress(f"{host.name} {host.address}:{host.port} is up")
            self._write_known_hosts()

    def down(self) -> None:
        with locked_directory(self.paths.state):

            def killed() -> bool:
                pids = self._pids()
                for pid in pids:
                    kill(pid, signal.SIGKILL)
                return not pids

            poll(killed, 15, f"ending the processes of {self.name}")
            shutil.rmtree(self.paths.state)
        self._leave_no_empty_parent()

    def leftovers(self) -> list[str]:
        files = [f"files in {self.paths.state}"] if self.paths.state.exists() else []
        return [f"process {pid}" for pid in self._pids()] + files

    def status(self) -> list[HostStatus]:
        if not (self.paths.state / "port").exists():
            return []
        rows, running = [], self._listeners()
        for host in self.hosts:
            pid, state = running.get(host.name), "off"
            if pid is not None:
                answers = wait_for_banner(host.address, host.port, time.monotonic() + 0.5)
                state = "up" if answers else "silent"
            rows.append(HostStatus(host.name, host.address, host.port, state, pid, "", ()))
        return rows

    def exec_argv(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        self.host(name)
        words = [f"{key}={value}" for key, value in {"LAB_HOST": name, **(env or {})}.items()]
        return ["env", *words, *argv]

    def power_off(self, name: str) -> NoReturn:
        self._cannot("power off", name)

    def power_on(self, name: str) -> NoReturn:
        self._cannot("power on", name)

    def reboot(self, name: str) -> NoReturn:
        self._cannot("reboot", name)

    def cut(self, name: str) -> NoReturn:
        self._cannot("cut off", name)

    def heal(self, name: str) -> NoReturn:
        self._cannot("heal", name)

    def _cannot(self, what: str, name: str) -> NoReturn:
        self.host(name)
        raise LabError(f"cannot {what} {name}: {LIMITS}", "run the lab as root")

    def _file(self, host: Host, name: str) -> Path:
        return self.paths.host(host.name) / name

    def _free_port(self) -> int:
        shape = self.shape
        addresses = [host.address for host in layout.plan_hosts(PREFIX, shape.masters, shape.workers, 0)]
        first = zlib.crc32(self.name.encode())
        for step in range(len(PORTS)):
            port = PORTS[(first + step) % len(PORTS)]
            if all(_can_bind(address, port) for address in addresses):
                return port
        raise LabError(f"no free port from {PORTS.start} to {PORTS.stop}", "take down another lab")

    def _start(self, host: Host, sshd: str) -> None:
        home = self.paths.host(host.name)
        # A home of its own: what the user's start-up files do is nothing that a lab host should wait for, or kill.
        (home / "home").mkdir(parents=True, exist_ok=True)
        key = home / "host_key"
        if not key.with_suffix(".pub").exists():
            key.unlink(missing_ok=True)
            make_key(key, "ed25519", f"lab {host.name}")
        config = home / "sshd_config"
        config.write_text(
            f"ListenAddress {host.address}:{host.port}\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"AuthorizedKeysFile {self.paths.state}/authorized_keys\nPasswordAuthentication no\nUseDNS no\n"
            f"KbdInteractiveAuthentication no\nMaxStartups 200\nMaxSessions 100\nSubsystem sftp internal-sftp\n"
            f"SetEnv LAB_HOST={host.name} {MARK}={self.paths.state} HOME={home}/home\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as Debian's own service does
        with (home / "sshd.log").open("wb") as log:
            subprocess.run(
                [sshd, "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    def _listeners(self) -> dict[str, int]:
        """{host: pid of its sshd}, known by its configuration file."""
        found = {}
        for process in processes():
            words = " ".join(process.argv).split(" ")  # sshd rewrites its command line into one word
            for host in self.hosts:
                if "[listener]" in words and str(self._file(host, "sshd_config")) in words:
                    found[host.name] = process.pid
        return found

    def _pids(self) -> set[int]:
        """The servers, all that descends from them, and what their sessions left, known by its environment."""
        found = set(self._listeners().values()) if (self.paths.state / "port").exists() else set()
        names, parents = {}, {}
        mark = f"\0{MARK}={self.paths.state}\0".encode()
        for process in Path("/proc").glob("[0-9]*"):
            pid = int(process.name)
            try:
                names[pid], after_name = (process / "stat").read_text(errors="replace").rsplit(") ", 1)
                parents[pid] = int(after_name.split(" ")[1])
                if pid != os.getpid() and mark in b"\0" + (process / "environ").read_bytes():
                    found.add(pid)
            except OSError:  # it has ended, or is not ours to look into
                continue
        # A session whose server was killed is no one's child any more, but a parent still.
        found |= {parents[pid] for pid in found if names.get(parents.get(pid, 0), "").endswith("(sshd")}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found


def _sshd() -> str:
    path = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None or shutil.which("ssh-keygen") is None:
        raise LabError("the lab needs openssh-server and openssh-client", "as root: python -m lab setup")
    return path


def _can_bind(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
