"""Snapshots of the SIMULATED etcd: a tar archive of the members' list and of the data that an API server keeps."""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from lab.toolchain.common import faults
from lab.toolchain.etcd.member import Member, Unavailable, journal, member

MEMBERS, JOURNAL = "member/members.json", "member/journal.jsonl"


def save(path: Path, members: Sequence[Member]) -> int:
    """``snapshot save``: its exit code. Every member holds the same data, wherever the API server keeps them."""
    texts = []
    for one in members:
        try:
            texts.append(journal(one["address"]))
        except Unavailable:
            continue
    try:
        with tarfile.open(path, "w") as archive:
            _add(archive, MEMBERS, json.dumps(list(members)).encode())
            _add(archive, JOURNAL, max(texts, key=_version, default=b""))
    except OSError as error:
        print(f"Error: could not write {path}: {error} (SIMULATED)", file=sys.stderr)
        return 1
    print(f"Snapshot saved at {path} (SIMULATED)")
    return 0


def status(path: Path) -> int:
    """``snapshot status -w json``: its exit code."""
    data = _journal(path)
    if data is None:
        return 1
    size = path.stat().st_size
    told = {"hash": zlib.crc32(data), "revision": _version(data), "totalKey": data.count(b"\n"), "totalSize": size}
    print(json.dumps(told, separators=(",", ":")))
    return 0


def restore(path: Path, options: argparse.Namespace) -> int:
    """``snapshot restore``: a data directory for one member of a cluster of the members named. Its exit code."""
    data = _journal(path)
    if data is None:
        return 1
    named = [entry.partition("=") for entry in options.initial_cluster.split(",") if entry]
    if options.name not in {name for name, _, _ in named}:
        print(f'Error: couldn\'t find local name "{options.name}" in the initial cluster (SIMULATED)', file=sys.stderr)
        return 1
    if options.data_dir.exists():
        print(f'Error: data-dir "{options.data_dir}" exists (SIMULATED)', file=sys.stderr)
        return 1
    if options.bump_revision:
        top = _version(data) + options.bump_revision
        data += json.dumps({"version": top, "key": ["", "bumped", "", ""], "obj": None}).encode() + b"\n"
    directory = options.data_dir / "member"
    directory.mkdir(parents=True, mode=0o700)
    (directory / "journal.jsonl").write_bytes(data)
    try:
        if (fault := faults.strike("etcdctl:restore")) and fault.do == "half":
            faults.die()
    except faults.FaultStruck as error:
        print(f"Error: {error} (SIMULATED)", file=sys.stderr)
        return 1
    members = [member(name, url.removeprefix("https://").rpartition(":")[0]) for name, _, url in named]
    (directory / "members.json").write_text(json.dumps(members))
    print(f"restored {options.name} into {options.data_dir} as a member of {len(members)} (SIMULATED)")
    return 0


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _journal(path: Path) -> bytes | None:
    """The data in a snapshot; None, with etcdctl's words, where it is none."""
    try:
        with tarfile.open(path) as archive:
            found = archive.extractfile(JOURNAL)
            return found.read() if found else b""
    except (OSError, KeyError, tarfile.TarError):
        print("Error: snapshot file integrity check failed (SIMULATED)", file=sys.stderr)
        return None


def _version(data: bytes) -> int:
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    return max((int(json.loads(line)["version"]) for line in lines[-1:]), default=0)
