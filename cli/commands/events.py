"""`events`: what changes on clusters, as it happens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli import complete
from cli.api.client import Api
from cli.errors import Code
from cli.events import EventStream, Item, Lost, Resumed, within
from cli.follow import StillRunning
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import TimeoutOption, checked_duration, seconds
from cli.output import STYLES, table
from cli.sse import ServerEvent
from cli.text import harmless, moment, parse_duration
from cli.verb import Session, verb

if TYPE_CHECKING:
    from cli.api import types

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
    past, position = _past(client, client.now() - timedelta(seconds=parse_duration(since)), ident)
    shown = past[-limit:] if limit else []
    if not watch:
        session.output.show(shown, _table(shown))
        return
    for change in shown:
        _tell(session, change)
    path = client.get_events_stream()
    stream = EventStream(client, f"{path}?cluster={ident}" if ident else path, position)
    told = {change["id"] for change in past}
    try:
        for change in _coming(session, within(stream, seconds(timeout))):
            # The stream begins where the first answer did; what came while the others were read is known.
            if change["id"] not in told:
                _tell(session, change)
    except (KeyboardInterrupt, TimeoutError) as error:
        over = isinstance(error, TimeoutError)
        message = tr("The time is over.") if over else tr("Interrupted.")
        raise StillRunning(message, code=Code.TIMEOUT if over else Code.INTERRUPTED) from None


def _past(client: Api, since: datetime, ident: str) -> tuple[list[types.ChangeOfState], str]:
    """What has changed from `since` on, and where the feed ended before it was read."""
    position, found = "", dict[str, "types.ChangeOfState"]()
    while True:
        answer = client.get_events(since=since.isoformat(), cluster=ident, limit=PAGE)
        position = position or answer["position"]
        rows, before = answer["results"], len(found)
        found.update((row["id"], row) for row in rows)
        if len(rows) < PAGE or len(found) == before:
            return list(found.values()), position
        since = moment(rows[-1]["at"]) or since


def _coming(session: Session, items: Iterable[Item]) -> Iterator[types.ChangeOfState]:
    """What happens from now on. Raises `TimeoutError`, and `Unreachable` when the service stays away."""
    for item in items:
        if isinstance(item, Lost):
            session.output.warn(tr("connection lost ({reason}), trying again", reason=item.reason))
        elif isinstance(item, Resumed):
            session.output.warn(tr("connected again, nothing was missed"))
        elif isinstance(item, ServerEvent) and item.event == "change":
            yield json.loads(item.data)


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
