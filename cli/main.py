"""`3kctl`, the entry."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, TextIO

import typer

from cli.commands import (
    adopt,
    backup,
    ceph,
    clusters,
    contexts,
    deploy,
    doctor,
    events,
    fleet,
    keys,
    observe,
    operations,
    rotate,
    service,
    webhooks,
)
from cli.help import epilog, localized
from cli.language import CHINESE, language, translate_libraries
from cli.output import tolerant
from cli.verb import (
    Connection,
    ContextOption,
    KeyOption,
    OutputOption,
    ServerOption,
    own_version,
)

app = typer.Typer(
    name="3kctl",
    help="Turn bare servers into a 3k platform, and see how it is. A client of the Sanqian service.",
    epilog=epilog(),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"3kctl {own_version()}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    server: ServerOption = "",
    access_key: KeyOption = "",
    context: ContextOption = "",
    output: OutputOption = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    ctx.obj = Connection(server, access_key, context, output)


service.add_to(app)
doctor.add_to(app)
contexts.add_to(app)
deploy.add_to(app)
clusters.add_to(app)
adopt.add_to(app)
observe.add_to(app)
events.add_to(app)
ceph.add_to(app)
backup.add_to(app)
rotate.add_to(app)
keys.add_to(app)
operations.add_to(app)
webhooks.add_to(app)
fleet.add_to(app)


def program() -> Any:
    """The command line in the user's language."""
    command = typer.main.get_command(app)
    if language() != CHINESE:
        return command
    translate_libraries()
    return localized(command)


def main() -> None:
    """Run the command line; the process ends with one of `cli.errors.Code`."""
    if not (_shows_chinese(sys.stdout) and _shows_chinese(sys.stderr)):
        os.environ["LANGUAGE"] = "en"
    tolerant(sys.stdout)
    tolerant(sys.stderr)
    program()(prog_name="3kctl")


def _shows_chinese(stream: TextIO) -> bool:
    try:
        "\u4e2d".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
