"""`fleet`: what the service itself is doing, for operators."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.errors import CliError
from cli.language import tr
from cli.output import table
from cli.text import duration
from cli.verb import Session, verb


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    verb(app, "fleet")(fleet)


def fleet(
    session: Session,
    user: Annotated[
        str, typer.Option(metavar="NAME", envvar="SANQIAN_USER", help="Operator who may view operations.")
    ] = "admin",
) -> None:
    """Queues, workers and what is under way. For operators: staff of the admin site, not access keys.

    The password is taken from SANQIAN_PASSWORD, or asked for.
    """
    with session.operator(user, password(user)) as client:
        seen = client.get_fleet()
    states = [f"{count} {state}" for state, count in seen["operations"].items() if count]
    steps = tr(
        "steps: {waiting} waiting, oldest {oldest_seconds}, {overdue} overdue",
        waiting=seen["waiting"],
        oldest_seconds=_age(seen["oldest_seconds"]),
        overdue=seen["overdue"],
    )
    session.output.show(
        seen,
        None
        if seen["broker"]
        else Text(tr("The broker does not answer: queues and workers are unknown."), style="red"),
        table((tr("queue"), tr("waiting"), tr("oldest")), (_queue(queue) for queue in seen["queues"])),
        Text(""),
        table(
            (tr("worker"), tr("alive"), tr("pid"), tr("slots"), tr("busy"), tr("steps"), tr("operations")),
            (_worker(worker) for worker in seen["workers"]),
            empty=(tr("no worker answers") if seen["broker"] else tr("workers unknown")),
        ),
        Text(""),
        Text(tr("operations: ") + (", ".join(states) or tr("none"))),
        Text(steps),
        Text(""),
        table(
            (tr("customer"), tr("access key"), tr("operations"), tr("steps")),
            (
                (load["customer"], load["access_key"], load["operations"], load["driven"])
                for load in seen["access_keys"]
            ),
            empty=tr("nothing is under way"),
        ),
    )


def _queue(queue: Mapping[str, Any]) -> tuple[object, ...]:
    depth = "unknown" if queue["depth"] is None else queue["depth"]
    return queue["name"], depth, _age(queue["oldest_seconds"])


def _worker(worker: Mapping[str, Any]) -> tuple[object, ...]:
    alive = "unknown" if worker["alive"] is None else worker["alive"]
    figures = ("pid", "concurrency", "active", "steps", "operations")
    return worker["name"], alive, *(worker[name] for name in figures)


def _age(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


def password(user: str) -> str:
    """An operator's password, from the environment or asked for. Raises `CliError`."""
    if given := os.environ.get("SANQIAN_PASSWORD", ""):
        return given
    if not sys.stdin.isatty():
        raise CliError(
            tr("There is no password of {user}.", user=user),
            hint=tr("Set SANQIAN_PASSWORD, or run this on a terminal."),
        )
    return getpass.getpass(tr("Password of {user}: ", user=user))
