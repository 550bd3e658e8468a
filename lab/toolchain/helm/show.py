"""How helm prints releases and tables."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from lab.toolchain.common.objects import Obj, parse_time
from lab.toolchain.helm.releases import chart_label


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [[str(cell) for cell in row] for row in [columns, *rows]]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    return "\n".join("\t".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)


def output(value: Any, form: str) -> str:
    if form == "json":
        return json.dumps(value, separators=(",", ":"))
    return yaml.safe_dump(value, sort_keys=False).removesuffix("...\n").rstrip("\n")


def release_text(release: Obj) -> str:
    """What install, upgrade and status print."""
    info = release["info"]
    at = parse_time(info["last_deployed"][:26] + "Z").strftime("%a %b %e %H:%M:%S %Y")
    lines = [
        f"NAME: {release['name']}",
        f"LAST DEPLOYED: {at}",
        f"NAMESPACE: {release['namespace']}",
        f"STATUS: {info['status']}",
        f"REVISION: {release['version']}",
        "TEST SUITE: None",
    ]
    if info.get("notes"):
        lines += ["NOTES:", info["notes"]]
    return "\n".join(lines)


def public(release: Obj) -> Obj:
    """The release as ``-o json`` shows it."""
    shown = ("name", "info", "config", "manifest", "version", "namespace")
    return {key: release[key] for key in shown if release.get(key)}


def list_row(release: Obj) -> dict[str, str]:
    at = parse_time(release["info"]["last_deployed"][:26] + "Z")
    return {
        "name": release["name"],
        "namespace": release["namespace"],
        "revision": str(release["version"]),
        "updated": at.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC"),
        "status": release["info"]["status"],
        "chart": chart_label(release),
        "app_version": str(release["chart"]["metadata"].get("appVersion", "")),
    }


def history_row(release: Obj) -> dict[str, Any]:
    return {
        "revision": release["version"],
        "updated": release["info"]["last_deployed"],
        "status": release["info"]["status"],
        "chart": chart_label(release),
        "app_version": str(release["chart"]["metadata"].get("appVersion", "")),
        "description": release["info"]["description"],
    }


def rows(found: Sequence[Mapping[str, Any]], form: str, columns: Sequence[str]) -> str:
    """A list of rows in the form asked for; `columns` are their keys."""
    if form != "table":
        return output(list(found), form)
    heads = [column.replace("_", " ").upper() for column in columns]
    return table(heads, [[row[column] for column in columns] for row in found])
