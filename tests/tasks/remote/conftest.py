"""Fixtures: private SSH servers, a pool, a job root."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.remote import Limits, Pool, Remote, Timing
from tests.tasks.remote.servers import SSHD, Sshd


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[..., Sshd]]:
    if os.geteuid() != 0:
        pytest.skip("private SSH servers with users of their own need root")
    if not SSHD:
        pytest.skip("the SSH server is not installed: apt-get install openssh-server")
    made: list[Sshd] = []

    def make(options: str = "", setup: str = "") -> Sshd:
        server = Sshd(options, setup)
        made.append(server)
        return server.start()

    yield make
    for server in made:
        server.remove()


@pytest.fixture(scope="session")
def shared(servers: Callable[..., Sshd]) -> Sshd:
    """A server that no test breaks."""
    return servers()


@pytest.fixture
def sshd(servers: Callable[..., Sshd]) -> Iterator[Sshd]:
    """A server of the test's own, to be cut, stopped and changed."""
    server = servers()
    yield server
    server.stop()


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(Limits(wait=10), Timing(connect=10))
    yield made
    made.close()


@pytest.fixture
def remote(pool: Pool, shared: Sshd) -> Iterator[Remote]:
    with pool.connection(shared.target()) as connected:
        yield connected


@pytest.fixture
def jobs() -> Iterator[str]:
    """A job root of the test's own; every process started below it is ended."""
    root = Path(tempfile.mkdtemp(prefix="sanqian-jobs-"))
    yield str(root / "jobs")
    for job in (root / "jobs").iterdir() if (root / "jobs").exists() else ():
        claim = job / "claim"  # a link that points nowhere
        if not claim.is_symlink():
            continue
        pid, _, group, session, *_ = str(claim.readlink()).split()
        if pid != "0" and session == pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(group), signal.SIGKILL)
    shutil.rmtree(root, ignore_errors=True)
