"""Files to and from a host, over a plain command: no sftp-server needed, sudo works.

An upload is written next to its destination, checked by SHA-256 on the host, given mode and owner, and
renamed: the destination is the old file or the new one, never half of one. A broken upload is continued where
it stopped.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.remote import job
from tasks.remote.command import Remote, Result
from tasks.remote.errors import ChecksumMismatch, MissingTool, OutputTooLarge, RemoteError, of_errno_text
from tasks.remote.quote import quote
from tasks.remote.source import host_program

AT_ONCE = 1 << 20  # files up to so many bytes go in one command
STALL = 60.0  # seconds without a byte of progress
HASHING = 10 << 20  # bytes a second that the slowest host reads and sums
SUM_AT_ONCE = 128 << 20  # larger files are summed by a detached job, so that the caller may leave meanwhile
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Uploaded:
    """``skipped``: the host had the file already. ``bytes`` is its size, ``sent`` what went over the wire
    now."""

    skipped: bool
    sha256: str
    bytes: int
    sent: int


def upload(
    remote: Remote,
    local: Path | bytes,
    path: str,
    *,
    mode: int = 0o600,
    owner: str = "",
    sudo: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
    stall: float = STALL,
    sha256: str = "",
    job_root: str = job.ROOT,
) -> Uploaded:
    """Make ``path`` on the host equal to ``local``. Missing directories are made; a symbolic link is
    replaced.

    ``owner`` is "user" or "user:group"; ``sha256`` saves reading a large local file when its sum is known.
    ``on_progress`` gets (bytes there, bytes in all), also while the host sums what has arrived. It may raise to
    stop; the next call continues, within seconds, at whatever point.
    Raises :class:`DiskFull`, :class:`ReadOnly`, :class:`NotPermitted`, :class:`ChecksumMismatch`,
    :class:`MissingTool`, :class:`Unreachable` (call again: it continues).
    """
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError("the destination is the absolute path of a file")
    with _opened(local) as source:
        digest = sha256.lower() or hashlib.file_digest(source, "sha256").hexdigest()
        total = source.seek(0, io.SEEK_END)
        transfer = _Transfer(remote, path, source, digest, total, mode, owner, sudo, stall, on_progress, job_root)
        words = transfer.whole() if total <= AT_ONCE else transfer.in_parts()
        if words[0] == "differs":  # what an earlier sender left was not this content
            transfer.told = 0
            words = transfer.whole() if total <= AT_ONCE else transfer.in_parts()
    if words[0] in ("differs", "partial"):
        raise ChecksumMismatch(
            path,
            f"{path} arrived changed: {' '.join(words)}, sent {total} bytes with SHA-256 {digest}.",
            "check that the local file does not change meanwhile; then the host's memory and disk.",
            host=remote.name,
        )
    if on_progress is not None and transfer.told < total:
        on_progress(total, total)
    return Uploaded(words[0] == "same", digest, total, 0 if words[0] == "same" else transfer.sent)


def download(remote: Remote, path: str, limit: int = 1 << 20, *, sudo: bool = True, timeout: float = 60.0) -> bytes:
    """The content of a file of at most ``limit`` bytes. Raises :class:`NoSuchFile`,
    :class:`OutputTooLarge`."""
    script = f"{host_program('files.sh')}DEST={quote(path)} LIMIT={limit + 1:d}\nfetch"
    result = remote.run(script, sudo=sudo, timeout=timeout, idle=True, limit=limit + 65536)
    _, data = _answer(remote, result)
    if len(data) > limit:
        raise OutputTooLarge(f"{path} is larger than {limit} bytes.", "read it in parts.", host=remote.name)
    return data


class _Transfer:
    """One upload: its place on the host and how much of it is there."""

    def __init__(
        self,
        remote: Remote,
        path: str,
        source: io.BytesIO | io.BufferedReader,
        digest: str,
        total: int,
        mode: int,
        owner: str,
        sudo: bool,
        stall: float,
        on_progress: Callable[[int, int], None] | None,
        job_root: str,
    ) -> None:
        self._remote, self._source, self._total = remote, source, total
        self._sudo, self._stall, self._on_progress = sudo, stall, on_progress
        self.sent = 0
        self.told = 0
        self._job_root = job_root
        # A user without root has no place for jobs.
        later = total > SUM_AT_ONCE and (sudo or remote.target.user == "root")
        place = hashlib.sha256(path.encode()).hexdigest()[:8]
        part = f"{path.rpartition('/')[0]}/.sanqian-{digest[:32]}-{place}.part"
        self._program = (
            f"{host_program('files.sh')}DEST={quote(path)} PART={quote(part)} SUM={digest} TOTAL={total:d} "
            f"MODE={mode:04o} OWNER={quote(owner)} LATER={'1' if later else ''} STAMP= KNOWN=\n"
        )

    def whole(self) -> list[str]:
        """One command: look, take the content, check, rename."""
        self._source.seek(0)
        return self._ask("probe\nreceive 0\nfinish", self._source.read())

    def in_parts(self) -> list[str]:
        words = self._ask_with_sum('probe\nprintf "ok %s\\n" "$have"')
        if words[0] == "same":
            return words
        have = int(words[0])
        self._tell(have)
        if have < self._total:
            self._source.seek(have)
            self._ask(f"receive {have:d}\nprintf 'ok\\n'", self._blocks())
        return self._ask_with_sum("finish")

    def _ask_with_sum(self, call: str) -> list[str]:
        known = ""
        while True:
            words = self._ask(known + call, patience=self._total / HASHING)
            if words[0] != "later":
                return words
            stamp, path = words[1], " ".join(words[2:])
            known = f"STAMP={stamp} KNOWN={self._sum(stamp, path)}\n"

    def _sum(self, stamp: str, path: str) -> str:
        """The SHA-256 of a file on the host, by a detached job that a later call finds again."""
        job_id = f"sum-{hashlib.sha256(path.encode()).hexdigest()[:8]}-{stamp}"
        sudo, root = self._sudo, self._job_root
        job.start(self._remote, job_id, f"exec sha256sum <{quote(path)}", sudo=sudo, root=root)
        said = b""
        while True:
            progress = job.follow(self._remote, job_id, len(said), wait=1.0, linger=0, sudo=sudo, root=root)
            said += progress.data
            if progress.complete:
                break
            self._tell(self.told)
        job.remove(self._remote, job_id, sudo=sudo, root=root)
        if progress.exit_code != 0:
            raise of_errno_text(path, said.decode(errors="replace") or progress.reason, host=self._remote.name)
        return said.decode().split()[0]

    def _ask(self, call: str, content: bytes | Iterator[bytes] = b"", patience: float = 0.0) -> list[str]:
        result = self._remote.run(
            self._program + call,
            stdin=content,
            sudo=self._sudo,
            timeout=self._stall + patience,
            idle=True,
            on_sent=self._sent if content else None,
        )
        return _answer(self._remote, result)[0]

    def _blocks(self) -> Iterator[bytes]:
        while block := self._source.read(_BLOCK):
            yield block

    def _sent(self, count: int) -> None:
        self.sent += count
        self._tell(self.told + count)

    def _tell(self, there: int) -> None:
        self.told = there
        if self._on_progress is not None:
            self._on_progress(there, self._total)


def _answer(remote: Remote, result: Result) -> tuple[list[str], bytes]:
    line, _, rest = result.stdout.partition(b"\n")
    words = line.decode(errors="replace").split()
    if result.exit_code == 0 and words[:1] == ["ok"]:
        return words[1:], rest
    if words[:1] == ["error"] and len(words) >= 2:
        what = line.decode(errors="replace").split(" ", 2)[2]
        if words[1] == "missing-tool":
            raise MissingTool(what, host=remote.name)
        raise of_errno_text(what, rest.decode(errors="replace"), host=remote.name)
    said = result.error_text or result.text
    raise RemoteError(
        f"the file program ended with exit code {result.exit_code}: {said[-500:] or 'no message'}",
        "check that sh and coreutils on the host work.",
        host=remote.name,
        kind="file-program",
    )


def _opened(local: Path | bytes) -> io.BytesIO | io.BufferedReader:
    return io.BytesIO(local) if isinstance(local, bytes) else local.open("rb")
