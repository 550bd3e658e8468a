"""The whole service under its supervisor: it starts, stops, and starts again after a kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.workers import until

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


class Service:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        # The tests' own settings must not lead it to the tests' servers.
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("SANQIAN_")}

    def run(self, *more: str, **popen: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sanqian_service.up", "--data-directory", str(self.directory)]
        log = (self.directory.parent / "up.log").open("ab")
        where = {"stdout": log, "stderr": log, **popen}
        return subprocess.Popen([*command, "--port", str(self.port), *more], cwd=ROOT, env=self.env, **where)  # type: ignore[call-overload, no-any-return]

    def start(self) -> subprocess.Popen[bytes]:
        self.process = self.run()
        until(self.ready, 90, (self.directory.parent / "up.log").read_text)
        return self.process

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory.parent / "up.log").read_text()
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def parts(self) -> list[int]:
        """Every process that works on the data directory, by its command line or as a child of one that does."""
        assert self.process is not None
        found = set()
        for process in psutil.process_iter(["cmdline"]):
            if str(self.directory) in " ".join(process.info["cmdline"] or ()):
                found |= {process.pid, *(child.pid for child in process.children(recursive=True))}
        return [pid for pid in found if _alive(pid)]


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def service(open_path: Path) -> Iterator[Service]:
    made = Service(open_path / "data")
    yield made
    made.run("--stop").wait(60)


def test_it_starts_stops_and_starts_again_after_a_kill(service: Service) -> None:
    first = service.start()
    assert service.run().wait(30) == 2  # a second one on the same data
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    assert service.parts() == []

    secrets = (service.directory / "secrets.json").read_bytes()
    second = service.start()
    assert (service.directory / "secrets.json").read_bytes() == secrets
    orphans = [child.pid for child in psutil.Process(second.pid).children(recursive=True)]
    second.kill()
    second.wait()
    third = service.start()
    # The killed one's web server may still have answered; it is ended with the rest.
    until(lambda: not [pid for pid in orphans if _alive(pid)], 60)
    until(service.ready, 60)
    assert service.run("--stop").wait(60) == 0
    assert third.wait(60) == 0
    assert service.parts() == []


def test_it_goes_on_when_nobody_reads_its_output(service: Service) -> None:
    service.process = service.run(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert service.process.stdout is not None
    service.process.stdout.close()
    until(service.ready, 90)
    service.process.send_signal(signal.SIGHUP)
    assert service.process.wait(60) == 0
    assert service.parts() == []


def test_management_commands_run_with_and_without_the_service(service: Service) -> None:
    make = ("--manage", "create_access_key", "A customer", "--output", "key")
    for start in (False, True):
        if start:
            service.start()
        made = service.run(*make, stdout=subprocess.PIPE)
        out, _ = made.communicate(timeout=60)
        assert made.returncode == 0 and out.startswith(b"sq_")
