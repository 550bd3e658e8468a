"""`events`: what changes on clusters, as it happens."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli import complete
from cli.api.client import Api
from cli.errors import Code, Problem, Unreachable
from cli.follow import StillRunning
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import TimeoutOption, checked_duration, seconds
from cli.output import STYLES, table
from cli.text import harmless, moment, parse_duration
from cli.verb import Session, verb

if TYPE_CHECKING:
    from cli.api import types

EVERY = 2.0
# A change may show up some seconds after its time, so the last ones are asked for again.
OVERLAP = timedelta(seconds=30)
# How long the service may stay away before watching is given up (seconds).
PATIENCE = 300.0
PAGE = 500
MOST = 500


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    verb(app, "events")(events)


def events(
    session: Session,
    cluster: Annotated[
        str,
        typer.Argument(metavar="CLUSTER", help="Only this cluster's; name or id.", autocompletion=complete.clusters),
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on with what happens from now on.")] = False,
    since: Annotated[
        str, typer.Option(metavar="DURATION", callback=checked_duration, help="How far back, e.g. 10m, 1d.")
    ] = "1h",
    limit: Annotated[int, typer.Option(min=0, max=MOST, help="How many of the past, the last ones.")] = 50,
    timeout: TimeoutOption = "",
) -> None:
    """Changes of health and of operations, on all your clusters or one. With -w and -o json: one JSON object a line."""
    client = session.client
    ident = str(find_cluster(client, cluster)["id"]) if cluster else ""
    client.get_whoami()  # the service's time, for what is asked for next
    begin = client.now() - timedelta(seconds=parse_duration(since))
    seen: set[str] = set()
    past = list(deque(_window(client, begin, ident, seen), maxlen=limit))
    if not watch:
        session.output.show(past, _table(past))
        return
    for change in past:
        _tell(session, change)
    try:
        for change in _coming(session, ident, seen, seconds(timeout)):
            _tell(session, change)
    except (KeyboardInterrupt, TimeoutError) as error:
        over = isinstance(error, TimeoutError)
        message = tr("The time is over.") if over else tr("Interrupted.")
        raise StillRunning(message, code=Code.TIMEOUT if over else Code.INTERRUPTED) from None


def _window(client: Api, since: datetime, ident: str, seen: set[str]) -> Iterator[types.ChangeOfState]:
    """What has changed from `since` on and was not `seen`, which it is from then on."""
    while True:
        rows = client.get_events(since=since.isoformat(), cluster=ident, limit=PAGE)["results"]
        new = [row for row in rows if row["id"] not in seen]
        seen.update(row["id"] for row in new)
        yield from new
        if len(rows) < PAGE or not new:
            return
        since = moment(rows[-1]["at"]) or since


def _coming(session: Session, ident: str, seen: set[str], timeout: float | None) -> Iterator[types.ChangeOfState]:
    """What happens from now on, each change once. Raises `TimeoutError`, and `Unreachable` when the service is away."""
    client, answered = session.client, time.monotonic()
    deadline = answered + timeout if timeout else None
    since, lost = client.now(), False
    while True:
        begun = client.now()
        try:
            yield from _window(client, since - OVERLAP, ident, seen)
        except (Unreachable, Problem) as error:
            if error.code is not Code.UNREACHABLE or time.monotonic() - answered > PATIENCE:
                raise
            if not lost:
                session.output.warn(tr("connection lost ({reason}), trying again", reason=error.message))
            lost = True
        else:
            if lost:
                session.output.warn(tr("connected again, nothing was missed"))
            since, lost, answered = begun, False, time.monotonic()
        left = deadline - time.monotonic() if deadline else EVERY
        if left <= 0:
            raise TimeoutError
        time.sleep(min(EVERY, left))


def _tell(session: Session, change: types.ChangeOfState) -> None:
    if session.output.form.tables:
        session.output.result.print(_line(change), soft_wrap=True)
    else:
        session.output.line(change)


def _line(change: types.ChangeOfState) -> Text:
    at = moment(change["at"])
    new, old = change["new_state"], change["old_state"]
    line = Text(f"{at.astimezone():%H:%M:%S}  " if at else "")
    line.append(f"{change['cluster']['name']}  {_subject(change)}  ")
    line.append(f"{old} -> " if old else "").append(new, style=STYLES.get(new, ""))
    if change["reason"]:
        line.append(f"  {harmless(change['reason'].replace(chr(10), ' '))}", style="dim")
    return line


def _subject(change: types.ChangeOfState) -> str:
    if change["subject"] == "cluster":
        return tr("cluster")
    return f"{change['subject']} {change['name']}".strip()


def _table(rows: list[types.ChangeOfState]) -> Any:
    return table(
        (tr("at"), tr("cluster"), tr("what"), tr("from"), tr("to"), tr("reason")),
        (
            (
                row["at"],
                row["cluster"]["name"],
                _subject(row),
                row["old_state"],
                row["new_state"],
                row["reason"],
            )
            for row in rows
        ),
        empty=tr("nothing has changed"),
    )
