"""``3kctl up``: the whole service on one machine - PostgreSQL, Valkey, web, workers and beat under one supervisor.

Everything lives below one data directory. Ctrl-C or SIGTERM stops all of it; running operations go on at the next
start, for their commands run on the hosts and their rows are kept.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import platformdirs
import psutil
from cryptography.fernet import Fernet
from honcho.manager import Manager
from honcho.printer import Printer

from sanqian_service.embedded import Embedded

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90
STOP_SECONDS = 40
SUPERVISED = "SANQIAN_SUPERVISED"  # in the environment of every part: the data directory
log = logging.getLogger(__name__)


class AlreadyUp(Exception):
    """Another supervisor holds the data directory."""


class PortTaken(Exception):
    """Something listens where the web server should."""


class PatientPrinter(Printer):
    """Goes on in silence when nobody reads any more: a closed pipe must not end the service."""

    def write(self, *arguments: object, **more: object) -> None:
        try:
            super().write(*arguments, **more)
        except OSError:
            _silence()


def default_directory() -> Path:
    """Root's is /var/lib/sanqian: PostgreSQL runs as a user of its own, who cannot enter /root."""
    return Path("/var/lib/sanqian") if os.geteuid() == 0 else platformdirs.user_data_path("sanqian")


def main(argv: list[str] | None = None) -> int:
    """Run until stopped; the exit code is 0 after Ctrl-C or SIGTERM."""
    options = _parser().parse_args(argv)
    directory = options.data_directory.expanduser().resolve()
    directory.mkdir(parents=True, exist_ok=True)
    if options.manage is not None:
        return manage(directory, options.manage)
    if options.stop:
        return stop(directory)
    try:
        with _only_one(directory):
            _end_strays(directory)
            if _taken(options.host, options.port):
                raise PortTaken(f"Port {options.port} of {options.host} is in use. Choose another with --port.")
            return _run(options, directory)
    except (AlreadyUp, PortTaken) as error:
        print(error, file=sys.stderr)
        return 2


def stop(directory: Path) -> int:
    """End the service that runs on `directory`, and what a killed one left there."""
    path = directory / "supervisor.pid"
    try:
        pid, created = json.loads(path.read_text())
        supervisor = psutil.Process(pid)
        if supervisor.create_time() == created:
            supervisor.terminate()
            _wait_for_end(supervisor, STOP_SECONDS)
    except (FileNotFoundError, psutil.NoSuchProcess):
        log.info("no supervisor runs on %s", directory)
    with _only_one(directory):
        _end_strays(directory)
        Embedded(directory).stop()
    return 0


def _wait_for_end(process: psutil.Process, seconds: float) -> None:
    """A process that has ended may stay as a zombie until its parent looks. After `seconds` it is killed."""
    deadline = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.1)


def manage(directory: Path, arguments: list[str]) -> int:
    """Run a management command on the data of `directory`, whether the service is up or not: its exit code."""
    servers = Embedded(directory)
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    try:
        with _only_one(directory), servers:
            environment = _environment(directory, servers, "127.0.0.1")
            _manage(environment, "migrate", "--verbosity", "0")
            return subprocess.run(command, env=environment, check=False).returncode
    except AlreadyUp:
        environment = _environment(directory, servers, "127.0.0.1")
        return subprocess.run(command, env=environment, check=False).returncode


def _run(options: argparse.Namespace, directory: Path) -> int:
    url = f"http://{options.host}:{options.port}"
    (directory / "supervisor.pid").write_text(json.dumps((os.getpid(), psutil.Process().create_time())))
    servers = Embedded(directory)
    _say(f"Starting PostgreSQL and Valkey in {directory} ...")
    try:
        servers.start()
        environment = {**_environment(directory, servers, options.host), SUPERVISED: str(directory)}
        _manage(environment, "migrate", "--verbosity", "0")
        password = _administrator(environment, directory)
        manager = Manager(PatientPrinter(sys.stdout))
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        for name, command in _commands(options, directory).items():
            manager.add_process(name, "exec " + shlex.join(command), env=environment, cwd=str(ROOT))
        threading.Thread(target=_announce, args=(url, password, manager), daemon=True).start()
        manager.loop()
        # Ctrl-C and SIGTERM are how it is meant to end.
        return 0 if manager.returncode in (0, 130, 143) else int(manager.returncode or 1)
    finally:
        servers.stop()
        (directory / "supervisor.pid").unlink(missing_ok=True)
        _say("Stopped. Operations under way go on at the next start.")


