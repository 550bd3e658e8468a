"""Snapshots of the SIMULATED etcd: a tar archive of the member's data directory."""

from __future__ import annotations

import json
import sys
import tarfile
import zlib
from pathlib import Path

MEMBER = Path("/var/lib/etcd/member")


def save(path: Path) -> int:
    """``snapshot save``: its exit code."""
    if not MEMBER.is_dir():
        print("Error: context deadline exceeded (SIMULATED)", file=sys.stderr)
        return 1
    try:
        with tarfile.open(path, "w") as archive:
            archive.add(MEMBER, "member")
    except OSError as error:
        print(f"Error: could not write {path}: {error} (SIMULATED)", file=sys.stderr)
        return 1
    print(f"Snapshot saved at {path} (SIMULATED)")
    return 0


def status(path: Path) -> int:
    """``snapshot status -w json``: its exit code."""
    try:
        with tarfile.open(path) as archive:
            names = archive.getnames()
            journal = archive.extractfile("member/journal.jsonl") if "member/journal.jsonl" in names else None
            keys = len(journal.read().splitlines()) if journal else 0
        data = path.read_bytes()
    except (OSError, tarfile.TarError):
        print("Error: snapshot file integrity check failed (SIMULATED)", file=sys.stderr)
        return 1
    told = {"hash": zlib.crc32(data), "revision": keys, "totalKey": keys, "totalSize": len(data)}
    print(json.dumps(told, separators=(",", ":")))
    return 0
