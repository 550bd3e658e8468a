"""`webhooks`: your own servers that are told of events."""

from __future__ import annotations

import itertools
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.text import Text

from cli.errors import CliError, Code
from cli.language import tr
from cli.lookup import find_webhook
from cli.operate import assignment, checked_duration
from cli.output import table
from cli.text import age, moment, parse_duration
from cli.verb import Session, default_verb, verb

if TYPE_CHECKING:
    from cli.api import types

PING_SECONDS = 30.0
PAGE = 200
POLL_SECONDS = 0.5
WebhookArgument = Annotated[
    str,
    typer.Argument(metavar="WEBHOOK", help="Id (its beginning is enough) or URL; may be left out while you have one."),
]
EventOption = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="TYPE", help="Only this type, repeatable [default: all].", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    webhooks = typer.Typer(rich_markup_mode=None)
    app.add_typer(webhooks, name="webhooks")
    default_verb(webhooks)(list_webhooks)
    verb(webhooks, "list")(list_webhooks)
    verb(webhooks, "add")(add)
    verb(webhooks, "show")(show)
    verb(webhooks, "set")(change)
    verb(webhooks, "delete")(delete)
    verb(webhooks, "ping")(ping)
    verb(webhooks, "deliveries")(deliveries)
    verb(webhooks, "replay")(replay)
    verb(webhooks, "rotate-secret")(rotate_secret)
    verb(webhooks, "types")(list_types)


def list_webhooks(session: Session) -> None:
    """Servers of yours that are told of events: list (also without a verb), add, ping, replay ..."""
    rows = list(session.client.get_webhooks())
    now = session.client.now()
    body = table(
        (tr("id"), tr("url"), tr("events"), tr("active"), tr("last taken"), tr("failing for"), tr("note")),
        (
            (
                row["id"],
                row["url"],
                ",".join(row["event_types"]) or tr("all"),
                row["active"],
                age(row["delivered_at"], now),
                age(row["failing_since"], now),
                row["note"],
            )
            for row in rows
        ),
        empty=tr("You have no webhook yet. Add one with `3kctl webhooks add URL`."),
    )
    session.output.show(rows, body)


