"""Following an operation to its end, and what is said then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cli.board import ENDED, WORDS, Board
from cli.errors import CliError, Code, Unreachable
from cli.events import EventStream, Lost, Resumed, Tick, within
from cli.output import Output, table
from cli.text import duration, harmless, moment
from cli.verb import Session
from cli.view import View, view_of

LAST_LINES = 15


class StillRunning(CliError):
    """Following stopped before the operation did."""

    label = hint_label = ""


def follow(session: Session, operation: str, *, timeout: float | None = None) -> dict[str, Any]:
    """Show the operation until it ends, and return its last detail.

    Raises `StillRunning` on Ctrl-C and after `timeout` seconds, `Unreachable` when the service stays away; the
    operation goes on in all three cases.
    """
    client, output = session.client, session.output
    detail: dict[str, Any] = client.get(f"operations/{operation}")
    board = Board(detail)
    if board.ended:
        return detail
    again = f"Follow it again with `3kctl follow {operation}`; stop it with `3kctl cancel {operation}`."
    output.say(f"{board.name}, operation {operation}", "bold")
    view = view_of(output.people, board, client.now)
    stream = EventStream(client, f"operations/{operation}/events", int(detail.get("event_seq") or 0), tick=view.tick)
    try:
        with view:
            for item in within(stream, timeout):
                if isinstance(item, Tick):
                    view.refresh()
                elif isinstance(item, Lost):
                    view.say(f"connection lost ({item.reason}), trying again in {duration(item.delay + 0.5)}", "yellow")
                elif isinstance(item, Resumed):
                    view.say("connected again, nothing was missed", "green")
                else:
                    _show(view, board, item.event, json.loads(item.data), session)
    except TimeoutError:
        message = f"The {board.name} is not over after {duration(timeout or 0)}; it goes on."
        raise StillRunning(message, hint=again, code=Code.TIMEOUT) from None
    except KeyboardInterrupt:
        raise StillRunning(f"Interrupted. The {board.name} goes on.", hint=again, code=Code.INTERRUPTED) from None
    except Unreachable as error:
        raise Unreachable(f"{error.message} The {board.name} goes on without it being watched.", hint=again) from error
    return dict(client.get(f"operations/{operation}"))


def _show(view: View, board: Board, event: str, data: Mapping[str, Any], session: Session) -> None:
    for change in board.apply(event, data, session.client.now()):
        view.changed(change)
    view.refresh()


def conclude(session: Session, detail: Mapping[str, Any], *extra: RenderableType | None) -> Code:
    """Say how an operation ended, and with which exit code. `extra` is shown with a success."""
    output = session.output
    if detail["state"] not in ENDED:
        output.show(dict(detail), Text(f"{detail['kind']} {detail['id']} is {detail['state']}."))
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
    took = f" in {duration((over - began).total_seconds())}" if began and over else ""
    already = sum(step.get("outcome") == "already" for step in detail.get("steps") or [])
    saved = f"; {already} of {len(detail['steps'])} steps were already as wanted" if already else ""
    output.say(f"{_name(detail)} succeeded{took}{saved}.", "green")


def _failure(session: Session, detail: Mapping[str, Any]) -> None:
    output, error, ident = session.output, detail.get("error") or {}, detail["id"]
    step, host = str(error.get("step") or ""), str(error.get("host") or "")
    where = f" at step {step}" if step else ""
    where += f" on {host}" if host else ""
    output.errors.print(Text(f"{_name(detail)} {detail['state']}{where}.", style="bold red"), soft_wrap=True)
    if error.get("message"):
        for line in str(error["message"]).splitlines():
            output.errors.print(Text(f"  {harmless(line)}"), soft_wrap=True)
    for line in _last_lines(session, ident, step, host):
        output.errors.print(Text(f"  {host or 'log'} | {line}", style="dim"), soft_wrap=True)
    if error.get("fix"):
        output.errors.print(Text.assemble(("fix: ", "bold"), harmless(str(error["fix"]))), soft_wrap=True)
    if detail["state"] == "failed" and step:
        on = f" --host {host}" if host else ""
        output.errors.print(Text(f"all of its output:  3kctl logs {ident} --step {step}{on}"), soft_wrap=True)
    output.errors.print(Text(f"go on where it stopped:  3kctl retry {ident}"), soft_wrap=True)


def _last_lines(session: Session, ident: str, step: str, host: str) -> list[str]:
    if not step:
        return []
    try:
        log = session.client.get(f"operations/{ident}/log", step=step, host=host, tail=LAST_LINES)
    except CliError as error:
        return [f"(the log could not be read: {error.message})"]
    text = "".join(chunk.get("text") or "" for chunk in log["results"])
    return [harmless(line) for line in text.splitlines()[-LAST_LINES:]]


def _name(detail: Mapping[str, Any]) -> str:
    return Board(detail).name


def plan_table(detail: Mapping[str, Any]) -> RenderableType:
    """The steps of a dry run: what is as wanted already, and what would change."""
    rows = []
    for step in detail.get("steps") or []:
        error = step.get("error") or {}
        outcome = WORDS.get(step.get("outcome") or "", step.get("outcome") or step.get("state"))
        hosts = [job["host"] for job in step.get("hosts") or [] if job.get("host") != "service"]
        rows.append((step["key"], step.get("title"), outcome, hosts, error.get("message") or step.get("note")))
    return table(("step", "what", "outcome", "hosts", "note"), rows, empty="The plan has no steps.")


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
    return table(("level", "host", "code", "finding", "fix"), rows)
