"""The main job, end to end, as a customer does it: lab hosts up, service up, one cluster installed, looked at.

Everything is done through public faces: ``3kctl``, ``manage.py`` and ``python -m lab``. What stands below
``var/demo`` and the lab's hosts are removed at the end, unless it is to be kept.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from lab import artifact
from lab.base import BaseLab
from lab.errors import LabError
from lab.hosts import Lab

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "demo"
# Demos of two checkouts on one machine do not meet.
NAME = f"demo-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"
READY_SECONDS = 120


class DemoFailed(Exception):
    """A part of the demo did not do what it should."""


def main() -> int:
    """Run the demo; the exit code is 0 when every part of it succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stop", action="store_true", help="remove what an earlier demo left running, then end")
    parser.add_argument("--keep", action="store_true", help="leave hosts and service running at the end")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    HOME.parent.mkdir(exist_ok=True)
    lock = (HOME.parent / "demo.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another demo of this checkout is running; wait for its end.", file=sys.stderr)
        return 2
    demo = Demo()
    try:
        if options.stop:
            return 0
        demo.run()
        if options.keep:
            demo.tell_how_to_go_on()
            demo.service_goes_on = True
    except (DemoFailed, LabError, subprocess.CalledProcessError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if not demo.service_goes_on:
            demo.clean()
    return 0


class Demo:
    def __init__(self) -> None:
        self.lab: BaseLab = Lab(NAME, progress=_line)
        self.port = 0
        self.key = ""
        self.service_goes_on = False
        self._service: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        if os.geteuid():
            raise DemoFailed("it needs root: its hosts are namespaces with disks of their own. Run: sudo make demo")
        started = time.monotonic()
        _title("What an earlier demo left is removed")
        self.clean(quiet=True)
        _title("Six SSH hosts on this machine, and an artifact with a SIMULATED toolchain")
        self.lab.up()
        made = artifact.build(HOME / "data" / "artifacts")
        _line(f"artifact {made.name}, {made.stat().st_size >> 20} MiB")
        _title("The service: PostgreSQL, Valkey, web, workers, beat")
        self._start_service()
        self.key = self._make_access_key()
        config = HOME / "config-sample.conf"
        config.write_text(self.lab.config_text())
        _title("The customer registers the installation guide's sample and installs it: 3kctl deploy all")
        checksum = artifact.checksum(made)
        options = ["-f", str(config), "--name", "demo", "--api-address", "https://cloud.example.com"]
        self._3kctl("deploy", "all", *options, "--artifact", made.name, "--sha256", checksum)
        _title("3kctl status")
        self._3kctl("status", "demo")
        _title("3kctl pods")
        self._3kctl("pods", "demo")
        self._check()
        _title(f"Done in {time.monotonic() - started:.0f} s: installed, verified, healthy")

    def clean(self, quiet: bool = False) -> None:
        """Stop and remove all of the demo, whoever started it."""
        if not quiet:
            _title("Everything is stopped and removed")
        self._stop_service()
        self.lab.down()
        shutil.rmtree(HOME, ignore_errors=True)
        if not quiet:
            left = self.lab.leftovers()
            _line("nothing is left" if not left else f"left: {left}")

    def tell_how_to_go_on(self) -> None:
        password = (HOME / "data" / "admin-password").read_text().strip()
        url = f"http://127.0.0.1:{self.port}"
        print(
            f"\nIt goes on running:\n  REST   {url}/api/docs/\n  admin  {url}/admin/  user admin, password {password}\n"
            f"  export SANQIAN_SERVER={url} SANQIAN_ACCESS_KEY={self.key}\n"
            f"  .venv/bin/3kctl status demo\n  .venv/bin/python -m lab --name {NAME} exec master1 kubectl get pods -A\n"
            "Stop and remove it: .venv/bin/python -m lab.demo --stop, or the next make demo."
        )

    def _start_service(self) -> None:
        self.port = _free_port()
        log = (HOME / "service.log").open("wb")
        self._service = subprocess.Popen(
            [_program("3kctl"), "up", "--data-directory", str(HOME / "data"), "--port", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        if not _wait(self._ready, READY_SECONDS):
            raise DemoFailed(f"the service did not come up:\n{(HOME / 'service.log').read_text()[-3000:]}")
        _line(f"ready at http://127.0.0.1:{self.port}")

    def _ready(self) -> bool:
        if self._service is not None and self._service.poll() is not None:
            raise DemoFailed(f"the service ended:\n{(HOME / 'service.log').read_text()[-3000:]}")
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _stop_service(self) -> None:
        data = HOME / "data"
        if self._service is not None:
            self._service.terminate()
            self._service.wait(60)
        # What an earlier demo, or a killed one, has left running.
        if data.exists():
            self._up("--stop")

    def _up(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "sanqian_service.up", "--data-directory", str(HOME / "data"), *arguments]
        return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout

    def _make_access_key(self) -> str:
        made = self._up("--manage", "create_access_key", "Demo customer", "--output", "json")
        return str(json.loads(made)["access_key"])

    def _3kctl(self, *arguments: str, capture: bool = False) -> str:
        environment = {
            **os.environ,
            "SANQIAN_SERVER": f"http://127.0.0.1:{self.port}",
            "SANQIAN_ACCESS_KEY": self.key,
        }
        done = subprocess.run(
            [_program("3kctl"), *arguments],
            env=environment,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(f"3kctl {' '.join(arguments[:2])} ended with exit code {done.returncode}")
        return done.stdout or ""

    def _check(self) -> None:
        """What the tables above show, as facts."""
        health = json.loads(self._3kctl("health", "demo", "-o", "json", capture=True))
        # The guide's sample has master2 and master3 for etcd alone; such hosts are no nodes of the cluster.
        hosts = {host.name for host in self.lab.hosts} - {"master2", "master3"}
        nodes = {node["name"] for node in health["nodes"] if node["ready"]}
        sick = [part["name"] for part in health["components"] if part["state"] not in ("healthy", "absent")]
        if nodes != hosts or sick or health["state"] != "ready":
            raise DemoFailed(f"state {health['state']}, nodes {sorted(nodes)}, not healthy: {sick}")


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _free_port() -> int:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8300)):
            return 8300
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _title(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def _line(text: str) -> None:
    print(f"    {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
