"""Snapshots of etcd read piece by piece, from wherever they lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from clusters.models import Backup
from tasks import stores
from tasks.actions.base import ActionFailed, Context
from tasks.remote import Remote
from tasks.remote.errors import of_errno_text
from tasks.stores import Store, StoreFailed

STALL = 120.0


class Source(Protocol):
    """A file of bytes that do not change."""

    name: str

    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer at its end."""
        ...


class HostFile:
    """A file on a host."""

    def __init__(self, remote: Remote, path: str) -> None:
        self.name, self._remote, self._path = f"{remote.name}:{path}", remote, path

    def size(self) -> int:
        return int(self._run('stat -c %s "$FILE"', limit=4096))

    def read(self, offset: int, length: int) -> bytes:
        script = (
            'dd if="$FILE" bs=256k iflag=skip_bytes,count_bytes,fullblock skip="$OFFSET" count="$LENGTH" status=none'
        )
        return self._run(script, limit=length + 4096, OFFSET=str(offset), LENGTH=str(length))

    def _run(self, script: str, limit: int, **env: str) -> bytes:
        env["FILE"] = self._path
        said = self._remote.run(script, env=env, sudo=True, timeout=STALL, idle=True, limit=limit)
        if not said.ok:
            raise of_errno_text(self._path, said.error_text, host=self._remote.name)
        return said.stdout


class StoreFile:
    """A file in the cluster's store."""

    def __init__(self, store: Store, name: str) -> None:
        self.name, self._store, self._file = f"{store.address}/{name}", store, name

    def size(self) -> int:
        return self._store.size(self._file)

    def read(self, offset: int, length: int) -> bytes:
        return self._store.read(self._file, offset, length)


@contextmanager
def of_store(ctx: Context, row: Backup) -> Iterator[StoreFile]:
    """A snapshot in the store that the cluster has now. Raises `ActionFailed`."""
    try:
        store = stores.of(ctx.cluster)
        if store.address != row.directory:
            raise StoreFailed(f"{row} lies in another store than {store.address}.", "Set the cluster's backup store.")
        yield StoreFile(store, row.name)
    except StoreFailed as error:
        raise ActionFailed(error.message, error.fix, kind="store") from error


@contextmanager
def of_host(ctx: Context, row: Backup) -> Iterator[HostFile]:
    """The file of a snapshot on its host. Raises `RemoteError`, `ActionFailed` for a host that is none any more."""
    with ctx.remote(ctx.node(row.host)) as remote:
        yield HostFile(remote, f"{row.directory}/{row.name}")
