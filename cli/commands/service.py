"""`up` and `version`: the service itself."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.completion import get_completion_script

from cli.errors import CliError
from cli.language import tr
from cli.verb import Session, own_version, verb


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command(
        "up",
        context_settings={
            "allow_extra_args": True,
            "ignore_unknown_options": True,
            "allow_interspersed_args": False,
        },
    )(up)
    verb(app, "version")(show_version)
    app.command("completion")(completion)


def up(
    context: typer.Context,
    data_directory: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            envvar="SANQIAN_DATA_DIRECTORY",
            help="Where everything is kept [default: /var/lib/sanqian for root, else the user's data directory].",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the service on this machine.")] = 8300,
) -> None:
    """Run the whole service on this machine until Ctrl-C: database, broker, web, worker and clock.

    Other options are handed to the service: --host ADDRESS, --concurrency N, --stop (end the service that runs on
    this data), and, last of all, --manage COMMAND ... (for example: 3kctl up --manage create_access_key CUSTOMER).
    """
    command = [sys.executable, "-m", "sanqian_service.up", "--port", str(port)]
    if data_directory is not None:
        command += ["--data-directory", str(data_directory.expanduser().resolve())]
    command += context.args
    sys.stdout.flush()
    sys.stderr.flush()
    # Replacing this process hands over every signal, the terminal and the exit code with nothing in between.
    os.execv(command[0], command)  # noqa: S606


class Shell(StrEnum):
    """Whose completion there is."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Your shell.")]) -> None:
    """Print what makes a shell complete verbs, options and the names of clusters, operations, hosts and contexts.

    bash: source <(3kctl completion bash), in ~/.bashrc; zsh: the same in ~/.zshrc, after compinit; fish:
    3kctl completion fish > ~/.config/fish/completions/3kctl.fish. --install-completion writes it for you.
    """
    print(get_completion_script(prog_name="3kctl", complete_var="_3KCTL_COMPLETE", shell=shell.value))


def show_version(session: Session) -> None:
    """The version of this program, and of the service where it answers."""
    answer: dict[str, object] = {"client": own_version(), "server": None, "address": session.server, "error": None}
    if session.access_key:
        try:
            answer["server"] = session.client.get_whoami().get("version")
        except CliError as error:
            answer["error"] = error.message
    else:
        answer["error"] = tr("not asked without an access key")
    session.output.show(
        answer,
        tr("3kctl {client}", client=answer["client"]),
        tr("service {server}", server=answer["server"] or tr("unknown: {error}", error=answer["error"])),
    )
