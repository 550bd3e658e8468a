"""What a store of snapshots can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

PIECE = 8 << 20  # bytes; S3 takes no part below 5 MiB but the last
NOTE = ".json"


class StoreFailed(Exception):
    """The store does not do what was asked of it. The text holds no secrets."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


class Store(ABC):
    """Files by name, each believed only once there is a note beside it: it is written when the file was read back.

    Everything raises `StoreFailed`.
    """

    kind: str
    address: str

    @abstractmethod
    def add(self, name: str, offset: int, data: bytes, memory: dict[str, Any]) -> None:
        """Take a piece of `PIECE` bytes (the last may be shorter). `memory` (JSON) is this upload's own."""

    @abstractmethod
    def complete(self, name: str, memory: dict[str, Any]) -> None:
        """All pieces are there. What was not completed is seen by nobody."""

    @abstractmethod
    def abandon(self, name: str, memory: dict[str, Any]) -> None:
        """Forget an upload that was not completed. Never raises."""

    @abstractmethod
    def read(self, name: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Of a file, in bytes."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Write a small file whole."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """All files that are complete."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is no error."""
