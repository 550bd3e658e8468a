"""Real servers for the tests: PostgreSQL and Valkey are started once a process, before Django is set up.

Each process has servers of its own, so processes and runs side by side do not meet; the next run removes what a killed
one left.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import django
import psutil
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from hypothesis import HealthCheck, settings

from sanqian_service.embedded import Embedded
from tests.order import LongestFirst

pytest_plugins = ["tests.lab_fixtures"]
PREFIX = "sanqian-test-"
# Other tests use the machine at the same time: how long an example takes says nothing.
settings.register_profile("beside-others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside-others")
OWN: dict[str, str] = {}  # the variables by which this process knows its servers


def _remove(directory: Path) -> None:
    Embedded(directory).stop()
    shutil.rmtree(directory, ignore_errors=True)


def _remove_what_killed_runs_left() -> None:
    home = Path(tempfile.gettempdir())
    with (home / "sanqian-tests.lock").open("w") as lock:
        # Two runs that begin together must not remove the same remains.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for directory in home.glob(f"{PREFIX}*"):
            pid = directory.name.removeprefix(PREFIX)
            if pid.isdigit() and not psutil.pid_exists(int(pid)):
                _remove(directory)


def _start() -> None:
    directory = Path(tempfile.gettempdir()) / f"{PREFIX}{os.getpid()}"
    servers = Embedded(directory, volatile=True)
    atexit.register(_remove, directory)
    servers.start()
    (directory / "static").mkdir()
    OWN.update(
        servers.environment(),
        DJANGO_SETTINGS_MODULE="sanqian_service.settings",
        SANQIAN_DEBUG="1",
        SANQIAN_STATIC_ROOT=str(directory / "static"),
        SANQIAN_ARTIFACT_DIR=str(directory / "artifacts"),
        SANQIAN_BACKUP_DIR=str(directory / "backups"),
        SANQIAN_LOG_LEVEL="WARNING",
        SANQIAN_ALLOW_NETWORKS="127.0.0.0/8,::1/128",  # where servers of tests are
    )
    os.environ.update(OWN)


_remove_what_killed_runs_left()
_start()
django.setup()
# A password is to be slow to guess, not to test: a million rounds are half a second. Any process takes such a hash.
PBKDF2PasswordHasher.iterations = 1000


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Processes that run a part of the tests are to have servers of their own, not this one's."""
    for name in OWN:
        os.environ.pop(name, None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongestFirst | None:
    """The files that take minutes are not to come last."""
    return LongestFirst(config, log) if config.getvalue("dist") == "loadfile" else None