def _commands(options: argparse.Namespace, directory: Path) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    # Root is what PostgreSQL's own user and the lab need; Celery's warning of it is for pickled messages.
    celery = [sys.executable, "-W", "ignore::RuntimeWarning", "-m", "celery", "--quiet", "-A", "sanqian_service"]
    worker = [*celery, "worker", "--pool", "threads", "--without-gossip", "--without-mingle", "-l", "warning"]
    web = [*python, "sanqian_service.web", "--host", options.host, "--port", str(options.port), "--grace", "3"]
    return {
        "web": web,
        # Queues apart, so that long work never delays a cancel.
        "control": [*worker, "-n", "control@%h", "-c", "6", "-Q", "control,health"],
        "worker": [*worker, "-n", "provision@%h", "-c", str(options.concurrency), "-Q", "provision,webhooks"],
        "beat": [*celery, "beat", "-l", "warning", "-s", str(directory / "beat-schedule"), "--pidfile="],
    }


def _environment(directory: Path, servers: Embedded, host: str) -> dict[str, str]:
    stored = _secrets(directory / "secrets.json")
    environment = {**os.environ, **servers.environment()}
    for name, value in {
        **stored,
        "SANQIAN_ALLOWED_HOSTS": f"localhost,127.0.0.1,[::1],{host}",
        "SANQIAN_SERVE_STATIC_FROM_PACKAGES": "1",
        "SANQIAN_STATIC_ROOT": str(directory / "static"),
        "SANQIAN_ARTIFACT_DIR": str(directory / "artifacts"),
        "SANQIAN_BACKUP_DIR": str(directory / "backups"),
        "SANQIAN_LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }.items():
        environment.setdefault(name, value)
    for made in ("static", "artifacts"):
        (directory / made).mkdir(exist_ok=True)
    return environment


def _secrets(path: Path) -> dict[str, str]:
    """Made at the first start; who loses them cannot read the stored secrets any more."""
    if not path.exists():
        made = {
            "SANQIAN_SECRET_KEY": secrets.token_urlsafe(48),
            "SANQIAN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "SANQIAN_ACCESS_KEY_PEPPER": secrets.token_urlsafe(32),
        }
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(made))
        new.rename(path)
    return dict(json.loads(path.read_text()))


def _administrator(environment: dict[str, str], directory: Path) -> Path:
    """The admin login, made at the first start; its password is in a file that only this user can read."""
    path = directory / "admin-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18) + "\n")
    with_password = {**environment, "DJANGO_SUPERUSER_PASSWORD": path.read_text().strip()}
    known = "from django.contrib.auth.models import User; print(User.objects.filter(username='admin').exists())"
    if _manage(environment, "shell", "--no-imports", "-c", known).strip() != "True":
        _manage(with_password, "createsuperuser", "--noinput", "--username", "admin", "--email", "admin@localhost")
    return path


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def _say(text: str) -> None:
    """For whoever still reads."""
    try:
        print(text, flush=True)
    except OSError:
        _silence()


def _silence() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _announce(url: str, password: Path, manager: Manager) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - our own http address
                if answer.status == 200:
                    _say(
                        f"\nSanqian service is ready.\n  REST    {url}/api/docs/\n  admin   {url}/admin/"
                        f"   user admin, password in {password}\n  stop    Ctrl-C\n"
                    )
                    return
        except OSError:
            time.sleep(0.3)
    _say(f"The service is not ready after {READY_SECONDS} s; the lines above say why.")
    manager.returncode = 1
    manager.terminate()


def _end_strays(directory: Path) -> None:
    """End what a killed supervisor left: its processes carry the data directory in their environment."""
    strays = [process for process in psutil.process_iter() if _supervised(process) == str(directory)]
    for process in strays:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(strays, timeout=10)[1]:
        process.kill()


def _supervised(process: psutil.Process) -> str:
    try:
        return str(process.environ().get(SUPERVISED, ""))
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        try:
            # A record lock: unlike flock's, the supervisor's children do not inherit it and outlive it with it.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyUp(f"The service is up already with the data in {directory}.") from None
        yield


def _taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sanqian_service.up", description=__doc__)
    parser.add_argument("--data-directory", type=Path, default=default_directory(), help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="address of the web server (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8300, help="its port (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=256, help="steps driven at once (default: %(default)s)")
    parser.add_argument("--stop", action="store_true", help="stop the service that runs on this data, then end")
    parser.add_argument(
        "--manage", nargs=argparse.REMAINDER, metavar="COMMAND", help="run a manage.py command on this data, then end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
