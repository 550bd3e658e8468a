"""The help in Chinese: the texts of the whole command line, in lines that are cut where Chinese may be cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer
from rich.cells import cell_len

from cli.errors import EXIT_CODES
from cli.language import tr

COLUMN = 30
# A Chinese letter with the punctuation that must not begin a line, a word, or the space between.
_STOPS, _LETTERS = "，。；：、！？）》」", r"\u2e80-\u9fff\uff00-\uffef"
_PIECE = re.compile(rf"(?:[{_LETTERS}]|[^\s{_LETTERS}]+)[{_STOPS}]*|\s+")
_BASE: Any = typer.Context.formatter_class


def epilog() -> str:
    """What stands below the help of the program; `\\b` keeps its lines as they are."""
    lines = [f"  {code:<4} {tr(meaning)}" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["\b", tr("Exit codes:"), *lines])


def localized(command: Any, root: bool = True) -> Any:
    """`command` with all its texts, and those of the commands below it, in the user's language."""
    command.context_class = _Context
    if command.help:
        command.help = "\n\n".join(map(tr, paragraphs(command.help)))
        command.short_help = re.split(r"(?<=[。；])|\n\n", command.help, maxsplit=1)[0].rstrip("。；")
    if root:
        command.epilog = epilog()
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = tr(parameter.help)
    for child in getattr(command, "commands", {}).values():
        localized(child, root=False)
    return command


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a help, each on one line: the unit of translation."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def fold(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; a Chinese letter has two."""
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line and cell_len(line) + cell_len(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


class _Formatter(_BASE):
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or tr("Usage: "))

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for number, part in enumerate(text.split("\n\n")):
            lines = part.split("\n")[1:] if part.startswith("\b") else fold(part, self.width - len(indent))
            self.write("\n" if number else "")
            self.write("".join(f"{indent}{line}\n" for line in lines))

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = COLUMN, col_spacing: int = 2) -> None:
        first = min(max(cell_len(row[0]) for row in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for term, text in rows:
            lines = fold(tr(text), max(self.width - first - 2, 10)) or [""]
            if cell_len(term) > first - col_spacing:
                self.write(f"{indent}{term}\n")
                term = ""
            self.write(f"{indent}{term}{' ' * (first - cell_len(term))}{lines[0]}".rstrip() + "\n")
            self.write("".join(f"{indent}{' ' * first}{line}\n" for line in lines[1:]))


class _Context(typer.Context):
    formatter_class = _Formatter
