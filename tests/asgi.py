"""The service's web server for the tests: uvicorn in a process of its own, on the test's database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection

from tests.workers import ROOT, until


def other_connections() -> list[str]:
    """The states of the database's connections but this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def asgi_server(**variables: str) -> Iterator[str]:
    """The server's address. `variables` are SANQIAN_* settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    test = connection.settings_dict
    host = test["OPTIONS"].get("host") or test["HOST"]
    database = f"postgresql://{test['USER']}@/{test['NAME']}?host={host}"
    environment = {**os.environ, "SANQIAN_DATABASE_URL": database, **variables}
    arguments = ["--port", str(port), "--grace", "1"]
    with tempfile.NamedTemporaryFile("w+", prefix="web-", dir=Path(settings.STATIC_ROOT).parent) as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sanqian_service.web", *arguments], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
        base = f"http://127.0.0.1:{port}"

        def up() -> bool:
            assert process.poll() is None, Path(log.name).read_text()
            try:
                return httpx.get(f"{base}/livez").status_code == 200
            except httpx.TransportError:
                return False

        try:
            until(up, 240, "uvicorn answers")
            yield base
        finally:
            process.terminate()
            process.wait(20)