def add(
    session: Session,
    url: Annotated[str, typer.Argument(metavar="URL", help="https://..., reachable from the service.")],
    event: EventOption = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Add a server. Its secret is printed this once: the server checks requests with it."""
    # Which types there are, the service knows best; a wrong one it answers with all of them.
    chosen = cast("list[types.EventTypeName]", event or [])
    row = session.client.post_webhooks({"url": url, "event_types": chosen, "description": description})
    session.output.show(row, tr("Added {ident}.", ident=row["id"]), _secret(row))


def show(session: Session, webhook: WebhookArgument = "") -> None:
    """One webhook with all its settings."""
    row = find_webhook(session.client, webhook)
    session.output.show(row, table((tr("field"), tr("value")), row.items()))


def change(
    session: Session,
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Id (its beginning is enough) or URL.")],
    assignments: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="VALUE is JSON or a word.")],
) -> None:
    """Change url, description, event_types or active, for example `active=true`."""
    row = find_webhook(session.client, webhook)
    changes = cast("types.PatchedWebhookChangeRequest", dict(map(assignment, assignments)))
    row = session.client.patch_webhook(row["id"], changes)
    changed = ", ".join(text.partition("=")[0] for text in assignments)
    session.output.show(row, tr("Changed {changed} of {ident}.", changed=changed, ident=row["id"]))


def delete(
    session: Session,
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Id (its beginning is enough) or URL.")],
) -> None:
    """Delete a webhook and what is known of its deliveries."""
    row = find_webhook(session.client, webhook)
    session.client.delete_webhook(row["id"])
    session.output.show({"deleted": row["id"]}, tr("Deleted {ident}.", ident=row["id"]))


def ping(session: Session, webhook: WebhookArgument = "") -> None:
    """Send a test and wait for what becomes of its first attempt."""
    row = find_webhook(session.client, webhook)
    made = session.client.post_webhook_ping(row["id"])
    until = time.monotonic() + PING_SECONDS
    found = session.client.get_webhook_delivery(row["id"], str(made["id"]))
    while not (done := [one for one in found["attempts"] if one["finished_at"]]):
        if time.monotonic() > until:
            hint = tr("See with `3kctl fleet` whether a worker serves the queue webhooks.")
            raise CliError(tr("The test has not been sent yet; it will be."), hint=hint, code=Code.TIMEOUT)
        time.sleep(POLL_SECONDS)
        found = session.client.get_webhook_delivery(row["id"], str(made["id"]))
    if found["state"] != "succeeded" and done[0]["error"]:
        message = tr("It was not taken. {error}", error=done[0]["error"])
        if done[0]["answer"]:
            message += " " + tr("It said: {answer}", answer=done[0]["answer"][:200])
        raise CliError(message, hint=tr("Correct the server or the address, then try again."), code=Code.FAILED)
    taken = f"{done[0]['seconds'] or 0:.2f}"
    session.output.show(found, tr("Taken with status {status} in {taken} s.", status=found["status"], taken=taken))


def deliveries(
    session: Session,
    webhook: WebhookArgument = "",
    state: Annotated[str, typer.Option(help="Only these: pending, succeeded or failed.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """What was sent to a webhook and what is on its way."""
    row = find_webhook(session.client, webhook)
    found = session.client.get_webhook_deliveries(row["id"], state=state, limit=min(limit, PAGE))
    rows = list(itertools.islice(found, limit))
    now = session.client.now()

    def waits(one: types.Delivery) -> str:
        then = moment(one["next_attempt_at"])
        return f"{max(0, round((then - now).total_seconds()))}s" if then else "-"

    body = table(
        (
            tr("id"),
            tr("type"),
            tr("age"),
            tr("state"),
            tr("attempts"),
            tr("next in"),
            tr("status"),
            tr("error"),
        ),
        (
            (
                one["id"],
                one["type"],
                age(one["happened_at"], now),
                one["state"],
                one["attempts_made"],
                waits(one),
                one["status"],
                one["error"],
            )
            for one in rows
        ),
        empty=tr("nothing was sent yet"),
    )
    session.output.show(rows, body)


def replay(
    session: Session,
    webhook: WebhookArgument = "",
    delivery: Annotated[
        list[int] | None, typer.Option(metavar="ID", help="This delivery; repeatable.", show_default=False)
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="TIME|DURATION", help="All that failed since then, e.g. 2026-01-01T00:00Z or 12h.")
    ] = "",
) -> None:
    """Send deliveries again, under their old ids."""
    if bool(delivery) == bool(since):
        raise CliError(tr("Say what to send again."), hint=tr("Either --delivery ID, or --since for all that failed."))
    row = find_webhook(session.client, webhook)
    if since:
        answer = session.client.post_webhook_replay(row["id"], {"since": _time(session, since).isoformat()})
    else:
        for ident in delivery or []:
            session.client.post_webhook_delivery_replay(row["id"], str(ident))
        answer = {"replayed": len(delivery or [])}
    session.output.show(answer, tr("{count} sent again.", count=answer["replayed"]))


def rotate_secret(
    session: Session,
    webhook: WebhookArgument = "",
    overlap: Annotated[
        str,
        typer.Option(
            metavar="DURATION", callback=checked_duration, help="How long the old secret signs, too [default: 24h]."
        ),
    ] = "",
    at_once: Annotated[bool, typer.Option("--at-once", help="Not at all: it has become known.")] = False,
) -> None:
    """Give a webhook another secret, printed this once."""
    row = find_webhook(session.client, webhook)
    given: types.RotationRequest = {"overlap_seconds": int(parse_duration(overlap))} if overlap else {}
    answer = session.client.post_webhook_rotate_secret(row["id"], {"overlap_seconds": 0} if at_once else given)
    end = answer["old_secret_until"]
    session.output.show(answer, _secret(answer), tr("The old one signs, too, until {end}.", end=end) if end else None)


def list_types(session: Session) -> None:
    """The types of events."""
    rows = session.client.get_webhook_event_types()
    session.output.show(rows, table((tr("type"), tr("when")), ((row["type"], row["description"]) for row in rows)))


def _secret(row: types.WebhookWithSecret | types.NewSecret) -> Text:
    return Text(tr("Secret, shown this once: {secret}", secret=row["secret"]))


def _time(session: Session, text: str) -> datetime:
    try:
        return session.client.now() - timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        then = None
    if then is None or then.tzinfo is None:
        raise CliError(
            tr("--since {text} is no time.", text=repr(text)),
            hint=tr("Write 12h, or a time with its zone: 2026-01-01T00:00Z."),
        )
    return then
