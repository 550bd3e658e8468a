"""Operations: list, follow, logs, cancel, retry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli import complete
from cli.board import ENDED
from cli.errors import Code
from cli.events import EventStream, Lost, Resumed, Tick, within
from cli.follow import StillRunning
from cli.language import tr
from cli.logs import Lines
from cli.lookup import find_cluster, find_operation
from cli.operate import TimeoutOption, Waiting, seconds, watch
from cli.text import age, duration, moment
from cli.verb import Session, verb

if TYPE_CHECKING:
    from cli.api import types

PAGE = 500
OperationArgument = Annotated[
    str,
    typer.Argument(
        metavar="OPERATION|CLUSTER",
        help="Id of an operation (its beginning is enough), or a cluster: its newest one. May be left out while you "
        "have only one cluster.",
        autocompletion=complete.operations_or_clusters,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    verb(app, "ops")(list_operations)
    verb(app, "follow")(follow_operation)
    verb(app, "logs")(logs)
    verb(app, "cancel")(cancel)
    verb(app, "retry")(retry)


def list_operations(
    session: Session,
    cluster: Annotated[
        str,
        typer.Argument(metavar="CLUSTER", help="Only this cluster's; name or id.", autocompletion=complete.clusters),
    ] = "",
    state: Annotated[
        str,
        typer.Option(metavar="STATE", help="Only operations in this state.", autocompletion=complete.operation_states),
    ] = "",
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="Only operations of this kind.", autocompletion=complete.kinds)
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """Operations, newest first."""
    client = session.client
    ident = find_cluster(client, cluster)["id"] if cluster else ""
    rows: list[types.Operation] = []
    for row in client.get_operations(cluster=ident, state=state, kind=kind, limit=min(limit, 100)):
        rows.append(row)
        if len(rows) == limit:
            break
    now = client.now()

    def took(row: types.Operation) -> str:
        began = moment(row.get("started_at"))
        return duration(((moment(row.get("finished_at")) or now) - began).total_seconds()) if began else "-"

    body = session.output.table(
        (tr("id"), tr("cluster"), tr("kind"), tr("state"), tr("progress"), tr("took"), tr("age"), tr("failed at")),
        (tr("attempt"), tr("asked for by"), tr("began"), tr("ended"), tr("message")),
        (
            (
                row["id"],
                (row.get("cluster") or {}).get("name"),
                tr("{kind} (dry run)", kind=row["kind"]) if row.get("dry_run") else row["kind"],
                row["state"],
                f"{row.get('progress') or 0:.0f}%",
                took(row),
                age(row.get("created_at"), now),
                " on ".join(str(part) for key in ("step", "host") if (part := (row.get("error") or {}).get(key))),
                row.get("attempt"),
                row.get("requested_by"),
                row.get("started_at"),
                row.get("finished_at"),
                (row.get("error") or {}).get("message"),
            )
            for row in rows
        ),
        empty=tr("no operations"),
    )
    session.output.show(rows, body)


def follow_operation(
    session: Session,
    operation: OperationArgument = "",
    timeout: TimeoutOption = "",
) -> None:
    """Watch an operation until it ends. Ctrl-C stops watching, not the operation."""
    watch(session, find_operation(session.client, operation), Waiting(timeout=timeout))


def cancel(
    session: Session,
    operation: OperationArgument = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has stopped on all hosts.")] = False,
    timeout: TimeoutOption = "",
) -> None:
    """Stop an operation and what it has started on the hosts."""
    found = find_operation(session.client, operation)
    row = session.client.post_operation_cancel(found["id"])
    if not wait:
        session.output.show(row, tr("{kind} {id} is {state}.", kind=row["kind"], id=row["id"], state=row["state"]))
        return
    stream = EventStream(session.client, session.client.get_operation_events(row["id"]), int(row.get("event_seq") or 0))
    try:
        if row["state"] not in ENDED:
            for item in within(stream, seconds(timeout)):
                if isinstance(item, Lost):
                    session.output.warn(tr("connection lost ({reason}), trying again", reason=item.reason))
    except TimeoutError:
        raise StillRunning(
            tr("It has not stopped after {timeout}; it goes on being cancelled.", timeout=timeout),
            hint=tr("Watch it with `3kctl follow {id}`.", id=row["id"]),
            code=Code.TIMEOUT,
        ) from None
    except KeyboardInterrupt:
        raise StillRunning(tr("Interrupted; it goes on being cancelled."), code=Code.INTERRUPTED) from None
    row = session.client.get_operation(row["id"])
    session.output.show(row, tr("{kind} {id} is {state}.", kind=row["kind"], id=row["id"], state=row["state"]))


def retry(
    session: Session,
    waiting: Waiting,
    operation: OperationArgument = "",
    from_step: Annotated[str, typer.Option(metavar="STEP", help="Do this step and what follows it again.")] = "",
) -> None:
    """Go on with a failed or cancelled operation: what is done already is not done again."""
    found = find_operation(session.client, operation)
    body: types.RetryRequest = {"from_step": from_step} if from_step else {}
    watch(session, session.client.post_operation_retry(found["id"], body), waiting)


def logs(
    session: Session,
    operation: OperationArgument = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new output until the end.")] = False,
    step: Annotated[str, typer.Option(metavar="STEP", help="Only this step.")] = "",
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST", help="Only this host; `service` is the service itself.", autocompletion=complete.nodes
        ),
    ] = "",
    tail: Annotated[int, typer.Option(min=0, help="Only the last N pieces of output; 0 is all.")] = 0,
    timeout: TimeoutOption = "",
) -> None:
    """The output of an operation's commands on the hosts. With -f and -o json: one JSON object a line."""
    found = find_operation(session.client, operation)
    printer = _Printer(session, Lines(with_step=not step, with_host=not host), step, host)
    after = _stored(session, found["id"], printer, tail)
    if not follow:
        printer.finish()
        return
    printer.stream = True
    printer.flush_kept()
    try:
        _new(session, found["id"], printer, after, timeout)
    except (KeyboardInterrupt, TimeoutError) as error:
        over = isinstance(error, TimeoutError)
        raise StillRunning(
            (tr("The time is over; the operation goes on.") if over else tr("Interrupted; the operation goes on.")),
            hint=tr("Read on with `3kctl logs {id} -f`.", id=found["id"]),
            code=Code.TIMEOUT if over else Code.INTERRUPTED,
        ) from None
    printer.finish()


