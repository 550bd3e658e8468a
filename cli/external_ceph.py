"""A Ceph that is run elsewhere: the options that tell which, and its user's key."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import CliError
from cli.language import tr
from cli.operate import names
from cli.verb import Session

LARGEST = 64 * 1024
VARIABLE = "SANQIAN_CEPH_KEY"
# A line of a keyring, as `ceph auth get` prints it.
_LINE = re.compile(r"^\s*key\s*=\s*(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class ExternalCeph:
    """Which Ceph, and how it is used."""

    fsid: Annotated[str, typer.Option(metavar="UUID", help="External Ceph: its id, as `ceph fsid` prints it.")] = ""
    monitor: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="External Ceph: a monitor; repeatable, name all.", show_default=False),
    ] = None
    filesystem: Annotated[str, typer.Option(metavar="NAME", help="External Ceph: its file system.")] = ""
    ceph_user: Annotated[str, typer.Option(metavar="NAME", help="External Ceph: user, without `client.`.")] = ""
    key_file: Annotated[
        str, typer.Option(metavar="FILE", help="External Ceph: file with the user's key or keyring; - for the input.")
    ] = ""
    pool: Annotated[str, typer.Option(metavar="NAME", help="External Ceph: data pool [default: the first].")] = ""
    subvolume_group: Annotated[str, typer.Option(metavar="NAME", help="External Ceph: group [default: csi].")] = ""
    class_name: Annotated[
        str, typer.Option(metavar="NAME", help="External Ceph: StorageClass [default: ceph-filesystem].")
    ] = ""
    not_default: Annotated[
        bool, typer.Option("--not-default", help="External Ceph: leave the default StorageClass as it is.")
    ] = False

    @property
    def given(self) -> str:
        """The first option that was given, empty where none was."""
        flags = ("fsid", "monitor", "filesystem", "ceph_user", "key_file", "pool", "subvolume_group", "class_name")
        found = [name for name in (*flags, "not_default") if getattr(self, name)]
        return f"--{found[0].replace('_', '-')}" if found else ""

    def params(self) -> dict[str, Any]:
        """The operation's parameters, but those that were left out."""
        given: dict[str, Any] = {
            "cluster_id": self.fsid,
            "monitors": names(self.monitor),
            "filesystem": self.filesystem,
            "user": self.ceph_user,
            "pool": self.pool,
            "subvolume_group": self.subvolume_group,
            "storage_class": self.class_name,
        }
        found = {name: value for name, value in given.items() if value}
        return found | ({"make_default": False} if self.not_default else {})

    def store_key(self, session: Session, cluster: Mapping[str, Any]) -> None:
        """Hand the key over, where one is given. Raises `CliError`."""
        if key := self._key():
            session.client.patch_cluster(cluster["id"], {"ceph_key": key})

    def _key(self) -> str:
        if not self.key_file:
            return os.environ.get(VARIABLE, "").strip()
        try:
            text = sys.stdin.read(LARGEST) if self.key_file == "-" else Path(self.key_file).read_text("ascii")[:LARGEST]
        except (OSError, UnicodeDecodeError) as error:
            raise CliError(
                tr("{key_file} cannot be read as a key: {error}.", key_file=self.key_file, error=error)
            ) from error
        found: list[str] = _LINE.findall(text) or text.split()
        if len(found) != 1:
            raise CliError(
                tr("{key_file} holds {found} keys.", key_file=self.key_file, found=len(found)),
                hint=tr("Give a file with the one key of the user."),
            )
        return found[0]
