"""A directory of the service, one for each cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from clusters.models import Cluster
from tasks.stores.base import Store, StoreFailed


class Directory(Store):
    kind = "directory"

    def __init__(self, cluster: Cluster) -> None:
        self._path = Path(settings.BACKUP_DIR) / str(cluster.pk)
        self.address = str(self._path)

    def add(self, name: str, offset: int, data: bytes, memory: dict[str, Any]) -> None:
        with self._said(name):
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Written at its place: what is sent twice is the same.
            with open(self._part(name), "r+b" if offset else "wb", opener=_private) as file:
                file.seek(offset)
                file.write(data)

    def complete(self, name: str, memory: dict[str, Any]) -> None:
        with self._said(name):
            with self._part(name).open("rb") as file:
                os.fsync(file.fileno())
            self._part(name).replace(self._path / name)

    def abandon(self, name: str, memory: dict[str, Any]) -> None:
        self._part(name).unlink(missing_ok=True)

    def read(self, name: str, offset: int, length: int) -> bytes:
        with self._said(name), (self._path / name).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def size(self, name: str) -> int:
        with self._said(name):
            return (self._path / name).stat().st_size

    def put(self, name: str, data: bytes) -> None:
        self.add(name, 0, data, {})
        self.complete(name, {})

    def names(self) -> Iterator[str]:
        if self._path.is_dir():
            yield from (path.name for path in self._path.iterdir() if not path.name.startswith("."))

    def delete(self, name: str) -> None:
        with self._said(name):
            (self._path / name).unlink(missing_ok=True)

    def _part(self, name: str) -> Path:
        return self._path / f".{name}.part"

    @contextmanager
    def _said(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreFailed(
                f"{self._path / name} in the service's backup directory: {error.strerror or error}.",
                "Check what SANQIAN_BACKUP_DIR names: its room, its owner, and that all workers share it.",
            ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
