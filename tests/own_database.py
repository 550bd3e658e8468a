"""A PostgreSQL to be broken, for one test: restarted, killed, or replaced by its standby."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from psycopg.sql import SQL

from clusters.database import drop_lost
from sanqian_service.embedded import DATABASE, POSTGRES_BIN_PATH, Embedded
from tests.workers import until

Server = Embedded


def own_directory() -> Path:
    """Where PostgreSQL's own user may come: other runs take pytest's directories away from it."""
    return Path(tempfile.mkdtemp(prefix="own-", dir=Path(settings.STATIC_ROOT).parent))


@contextmanager
def own_database(directory: Path, *others: Path) -> Iterator[Server]:
    """A server with the service's schema, which this process uses instead of the tests' own meanwhile.

    What it has committed outlasts its own crash, though not the machine's. `others` are directories of servers that
    may take over from it.
    """
    server = Embedded(directory, volatile=True)
    server.directory.mkdir(parents=True, exist_ok=True)
    server.start_postgres()
    _set(server, "synchronous_commit", "on")
    shared = dict(connection.settings_dict)
    servers = [server, *(Embedded(other) for other in others)]
    hosts = ",".join(str(one.directory / "postgres") for one in servers)
    options: dict[str, Any] = {"host": hosts, "target_session_attrs": "read-write"}
    options["pool"] = {**shared["OPTIONS"]["pool"], "timeout": 2}
    _use({"NAME": DATABASE, "USER": "postgres", "HOST": "", "OPTIONS": options})
    try:
        call_command("migrate", verbosity=0)
        yield server
    finally:
        _use(shared)
        for one in servers:
            one.stop_postgres("immediate")


def url() -> str:
    """For ``SANQIAN_DATABASE_URL``: what this process uses."""
    options = connection.settings_dict["OPTIONS"]
    return f"postgresql://postgres@/{DATABASE}?host={options['host']}&target_session_attrs=read-write"


def _use(wanted: dict[str, Any]) -> None:
    connection.close()
    connection.close_pool()
    connection.settings_dict.update(wanted)


def standby_of(server: Server, directory: Path) -> Server:
    """A streaming standby that has confirmed every commit before the primary acknowledges it."""
    made = Embedded(directory)
    data = made.directory / "postgres"
    data.parent.mkdir(parents=True, exist_ok=True)
    source = server.directory / "postgres"
    owner = source.owner()
    data.mkdir(mode=0o700)
    shutil.chown(data, owner)
    command = [str(POSTGRES_BIN_PATH / "pg_basebackup"), "-h", str(source), "-U", "postgres", "-D", str(data)]
    command += ["--write-recovery-conf", "--checkpoint", "fast", "--no-sync"]
    subprocess.run(command, user=owner, check=True, cwd="/", capture_output=True)
    (data / ".s.PGSQL.5432.lock").unlink()  # the other server's
    made.start_postgres()
    _set(server, "synchronous_standby_names", "'*'")
    with psycopg.connect(server.database_url, autocommit=True) as session:
        until(lambda: session.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone())
    return made


def promote(standby: Server) -> None:
    """Make it the primary."""
    with psycopg.connect(standby.database_url, autocommit=True) as session:
        session.execute("SELECT pg_promote()")


def _set(server: Server, name: str, value: str) -> None:
    with psycopg.connect(server.database_url, autocommit=True) as session:
        session.execute(SQL(f"ALTER SYSTEM SET {name} = {value}"))
        session.execute("SELECT pg_reload_conf()")


def calm(condition: Callable[[], object]) -> Callable[[], object]:
    """`condition`, not yet true while the database is away."""

    def asked() -> object:
        try:
            return condition()
        except DatabaseError:
            if not drop_lost():
                raise
            return False

    return asked
