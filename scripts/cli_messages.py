"""`make messages`: all texts of `3kctl` into the catalog, and the catalog compiled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from cli.help import paragraphs
from cli.language import LOCALES
from cli.main import app
from scripts.messages import compiled
from scripts.messages import read as read_service
from scripts.titles import collected
from tasks.plans import PLANS

ROOT = Path(__file__).resolve().parent.parent
PO = LOCALES / "zh" / "LC_MESSAGES" / "3kctl.po"
MO = PO.with_suffix(".mo")
# The words of the command line's own library.
LIBRARY = (
    "Usage: ",
    "Arguments",
    "Options",
    "Commands",
    "required",
    "default: {default}",
    "Show this message and exit.",
    "Missing command.",
    "No such command {name!r}.",
    "Aborted!",
)


def texts() -> set[str]:
    """Every text that people may see."""
    found = {message for _, _, message, _, _ in extract_from_dir(ROOT / "cli", keywords={"tr": None, "N_": None})}
    known = {text for text in found if isinstance(text, str)} | set(LIBRARY) | set(titles())
    return known | set(helps(typer.main.get_command(app)))


def titles() -> dict[str, str]:
    """What the service calls steps and operations, with its translation: there is one of each, for pages and 3kctl."""
    service = read_service()
    wanted = {*collected(ROOT / "tasks" / "plans"), *(plan.title for plan in PLANS.values())}
    return {text: str(service[text].string) if text in service else "" for text in sorted(wanted)}


def helps(command: Any) -> Iterator[str]:
    """The texts of a command's help and of all below it."""
    yield from paragraphs(command.help or "")
    for parameter in command.params:
        if getattr(parameter, "help", None):
            yield parameter.help
    for child in getattr(command, "commands", {}).values():
        yield from helps(child)


def read() -> Catalog:
    """The catalog as it is checked in."""
    with PO.open("rb") as stream:
        return read_po(stream, locale="zh", domain="3kctl")


def write(catalog: Catalog) -> None:
    """Both files."""
    with PO.open("wb") as stream:
        write_po(stream, catalog, sort_output=True, omit_header=False, width=0)
    MO.write_bytes(compiled(read()))


def main() -> None:
    """Add what is new, drop what is gone, keep what is translated."""
    before = read() if PO.exists() else Catalog()
    catalog = Catalog(locale="zh", domain="3kctl", project="3kctl", fuzzy=False)
    given = titles()
    for text in texts():
        known = before.get(text)
        catalog.add(text, given.get(text) or (known.string if known else ""))
    PO.parent.mkdir(parents=True, exist_ok=True)
    write(catalog)
    empty = [message.id for message in read() if message.id and not message.string]
    print(f"{len(catalog)} texts, {len(empty)} without a translation: {PO.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
