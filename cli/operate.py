"""Asking for an operation: its options, its parameters, and what follows."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import RenderableType

from cli import complete
from cli.artifact import artifact_parameter
from cli.disks import disks_table
from cli.errors import CliError, Code, Problem
from cli.follow import conclude, findings_table, follow, plan_table
from cli.language import tr
from cli.releases import changes_table, releases_table
from cli.text import parse_duration
from cli.verb import Session

if TYPE_CHECKING:
    from cli.api import types

ClusterArgument = Annotated[
    str,
    typer.Argument(
        metavar="CLUSTER",
        help="Name or id; may be left out while you have only one.",
        autocompletion=complete.clusters,
    ),
]
ConfirmOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="The cluster's name; asked for on a terminal when left out.",
        autocompletion=complete.clusters,
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", "--plan", help="Only look: say what would change.")]


def checked_duration(text: str) -> str:
    """An option's duration, refused on the command line where it is none."""
    if text:
        try:
            parse_duration(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return text


def seconds(text: str) -> float | None:
    """An option's duration; None where it was left out."""
    return parse_duration(text) if text else None


TimeoutOption = Annotated[
    str, typer.Option(metavar="DURATION", callback=checked_duration, help="Stop following after e.g. 90s, 10m, 2h30m.")
]


@dataclass(frozen=True)
class Waiting:
    """Whether and how long to follow what was asked for."""

    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--detach",
            help="Follow it to its end, or print its id and stop [default: wait].",
            show_default=False,
        ),
    ] = True
    timeout: TimeoutOption = ""


@dataclass(frozen=True)
class What:
    """What the operation shall do."""

    artifact: Annotated[
        str,
        typer.Option(
            metavar="URL|NAME|/DIR",
            help="The offline artifact: a URL, a file below the service's artifact directory, or a directory "
            "unpacked on the first control-plane host [default: the service's own].",
        ),
    ] = ""
    sha256: Annotated[str, typer.Option(metavar="HEX", help="Checksum of the artifact.")] = ""
    ignore_preflight: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Preflight finding to take as a warning; repeatable.", show_default=False),
    ] = None
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other parameter of the operation; VALUE is JSON or a word; repeatable.",
            show_default=False,
        ),
    ] = None
    dry_run: DryRunOption = False

    def params(self, **more: Any) -> dict[str, Any]:
        """The operation's parameters. Raises `CliError`."""
        params = {name: value for name, value in more.items() if value}
        if artifact := artifact_parameter(self.artifact, self.sha256):
            params["artifact"] = artifact
        if codes := names(self.ignore_preflight):
            params["ignore_preflight"] = codes
        return params | dict(map(assignment, self.parameter or []))


def confirmed(session: Session, cluster: str, given: str, what: str) -> str:
    """The cluster's name, typed as a confirmation: `given`, or asked for on a terminal. Raises `CliError`."""
    if not given:
        if not sys.stdin.isatty():
            raise CliError(
                tr("{what} It must be confirmed.", what=what),
                hint=tr("Pass --confirm {cluster}, or run on a terminal.", cluster=cluster),
            )
        session.output.errors.print(
            tr("{what} Type the name of the cluster ({cluster}): ", what=what, cluster=cluster), end=""
        )
        given = input().strip()
    if given != cluster:
        raise CliError(
            tr("Nothing was done: {given} is not the name of the cluster.", given=repr(given)),
            hint=tr("It is {cluster}.", cluster=cluster),
        )
    return given


def names(given: list[str] | None) -> list[str]:
    """Names, given repeatedly or with commas between, each once."""
    words = (word.strip() for text in given or [] for word in text.split(","))
    return list(dict.fromkeys(word for word in words if word))


def assignment(text: str) -> tuple[str, Any]:
    """`key=value`, the value as JSON or a word. Raises `CliError`."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise CliError(tr("{value} is no KEY=VALUE.", value=text), hint=tr("For example drift_hours=12."))
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def operate(
    session: Session,
    cluster: Mapping[str, Any],
    kind: str,
    params: Mapping[str, Any],
    waiting: Waiting,
    *,
    dry_run: bool = False,
    secrets: Mapping[str, str] | None = None,
) -> types.OperationDetail | None:
    """Start an operation and follow it to a success, whose detail is returned; None when detached.

    Raises `typer.Exit` with the exit code of a failure, `CliError` for everything else.
    """
    body = {"kind": kind, "params": dict(params), "dry_run": dry_run, **({"secrets": dict(secrets)} if secrets else {})}
    try:
        # Which parameters go with a kind, the service says better: `--set` gives any.
        operation = session.client.post_cluster_operations(cluster["id"], cast("types.NewOperationRequest", body))
    except Problem as error:
        if error.code is Code.BUSY and error.body.get("operation"):
            running = error.body["operation"]
            ident = running.get("id") if isinstance(running, Mapping) else running
            error.hint = tr(
                "Watch it with `3kctl follow {ident}`, or stop it with `3kctl cancel {ident}`.", ident=ident
            )
        raise
    return watch(session, operation, waiting)


def watch(session: Session, operation: Mapping[str, Any], waiting: Waiting) -> types.OperationDetail | None:
    """Follow an operation that was accepted, unless detached, and conclude it (see `operate`)."""
    ident = operation["id"]
    for note in operation["notes"]:
        session.output.say(tr("Note: {note}", note=note))
    if not waiting.wait:
        session.output.show(dict(operation))
        session.output.say(
            tr("{kind} {ident} is {state}.", kind=operation["kind"], ident=ident, state=operation["state"])
        )
        session.output.say(tr("Follow it with:  3kctl follow {ident}", ident=ident))
        return None
    detail = follow(session, ident, timeout=seconds(waiting.timeout))
    shown: list[RenderableType | None] = [
        findings_table(detail),
        disks_table(detail),
        releases_table(detail),
        changes_table(detail),
    ]
    if detail.get("dry_run"):
        shown.append(plan_table(detail))
    elif detail["state"] != "succeeded":
        for part in filter(None, shown):
            session.output.people.print(part)
    if code := conclude(session, detail, *shown):
        raise typer.Exit(code)
    return detail
