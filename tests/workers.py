"""Real Celery workers and a real beat for the tests, as processes of their own on the test's database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def until(condition: Callable[[], object], seconds: float = 60.0, what: str = "") -> None:
    """Poll a condition; the test fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {seconds:.0f} s: {what or condition}")
        time.sleep(0.05)


class Fleet:
    """Workers and a beat. `settings` are SANQIAN_* variables for all of them."""

    def __init__(self, **variables: str) -> None:
        database = connection.settings_dict
        host = database["OPTIONS"].get("host") or database["HOST"]
        url = f"postgresql://{database['USER']}@/{database['NAME']}?host={host}"
        self._env = {
            **os.environ,
            "SANQIAN_DATABASE_URL": url,
            "SANQIAN_RECONCILE_SECONDS": "1",
            "SANQIAN_HEALTH_SECONDS": "3600",
            **variables,
        }
        self._logs = Path(tempfile.mkdtemp(prefix="workers-", dir=Path(settings.STATIC_ROOT).parent))
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []

    def worker(self, concurrency: int = 8, *more: str, skew: float = 0) -> subprocess.Popen[bytes]:
        """One more worker, for all queues; `more` are arguments for ``celery worker``.

        Its clock is `skew` seconds ahead.
        """
        name = f"w{len(self._processes)}@%h"
        queues = "control,provision,health,webhooks"
        made = self._run(
            "worker", "--pool", "threads", "-c", str(concurrency), "-Q", queues, "-n", name, "--without-mingle",
            "--without-gossip", "-l", "warning", *more, skew=skew,
        )  # fmt: skip
        self.workers.append(made)
        return made

    def beat(self) -> subprocess.Popen[bytes]:
        return self._run("beat", "-l", "warning", "-s", str(self._logs / "schedule"), "--pidfile=")

    def log(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._logs.glob("*.log")))

    def stop(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, *arguments: str, skew: float = 0) -> subprocess.Popen[bytes]:
        with (self._logs / f"{len(self._processes)}-{arguments[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.tasks.skewed" if skew else "celery", "-A", "sanqian_service", *arguments],
                env={**self._env, "SKEW_SECONDS": str(skew)}, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._processes.append(process)
        return process
