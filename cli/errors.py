"""What can go wrong for a caller, and the exit code of each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from cli.language import N_, tr


class Code(IntEnum):
    """Exit codes of `3kctl`; scripts rely on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    NOT_FOUND = 5
    BUSY = 6
    TIMEOUT = 124
    INTERRUPTED = 130


EXIT_CODES = {
    Code.OK: N_("done"),
    Code.FAILED: N_("the operation failed or was cancelled"),
    Code.USAGE: N_("wrong usage, or a file or key that cannot be used"),
    Code.REFUSED: N_("refused by the service"),
    Code.UNREACHABLE: N_("the service is not reachable, or not able to answer"),
    Code.NOT_FOUND: N_("no such cluster, operation or host"),
    Code.BUSY: N_("another operation is under way on the cluster"),
    Code.TIMEOUT: N_("--timeout is over; the operation goes on"),
    Code.INTERRUPTED: N_("interrupted; the operation goes on"),
}


class CliError(Exception):
    """An error with its fix, shown without a traceback; the process ends with `code`."""

    label = N_("error: ")
    hint_label = N_("fix: ")

    def __init__(self, message: str, *, hint: str = "", code: Code = Code.USAGE) -> None:
        super().__init__(message)
        self.message, self.hint, self.code = message, hint, code

    def to_json(self) -> dict[str, Any]:
        """The error in the shape of a problem document."""
        return {
            "type": f"/problems/cli-{self.code.name.lower().replace('_', '-')}",
            "title": self.message,
            "hint": self.hint,
        }


class Unreachable(CliError):
    """The service could not be reached, or broke off."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, code=Code.UNREACHABLE)


class Problem(CliError):
    """The service's own answer that it will not do this: a problem document (RFC 9457)."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status, self.body = status, dict(body)
        self.slug = str(body.get("type") or "").rsplit("/", 1)[-1]
        title, detail = str(body.get("title") or ""), str(body.get("detail") or "")
        super().__init__(
            detail or title or tr("The service answered with status {status}.", status=status),
            hint=str(body.get("hint") or ""),
            code=_code_of(status, self.slug),
        )

    def to_json(self) -> dict[str, Any]:
        """The document as the service gave it."""
        return self.body or {**super().to_json(), "status": self.status}


def _code_of(status: int, slug: str) -> Code:
    if slug == "busy":
        return Code.BUSY
    if status == 404:
        return Code.NOT_FOUND
    return Code.UNREACHABLE if status >= 500 else Code.REFUSED
