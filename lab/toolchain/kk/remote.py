"""One host over OpenSSH: a kept master connection, commands as root, files in one tar stream."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.toolchain.common import faults
from lab.toolchain.kk.config import Host

# kk itself checks no host keys, and waits out a broken network for as long as TCP does; here for two minutes.
OPTIONS = [
    "-oStrictHostKeyChecking=no",
    "-oUserKnownHostsFile=/dev/null",
    "-oLogLevel=ERROR",
    "-oConnectTimeout=10",
    "-oServerAliveInterval=15",
    "-oServerAliveCountMax=8",
]
_UNTAR = "tar -xpf - -C / --no-overwrite-dir"


class RemoteFailed(Exception):
    """A command ended with another code than 0, or the host could not be reached."""


@dataclass(frozen=True)
class File:
    """What a file on a host is to hold."""

    data: bytes
    mode: int = 0o644

    @classmethod
    def text(cls, text: str, mode: int = 0o644) -> File:
        return cls(text.encode(), mode)


def tar_of(files: Mapping[str, File]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, file in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(file.data), file.mode
            archive.addfile(member, io.BytesIO(file.data))
    return out.getvalue()


class Remote:
    """A host of the configuration. Every method raises `RemoteFailed`."""

    def __init__(self, host: Host, scratch: Path) -> None:
        self.host = host
        self.socket = scratch / f"{host.name[:40]}.ssh"
        self.askpass = scratch / "askpass"
        self.lock = threading.Lock()
        self.sudo: list[str] | None = None
        self.half = False  # a fault: die after half of the next files

    def _environment(self) -> dict[str, str]:
        found = dict(os.environ)
        if self.host.password:
            if not self.askpass.exists():
                self.askpass.write_text('#!/bin/sh\nprintf "%s\\n" "$KK_SSH_PASSWORD"\n')
                self.askpass.chmod(0o700)
            found |= {
                "SSH_ASKPASS": str(self.askpass),
                "SSH_ASKPASS_REQUIRE": "force",
                "KK_SSH_PASSWORD": self.host.password,
            }
        return found

    def open(self) -> list[str]:
        """Log in, again where the connection has ended meanwhile; returns the words that make a command root's."""
        with self.lock:
            if self.sudo is not None and self.socket.exists():
                return self.sudo
            host = self.host
            login = ["-i", host.key, "-o", "IdentitiesOnly=yes"] if host.key and Path(host.key).is_file() else []
            if not host.password:
                login += ["-o", "BatchMode=yes"]
            # The master must not hold this program's output open: whoever reads it would wait for the master.
            kept = ["-M", "-S", str(self.socket), "-oControlPersist=60", "-f", "-N"]
            done = subprocess.run(
                ["ssh", *OPTIONS, *login, *kept, "-p", str(host.port), f"{host.user}@{host.address}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.socket.with_suffix(".err").open("wb"),
                env=self._environment(),
                check=False,
            )
            if done.returncode:
                why = self.socket.with_suffix(".err").read_text(errors="replace").strip()
                raise RemoteFailed(
                    f"Failed to connect to {host.address}: could not establish connection to "
                    f"{host.address}:{host.port}: {why or 'ssh: handshake failed'}"
                )
            sudo: list[str] = []
            if host.user != "root":
                free = self._ssh("sudo -n true").returncode == 0
                sudo = ["sudo", "-n"] if free else ["sudo", "-S", "-p", ""]
                if not free and self._ssh("sudo -S -p '' true", f"{host.password}\n".encode()).returncode:
                    raise RemoteFailed(f"{host.user} cannot become root on {host.name}: sudo asks for a password")
            self.sudo = sudo
            return sudo

    def _ssh(self, command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        where = ["-S", str(self.socket), "-p", str(self.host.port), f"{self.host.user}@{self.host.address}"]
        return subprocess.run(["ssh", *OPTIONS, *where, command], input=stdin, capture_output=True, check=False)

    def run(self, script: str, stdin: bytes = b"", check: bool = True) -> str:
        """Run shell text as root; its output, standard error included where it fails."""
        sudo = self.open()
        if "-S" in sudo:
            stdin = f"{self.host.password}\n".encode() + stdin
        command = " ".join(map(shlex.quote, [*sudo, "/bin/bash", "-c", script]))
        done = self._ssh(command, stdin)
        text = done.stdout.decode(errors="replace").strip()
        if done.returncode and check:
            shown = script if len(script) < 200 else script[:197] + "..."
            said = f"{text}\n{done.stderr.decode(errors='replace').strip()}".strip()
            raise RemoteFailed(
                f'Failed to exec command: sudo -E /bin/bash -c "{shown}" \n{said}: Process exited with status '
                f"{done.returncode}"
            )
        return text

    def ok(self, script: str) -> bool:
        """Whether shell text ends with 0."""
        return self.run(f"({script}) >/dev/null 2>&1 && echo yes || :").endswith("yes")

    def put(self, files: Mapping[str, File]) -> None:
        if self.half:
            chosen = list(files.items())[: (len(files) + 1) // 2]
            last = chosen.pop()
            chosen.append((last[0], File(last[1].data[: len(last[1].data) // 2], last[1].mode)))
            self.run(_UNTAR, tar_of(dict(chosen)))
            faults.die()
        if files:
            self.run(_UNTAR, tar_of(files))

    def close(self) -> None:
        if self.socket.exists():
            command = ["ssh", "-S", str(self.socket), "-O", "exit", self.host.address]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
