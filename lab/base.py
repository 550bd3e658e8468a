"""What both kinds of lab share: names, addresses, keys, the sample configuration."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import layout
from lab.errors import LabError
from lab.layout import Host, Paths
from lab.system import run

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


class BaseLab(ABC):
    """A lab by its name.

    :param shape: None takes what the lab was made with, or six hosts for a new one
    :param progress: called with a line of text when something has been done
    """

    privileged = True

    def __init__(
        self, name: str = "default", shape: Shape | None = None, progress: Callable[[str], None] = quiet
    ) -> None:
        self.name = layout.check_name(name)
        self.paths = Paths(layout.state_path(name, privileged=self.privileged))
        self._wanted_shape = shape
        self._progress = progress

    @classmethod
    def names(cls) -> list[str]:
        """Names of all labs that the machine has something of, up or not."""
        states = layout.state_path("any", privileged=cls.privileged).parent
        return sorted(path.name for path in states.glob("*/"))

    @property
    @abstractmethod
    def hosts(self) -> tuple[Host, ...]:
        """All hosts, masters first; raises LabError while the lab has none."""

    @abstractmethod
    def up(self) -> None:
        """Start what is not running, whatever state the lab is in; return when SSH answers on all hosts."""

    @abstractmethod
    def down(self) -> None:
        """Remove all of the lab but the cache, whatever state it is in; raise LabError naming what stays."""

    @abstractmethod
    def status(self) -> list[HostStatus]:
        """State of every host as it is now; empty when the lab is not up."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """All that exists of this lab on the machine: processes, mounts, network, loop devices, files."""

    @abstractmethod
    def exec_argv(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The command that runs `argv` in the host without SSH; stdin and exit code are passed on."""

    @abstractmethod
    def power_off(self, name: str) -> None:
        """As by pulling the plug: no process of the host gets to say anything to anybody."""

    @abstractmethod
    def power_on(self, name: str) -> None:
        """Start a host that is off; return when SSH answers."""

    @abstractmethod
    def reboot(self, name: str) -> None:
        """Pull the plug and start again: new boot id, same disks and files; return when SSH answers."""

    @abstractmethod
    def cut(self, name: str) -> None:
        """Drop the host's packets both ways, silently: connections stay half-open. It outlasts a reboot."""

    @abstractmethod
    def heal(self, name: str) -> None:
        """Take back `cut`."""

    @property
    def shape(self) -> Shape:
        if self.paths.shape.exists():
            return Shape(**json.loads(self.paths.shape.read_text()))
        return self._wanted_shape or Shape()

    @property
    def key_path(self) -> Path:
        """Private key that logs in to every host."""
        return self.paths.key

    @property
    def known_hosts_path(self) -> Path:
        """Host keys in OpenSSH's known_hosts format, written by `up`."""
        return self.paths.known_hosts

    def host(self, name: str) -> Host:
        """One host; raises LabError when there is none of that name."""
        hosts = self.hosts
        for host in hosts:
            if host.name == name:
                return host
        raise LabError(f"lab {self.name} has no host {name}", f"one of {', '.join(h.name for h in hosts)}")

    def config_text(self) -> str:
        """The installation guide's sample configuration with this lab's addresses and key."""
        return layout.config_text(self.hosts, self.key_path)

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
        """Run `argv` in the host without SSH, as root where the lab has it.

        :raises LabError: the host is off, or `check` is set and the command failed
        :raises subprocess.TimeoutExpired: after `timeout` seconds
        """
        words = self.exec_argv(name, argv, env)
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout, check=False)
        if check and done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise LabError(f"on {name}: {' '.join(argv)} failed with {done.returncode}: {said}")
        return done

    def _leave_no_empty_parent(self) -> None:
        if "SANQIAN_LAB_DIR" not in os.environ:
            with contextlib.suppress(OSError):  # another lab lives there
                self.paths.state.parent.rmdir()

    def _not_up(self) -> LabError:
        return LabError(f"lab {self.name} is not up", f"python -m lab --name {self.name} up")

    def _keep_shape(self) -> None:
        if self._wanted_shape and self.paths.shape.exists() and self.shape != self._wanted_shape:
            raise LabError(
                f"lab {self.name} is there already, as {self.shape}",
                f"python -m lab --name {self.name} down, or another --name",
            )
        # Whole or not at all: an `up` that is killed here is finished by the next one.
        new = self.paths.shape.with_suffix(".new")
        new.write_text(json.dumps(self.shape.__dict__))
        new.replace(self.paths.shape)

    def _make_key(self) -> None:
        if not self.paths.key.with_suffix(".pub").exists():
            self.paths.key.unlink(missing_ok=True)
            make_key(self.paths.key, "ed25519", f"lab {self.name}")

    def _write_known_hosts(self) -> None:
        lines = [
            f"{host.address if host.port == 22 else f'[{host.address}]:{host.port}'} {host.host_key}\n"
            for host in self.hosts
        ]
        self.paths.known_hosts.write_text("".join(lines))


def make_key(path: Path, kind: str, comment: str) -> None:
    """Write an SSH key pair without passphrase to `path` and `path`.pub."""
    run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", path])


def public_key(path: Path) -> str:
    """Type and key of a .pub file without its comment; empty when there is none."""
    return " ".join(path.read_text().split()[:2]) if path.exists() else ""


def wait_for_banner(address: str, port: int, deadline: float) -> bool:
    """Whether an SSH server greets at `address` before time.monotonic() reaches `deadline`."""
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection((address, port), timeout=min(left, 1)) as connection:
                connection.settimeout(min(left, 2))
                if connection.recv(8).startswith(b"SSH-"):
                    return True
        except OSError:
            pass
        time.sleep(0.02)
    return False
