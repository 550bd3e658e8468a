"""Archives whose bytes follow from their content alone: tar, zip applications, Debian packages."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can name


@dataclass(frozen=True)
class File:
    """Content of a file and its mode."""

    data: bytes
    mode: int = 0o644

    @classmethod
    def text(cls, text: str, mode: int = 0o644) -> File:
        return cls(text.encode(), mode)


Tree = dict[str, File]


def write_tar(tree: Mapping[str, File], out: gzip.GzipFile | io.BytesIO, prefix: str = "") -> None:
    """Write a tar archive in the order of the names, with the directories on the way."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        seen: set[str] = set()
        for name in sorted(tree):
            for parent in reversed(PurePosixPath(name).parents[:-1]):
                if str(parent) not in seen:
                    seen.add(str(parent))
                    member = tarfile.TarInfo(f"{prefix}{parent}")
                    member.type, member.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(member)
            member = tarfile.TarInfo(prefix + name)
            member.size, member.mode = len(tree[name].data), tree[name].mode
            archive.addfile(member, io.BytesIO(tree[name].data))


def tar_gz(tree: Mapping[str, File], prefix: str = "") -> bytes:
    out = io.BytesIO()
    write_tar(tree, out, prefix)
    return gzip.compress(out.getvalue(), mtime=0)


def application(tree: Mapping[str, File]) -> bytes:
    """A program for ``/usr/bin/env python3``; ``DIGEST`` in it names its content."""
    digest = hashlib.sha256()
    for name in sorted(tree):
        digest.update(f"{name}\0{len(tree[name].data)}\0".encode() + tree[name].data)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [("DIGEST", digest.hexdigest()[:16].encode()), *((n, tree[n].data) for n in sorted(tree))]:
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(member, data)
    return b"#!/usr/bin/env python3\n" + out.getvalue()


def deb(name: str, version: str, description: str, tree: Mapping[str, File], arch: str = "amd64") -> bytes:
    """A binary Debian package (deb(5)), format 2.0. `tree` has absolute paths without the leading slash."""
    size = sum(len(file.data) for file in tree.values())
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: Sanqian lab <lab@localhost>\n"
        f"Installed-Size: {-(-size // 1024)}\nSection: net\nPriority: optional\nDescription: {description}\n"
    )
    sums = "".join(f"{_md5(file.data)}  {path}\n" for path, file in sorted(tree.items()))
    meta = {"control": File.text(control), "md5sums": File.text(sums)}
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": tar_gz(meta, "./"),
        "data.tar.gz": tar_gz(tree, "./"),
    }
    return b"!<arch>\n" + b"".join(_ar_member(member, data) for member, data in members.items())


def _ar_member(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return header + data + (b"\n" if len(data) % 2 else b"")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def packages_index(debs: Iterable[tuple[str, bytes]]) -> str:
    """The ``Packages`` file of an apt repository: (path in the repository, package)."""
    entries = []
    for path, data in debs:
        control = _control_of(data)
        entries.append(f"{control}Filename: {path}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n")
    return "\n".join(entries)


def _control_of(data: bytes) -> str:
    at = data.index(b"control.tar.gz")
    size = int(data[at + 48 : at + 58])
    with tarfile.open(fileobj=io.BytesIO(data[at + 60 : at + 60 + size])) as archive:
        file = archive.extractfile("./control")
        return file.read().decode() if file else ""
