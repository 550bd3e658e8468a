"""What is printed where: results on standard output, errors on standard error."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text
from ruamel.yaml import YAML

from cli.errors import CliError, Problem
from cli.language import tr
from cli.text import harmless

# Piped tables must not be cut at 80 columns.
WIDTH_WITHOUT_TERMINAL = 220
STYLES = {
    "healthy": "green",
    "ready": "green",
    "succeeded": "green",
    "ok": "green",
    "true": "green",
    "Running": "green",
    "already": "dim",
    "skipped": "dim",
    "changed": "green",
    "would change": "yellow",
    "progressing": "yellow",
    "installing": "yellow",
    "running": "cyan",
    "warning": "yellow",
    "repair": "yellow",
    "degraded": "yellow",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "unhealthy": "red",
    "failed": "red",
    "error": "red",
    "false": "red",
}


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"

    @property
    def tables(self) -> bool:
        """Whether it is for people."""
        return self in (Format.TABLE, Format.WIDE)


def tolerant(stream: TextIO) -> TextIO:
    """The stream, made to print a `?` for what its encoding does not have instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream


def _console(stream: TextIO) -> Console:
    console = Console(file=tolerant(stream), markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(
            file=stream, markup=False, highlight=False, emoji=False, width=WIDTH_WITHOUT_TERMINAL, no_color=True
        )
    return console


class Output:
    """The two streams and the format.

    With `-o json` or `-o yaml` standard output carries exactly one document; all else goes to standard error.
    """

    def __init__(self, form: Format = Format.TABLE) -> None:
        self.form = form
        self.result = _console(sys.stdout)
        self.errors = _console(sys.stderr)

    @property
    def people(self) -> Console:
        """Where words for people go: beside the tables, or out of the way of a document."""
        return self.result if self.form.tables else self.errors

    def table(
        self, columns: Sequence[str], wide: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = ""
    ) -> RenderableType:
        """A table whose last columns, `wide`, are shown with `-o wide` alone."""
        also = 0 if self.form is Format.WIDE else len(wide)
        return table((*columns, *wide), rows, empty=empty, also=also)

    def say(self, line: str = "", style: str = "") -> None:
        """One line for people."""
        self.people.print(Text(line, style=style), soft_wrap=True)

    def warn(self, line: str) -> None:
        """One line on standard error."""
        self.errors.print(Text(line, style="yellow"), soft_wrap=True)

    def show(self, data: Any, *renderables: RenderableType | None) -> None:
        """`data` as a document, or the renderables where tables are asked for."""
        if self.form is Format.JSON:
            print(json.dumps(data, indent=2, ensure_ascii=not _is_unicode(sys.stdout)), flush=True)
        elif self.form is Format.YAML:
            yaml = YAML()
            yaml.default_flow_style = False
            yaml.allow_unicode = _is_unicode(sys.stdout)
            yaml.dump(data, sys.stdout)
            sys.stdout.flush()
        else:
            for renderable in renderables:
                if renderable is not None:
                    self.result.print(renderable)

    def line(self, data: Any) -> None:
        """One row of an endless output: a line of JSON, or a document of YAML."""
        if self.form is Format.YAML:
            print("---")
            self.show(data)
        else:
            print(json.dumps(data, ensure_ascii=not _is_unicode(sys.stdout)), flush=True)

    def error(self, error: CliError) -> None:
        """The error in words on standard error, and as a document where documents are asked for."""
        self.errors.print(Text.assemble((tr(error.label), "bold red"), error.message), soft_wrap=True)
        for line in _details(error):
            self.errors.print(Text(f"  {line}"), soft_wrap=True)
        if error.hint:
            self.errors.print(Text.assemble((tr(error.hint_label), "bold"), error.hint), soft_wrap=True)
        if not self.form.tables:
            self.show({"error": error.to_json()})


def _details(error: CliError) -> Iterable[str]:
    if not isinstance(error, Problem):
        return
    for fault in error.body.get("errors") or []:
        yield from _fault(place(fault.get("field"), fault), fault.get("message"), fault.get("hint"))
    for finding in error.body.get("findings") or []:
        label = f"{finding.get('level', 'error')}: {place(finding.get('path'), finding)}".removesuffix(": ")
        yield from _fault(label, finding.get("message"), finding.get("fix"))


def place(field: object, data: Mapping[str, Any]) -> str:
    """Where a fault is: the field, the line, the column, as far as they are known."""
    parts = [str(field)] if field else []
    parts += [f"{name} {data[name]}" for name in ("line", "column") if data.get(name)]
    return ", ".join(parts)


def _fault(where: str, message: object, fix: object) -> Iterable[str]:
    yield f"{where}: {message}" if where else str(message)
    if fix:
        yield tr("  fix: {fix}", fix=fix)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "", also: int = 0
) -> RenderableType:
    """A table without lines; known states are coloured. Words that are too long for the terminal are folded.

    The last `also` columns are left out.
    """
    body = [row[: len(columns) - also] for row in rows]
    columns = columns[: len(columns) - also]
    if not body:
        return Text(empty or tr("none"), style="dim")
    grid = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        grid.add_column(column.upper(), overflow="fold")
    for row in body:
        grid.add_row(*(cell(value) for value in row))
    return grid


def cell(value: object) -> Text:
    """One value of a table."""
    if isinstance(value, bool):
        word = tr("yes") if value else tr("no")
    elif isinstance(value, float):
        word = f"{value:.0f}"
    elif isinstance(value, (list, tuple)):
        word = ",".join(map(str, value)) or "-"
    else:
        word = "-" if value in (None, "") else "\n".join(map(harmless, str(value).splitlines()))
    return Text(word, style=STYLES.get(word, ""))


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") in ("utf8", "utf8sig")
