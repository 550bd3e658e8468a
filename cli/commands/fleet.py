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
        seen = client.get("fleet")
    states = [f"{count} {state}" for state, count in seen["operations"].items() if count]
    steps = f"steps: {seen['waiting']} waiting, oldest {_age(seen['oldest_seconds'])}, {seen['overdue']} overdue"
    session.output.show(
        seen,
        None if seen["broker"] else Text("The broker does not answer: queues and workers are unknown.", style="red"),
        table(("queue", "waiting", "oldest"), (_queue(queue) for queue in seen["queues"])),
        Text(""),
        table(
            ("worker", "alive", "pid", "slots", "busy", "steps", "operations"),
            (_worker(worker) for worker in seen["workers"]),
            empty="no worker answers" if seen["broker"] else "workers unknown",
        ),
        Text(""),
        Text("operations: " + (", ".join(states) or "none")),
        Text(steps),
        Text(""),
        table(
            ("customer", "access key", "operations", "steps"),
            (
                (load["customer"], load["access_key"], load["operations"], load["driven"])
                for load in seen["access_keys"]
            ),
            empty="nothing is under way",
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
        raise CliError(f"There is no password of {user}.", hint="Set SANQIAN_PASSWORD, or run this on a terminal.")
    return getpass.getpass(f"Password of {user}: ")
