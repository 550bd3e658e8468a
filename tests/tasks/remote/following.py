"""Helpers for tests of detached jobs."""

from __future__ import annotations

import time
from pathlib import Path

from tasks.remote import Remote, job


def read_all(remote: Remote, job_id: str, root: str, offset: int = 0, **options: object) -> tuple[job.Progress, bytes]:
    """Follow to the end."""
    data = b""
    deadline = time.monotonic() + 40
    while True:
        progress = job.follow(remote, job_id, offset, wait=5, root=root, **options)  # type: ignore[arg-type]
        data += progress.data
        offset = progress.offset
        if progress.complete:
            return progress, data
        assert time.monotonic() < deadline, progress


def keeper(root: str, job_id: str) -> int:
    return int(str(Path(root, job_id, "claim").readlink()).split()[0])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
