"""Private OpenSSH servers on loopback, each in a mount namespace with its own users, sudoers and small
disks."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.remote import Credential, Target

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin") or ""
needs_sudo = pytest.mark.skipif(not shutil.which("sudo"), reason="sudo is not installed: apt-get install sudo")
PASSWORD = "correct horse-%s'\"$"
_addresses = itertools.count(21)

USERS = {  # name: sudoers line
    "ops": "ops ALL=(ALL) NOPASSWD:ALL",
    "deploy": "deploy ALL=(ALL) ALL",
    "terminal": "Defaults:terminal requiretty\nterminal ALL=(ALL) NOPASSWD:ALL",
    "guest": "",
    "locked": "",
}


def until(condition: Callable[[], object], seconds: float = 15.0, what: str = "") -> None:
    """Poll a condition; the test fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {seconds} s: {what or condition}"
        time.sleep(0.02)


def _free_port(host: str) -> int:
    """Runs side by side share the loopback addresses, so each server has a port of its own."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid:
                    found.append(int(entry.name))
    return found


def arguments() -> list[bytes]:
    """The command lines of all processes."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes())
        except OSError:  # the process ended meanwhile
            continue
    return found


class Sshd:
    """One server. ``options`` are lines for sshd_config, ``setup`` is shell run in its mount namespace before
    it."""

    def __init__(self, options: str = "", setup: str = "") -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="sanqian-sshd-"))
        self.dir.chmod(0o755)
        self.host = f"127.0.1.{next(_addresses)}"
        self.port = _free_port(self.host)
        self.options, self.setup = options, setup
        self.pid = 0
        self.new_host_key()
        self._key("client")
        (self.dir / "authorized").write_text((self.dir / "client.pub").read_text())
        self._accounts()

    def _key(self, name: str, *more: str) -> Path:
        path = self.dir / name
        path.unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), *more],
            check=True,
            capture_output=True,
        )
        return path

    def new_host_key(self) -> None:
        self.host_key = " ".join(self._key("host").with_suffix(".pub").read_text().split()[:2])

    @property
    def private_key(self) -> str:
        return (self.dir / "client").read_text()

    def _accounts(self) -> None:
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True
        ).stdout.strip()
        names = {"passwd": "", "shadow": "", "group": ""}
        for name in names:
            names[name] = Path("/etc", name).read_text()
        # A home without this machine's login scripts, whose cost would be most of a command's.
        (self.dir / "home/root").mkdir(parents=True)
        names["passwd"] = re.sub(r"(?m)^(root:.*):[^:]*:[^:]*$", rf"\1:{self.dir}/home/root:/bin/bash", names["passwd"])
        for number, user in enumerate(USERS, start=4001):
            home = self.dir / "home" / user
            home.mkdir(parents=True)
            os.chown(home, number, number)
            shell = "/usr/sbin/nologin" if user == "locked" else "/bin/bash"
            names["passwd"] += f"{user}:x:{number}:{number}::{home}:{shell}\n"
            names["shadow"] += f"{user}:{hashed}:19000:0:99999:7:::\n"
            names["group"] += f"{user}:x:{number}:\n"
        (self.dir / "home/ops/.bashrc").write_text("echo noise of the login script\necho and more >&2\n")
        names["sudoers"] = "root ALL=(ALL) ALL\n" + "\n".join(USERS.values()) + "\n"
        (self.dir / "etc/pam.d").mkdir(parents=True)
        for name, text in names.items():
            path = self.dir / "etc" / name
            path.write_text(text)
            path.chmod(0o640 if name == "shadow" else 0o440 if name == "sudoers" else 0o644)
        (self.dir / "etc/pam.d/sshd").write_text(
            "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n"
        )

    def start(self) -> Sshd:
        (self.dir / "config").write_text(
            f"ListenAddress {self.host}:{self.port}\nHostKey {self.dir}/host\nPidFile none\n"
            f"AuthorizedKeysFile {self.dir}/authorized\nStrictModes no\nPermitRootLogin yes\n"
            f"MaxStartups 200\nSubsystem sftp /nonexistent\n{self.options}\nUsePAM no\n"
        )
        # Not a mount on each file: the kernel takes such a mount away when the machine's own file is replaced.
        script = (
            "set -e\nmount -t tmpfs none /run\nmkdir /run/sshd /run/work\n"
            f"cp -a {self.dir}/etc /run/etc\n"
            "mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work none /etc\n"
            f"{self.setup}\nexec {SSHD} -D -e -f {self.dir}/config\n"
        )
        with (self.dir / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "setpriv",
                    "--pdeathsig",
                    "KILL",
                    "unshare",
                    "--mount",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    script,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.dir,
            )
        self.pid = self.process.pid
        until(self.listening, 15, f"sshd on {self.host}: {(self.dir / 'log').read_text()}")
        return self

    def listening(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
            return True
        return False

    def sessions(self) -> list[int]:
        return children(self.pid)

    def cut(self) -> None:
        """Kill the server's process of each connection; what they run goes on."""
        for session in self.sessions():
            for pid in [
                *(p for p in children(session) if b"sshd" in Path(f"/proc/{p}/cmdline").read_bytes()),
                session,
            ]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        if self.pid:
            self.cut()
            self.process.kill()
            self.process.wait()
            self.pid = 0

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def target(self, user: str = "root", **changes: object) -> Target:
        base = Target(
            key=f"{self.host}:{user}",
            name=f"host-{self.host}",
            host=self.host,
            port=self.port,
            user=user,
            credential=Credential(private_key=self.private_key),
            host_key=self.host_key,
        )
        return replace(base, **changes)  # type: ignore[arg-type]


class Proxy:
    """A TCP relay that can stop forwarding without closing anything: packets dropped on the way."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._listener = socket.create_server(("127.0.1.20", 0))
        self.host, self.port = self._listener.getsockname()
        self._open = threading.Event()
        self._open.set()
        self._closed = False
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._to)
            self._sockets += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(a, b), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._open.wait()
                if self._closed:
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._closed = True
        self._open.set()
        for sock in [self._listener, *self._sockets]:
            sock.close()