class _Printer:
    """Chunks as lines for people, as one list, or one by one when following."""

    def __init__(self, session: Session, lines: Lines, step: str, host: str) -> None:
        self.output, self.lines, self.step, self.host = session.output, lines, step, host
        self.stream = False
        self._kept: list[Mapping[str, Any]] = []

    def put(self, chunk: Mapping[str, Any]) -> None:
        if (self.step and chunk.get("step") != self.step) or (self.host and chunk.get("host") != self.host):
            return
        if self.output.form.tables:
            self._print(self.lines.feed(chunk))
        elif self.stream:
            self.output.line(chunk)
        else:
            self._kept.append(chunk)

    def flush_kept(self) -> None:
        for chunk in self._kept:
            self.output.line(chunk)
        self._kept.clear()

    def finish(self) -> None:
        if self.output.form.tables:
            self._print(self.lines.rest())
        elif not self.stream:
            self.output.show(self._kept)

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self.output.result.print(Text(line), soft_wrap=True)


def _stored(session: Session, ident: str, printer: _Printer, tail: int) -> int:
    """Print what is stored already; the number of the last piece."""
    after = 0
    while True:
        page = session.client.get_operation_log(
            ident,
            after=after or None,
            step=printer.step,
            host=printer.host,
            limit=PAGE,
            tail=tail or None,
        )
        for chunk in page["results"]:
            printer.put(chunk)
        before, after = after, int(page.get("next_after") or after)
        if tail or not page["results"] or after == before:
            return after


def _new(session: Session, ident: str, printer: _Printer, after: int, timeout: str) -> None:
    """Print what comes, until the operation ends. Raises `TimeoutError`."""
    for item in within(EventStream(session.client, f"operations/{ident}/events", after), seconds(timeout)):
        if isinstance(item, Lost):
            session.output.warn(
                tr(
                    "connection lost ({reason}), trying again in {value}",
                    reason=item.reason,
                    value=duration(item.delay + 0.5),
                )
            )
        elif isinstance(item, Resumed):
            session.output.warn(tr("connected again, nothing was missed"))
        elif not isinstance(item, Tick) and item.event == "log":
            printer.put({"seq": int(item.id or 0), **json.loads(item.data)})
