"""Following an operation to its end, and what is said then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from cli.board import ENDED, WORDS, Board
from cli.errors import CliError, Code, Unreachable
from cli.events import EventStream, Lost, Resumed, Tick, within
from cli.language import tr
from cli.output import Output, table
from cli.text import duration, harmless, moment
from cli.titles import titled
from cli.verb import Session
from cli.view import View, view_of

if TYPE_CHECKING:
    from cli.api import types

LAST_LINES = 15


class StillRunning(CliError):
    """Following stopped before the operation did."""

    label = hint_label = ""


def follow(session: Session, operation: str, *, timeout: float | None = None) -> types.OperationDetail:
    """Show the operation until it ends, and return its last detail.

    Raises `StillRunning` on Ctrl-C and after `timeout` seconds, `Unreachable` when the service stays away; the
    operation goes on in all three cases.
    """
    client, output = session.client, session.output
    detail = client.get_operation(operation)
    board = Board(detail)
    if board.ended:
        return detail
    again = tr(
        "Follow it again with `3kctl follow {operation}`; stop it with `3kctl cancel {operation}`.", operation=operation
    )
    output.say(tr("{name}, operation {operation}", name=board.name, operation=operation), "bold")
    view = view_of(output.people, board, client.now)
    stream = EventStream(
        client, client.get_operation_events(operation), int(detail.get("event_seq") or 0), tick=view.tick
    )
    try:
        with view:
            for item in within(stream, timeout):
                if isinstance(item, Tick):
                    view.refresh()
                elif isinstance(item, Lost):
                    view.say(
                        tr(
                            "connection lost ({reason}), trying again in {value}",
                            reason=item.reason,
                            value=duration(item.delay + 0.5),
                        ),
                        "yellow",
                    )
                elif isinstance(item, Resumed):
                    view.say(tr("connected again, nothing was missed"), "green")
                else:
                    _show(view, board, item.event, json.loads(item.data), session)
    except TimeoutError:
        message = tr(
            "The {name} is not over after {timeout}; it goes on.", name=board.name, timeout=duration(timeout or 0)
        )
        raise StillRunning(message, hint=again, code=Code.TIMEOUT) from None
    except KeyboardInterrupt:
        raise StillRunning(
            tr("Interrupted. The {name} goes on.", name=board.name), hint=again, code=Code.INTERRUPTED
        ) from None
    except Unreachable as error:
        raise Unreachable(
            tr("{message} The {name} goes on without it being watched.", message=error.message, name=board.name),
            hint=again,
        ) from error
    return client.get_operation(operation)


def _show(view: View, board: Board, event: str, data: Mapping[str, Any], session: Session) -> None:
    for change in board.apply(event, data, session.client.now()):
        view.changed(change)
    view.refresh()


def conclude(session: Session, detail: Mapping[str, Any], *extra: RenderableType | None) -> Code:
    """Say how an operation ended, and with which exit code. `extra` is shown with a success."""
    output = session.output
    if detail["state"] not in ENDED:
        output.show(
            dict(detail),
            Text(tr("{kind} {id} is {state}.", kind=detail["kind"], id=detail["id"], state=detail["state"])),
        )
        return Code.OK
    if not output.form.tables:
        output.show(dict(detail))
    if detail["state"] == "succeeded":
        _success(output, detail, *extra)
        return Code.OK
    _failure(session, detail)
    return Code.FAILED


def _success(output: Output, detail: Mapping[str, Any], *extra: RenderableType | None) -> None:
    if output.form.tables:
        for part in extra:
            if part is not None:
                output.result.print(part)
    began, over = moment(detail.get("started_at")), moment(detail.get("finished_at"))
    took = tr(" in {value}", value=duration((over - began).total_seconds())) if began and over else ""
    already = sum(step.get("outcome") == "already" for step in detail.get("steps") or [])
    saved = (
        tr("; {already} of {steps} steps were already as wanted", already=already, steps=len(detail["steps"]))
        if already
        else ""
    )
    output.say(tr("{detail} succeeded{took}{saved}.", detail=_name(detail), took=took, saved=saved), "green")


def _failure(session: Session, detail: Mapping[str, Any]) -> None:
    output, error, ident = session.output, detail.get("error") or {}, detail["id"]
    step, host = str(error.get("step") or ""), str(error.get("host") or "")
    where = tr(" at step {step}", step=step) if step else ""
    where += tr(" on {host}", host=host) if host else ""
    output.errors.print(Text(f"{_name(detail)} {detail['state']}{where}.", style="bold red"), soft_wrap=True)
    if error.get("message"):
        for line in str(error["message"]).splitlines():
            output.errors.print(Text(f"  {harmless(line)}"), soft_wrap=True)
    for line in _last_lines(session, ident, step, host):
        output.errors.print(Text(f"  {host or 'log'} | {line}", style="dim"), soft_wrap=True)
    if error.get("fix"):
        output.errors.print(Text.assemble((tr("fix: "), "bold"), harmless(str(error["fix"]))), soft_wrap=True)
    if detail["state"] == "failed" and step:
        on = f" --host {host}" if host else ""
        output.errors.print(
            Text(tr("all of its output:  3kctl logs {ident} --step {step}{on}", ident=ident, step=step, on=on)),
            soft_wrap=True,
        )
    output.errors.print(Text(tr("go on where it stopped:  3kctl retry {ident}", ident=ident)), soft_wrap=True)


def _last_lines(session: Session, ident: str, step: str, host: str) -> list[str]:
    if not step:
        return []
    try:
        log = session.client.get_operation_log(ident, step=step, host=host, tail=LAST_LINES)
    except CliError as error:
        return [tr("(the log could not be read: {message})", message=error.message)]
    text = "".join(chunk.get("text") or "" for chunk in log["results"])
    return [harmless(line) for line in text.splitlines()[-LAST_LINES:]]


def _name(detail: Mapping[str, Any]) -> str:
    return Board(detail).name


def plan_table(detail: Mapping[str, Any]) -> RenderableType:
    """The steps of a dry run: what is as wanted already, and what would change."""
    rows = []
    for step in detail.get("steps") or []:
        error = step.get("error") or {}
        outcome = tr(WORDS.get(step.get("outcome") or "", step.get("outcome") or step.get("state") or ""))
        hosts = [job["host"] for job in step.get("hosts") or [] if job.get("host") != "service"]
        rows.append(
            (step["key"], titled(step.get("title") or ""), outcome, hosts, error.get("message") or step.get("note"))
        )
    return table(
        (tr("step"), tr("what"), tr("outcome"), tr("hosts"), tr("note")), rows, empty=tr("The plan has no steps.")
    )


def findings_table(detail: Mapping[str, Any]) -> RenderableType | None:
    """What a preflight found, worst first; None where there is nothing. What is well is shown of a preflight only."""
    found: list[Mapping[str, Any]] = []
    for step in detail.get("steps") or []:
        findings = (step.get("result") or {}).get("findings")
        found += [one for one in findings if isinstance(one, Mapping)] if isinstance(findings, list) else []
    if detail.get("kind") != "preflight":
        found = [one for one in found if one.get("level") != "ok"]
    if not found:
        return None
    order = {"error": 0, "warning": 1, "ok": 2}
    found.sort(key=lambda one: order.get(str(one.get("level")), 1))
    rows = (
        (one.get("level"), one.get("host"), one.get("code"), one.get("message") or one.get("what"), one.get("fix"))
        for one in found
    )
    return table((tr("level"), tr("host"), tr("code"), tr("finding"), tr("fix")), rows)
