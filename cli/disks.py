"""Disks for Ceph: the options that name them, and the table that says what becomes of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.errors import CliError
from cli.language import N_, tr
from cli.output import table
from cli.text import bytes_size

USES = {"use": N_("use"), "keep": N_("has it already"), "wipe": N_("WIPE and use"), "no": N_("leave alone")}


@dataclass(frozen=True)
class DiskOptions:
    """Which disks Ceph shall have. Without any, all eligible ones."""

    disk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PATH",
            help="Ceph: only this disk, by its /dev/disk/by-id path; repeatable.",
            show_default=False,
        ),
    ] = None
    wipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PATH:SERIAL",
            help="Ceph: take this disk although it carries data, which is lost; repeatable.",
            show_default=False,
        ),
    ] = None
    single_node: Annotated[
        bool, typer.Option("--single-node", help="Ceph: one copy of everything, on fewer than three hosts.")
    ] = False

    @property
    def given(self) -> bool:
        return bool(self.disk or self.wipe or self.single_node)

    def params(self) -> dict[str, Any]:
        """The operation's parameters. Raises `CliError`."""
        wipe = [_wipe(text) for text in self.wipe or []]
        return {"disks": [_disk(text) for text in self.disk or []], "wipe": wipe, "single_node": self.single_node}


def _disk(text: str) -> dict[str, str]:
    host, _, path = text.partition(":")
    if not host or not path.startswith("/"):
        raise CliError(
            tr("--disk {value} is no HOST:PATH.", value=text),
            hint=tr("For example --disk worker1:/dev/disk/by-id/wwn-0x5000c500."),
        )
    return {"host": host, "disk": path}


def _wipe(text: str) -> dict[str, str]:
    rest, _, serial = text.rpartition(":")
    host, _, path = rest.partition(":")
    if not host or not path.startswith("/") or not serial:
        raise CliError(
            tr("--wipe {value} is no HOST:PATH:SERIAL.", value=text),
            hint=tr("`3kctl deploy install ceph --plan` lists paths and serial numbers."),
        )
    return {"host": host, "disk": path, "serial": serial}


def disks_table(detail: Mapping[str, Any]) -> RenderableType | None:
    """What becomes of each disk of the storage hosts; None where the operation looked at none."""
    found = [one for step in detail.get("steps") or [] for one in (step.get("result") or {}).get("disks") or []]
    found = [one for one in found if isinstance(one, Mapping) and "use" in one]
    if not found:
        return None
    order = list(USES)
    found.sort(key=lambda one: (order.index(one["use"]) if one["use"] in order else 9, str(one.get("host"))))
    rows = (
        (
            one.get("host"),
            one.get("disk"),
            bytes_size(one.get("size")),
            "HDD" if one.get("rotational") else "SSD",
            one.get("model"),
            one.get("serial"),
            tr(USES.get(one["use"], one["use"])),
            one.get("reasons"),
        )
        for one in found
    )
    return table(
        (tr("host"), tr("disk"), tr("size"), tr("type"), tr("model"), tr("serial"), tr("Ceph"), tr("because")), rows
    )
