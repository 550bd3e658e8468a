"""`keys`: the access keys of the customer, for whoever has one of scope admin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from cli.errors import CliError, Code
from cli.language import tr
from cli.output import table
from cli.text import age, duration, moment
from cli.verb import Session, default_verb, verb

if TYPE_CHECKING:
    from cli.api import types

LONGEST_OVERLAP = 720


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="Its prefix, id or name [default: the one in use].", show_default=False)
]
ExpiresOption = Annotated[
    str,
    typer.Option(metavar="WHEN", help="When it ends: a date (2030-12-31), days from now (90d), or never."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Also where it is your last key of scope admin.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    keys = typer.Typer(rich_markup_mode=None)
    app.add_typer(keys, name="keys")
    default_verb(keys)(list_keys)
    verb(keys, "list")(list_keys)
    verb(keys, "create")(create)
    verb(keys, "set")(change)
    verb(keys, "rotate")(rotate)
    verb(keys, "revoke")(revoke)


def list_keys(session: Session) -> None:
    """Your access keys: list (also without a verb), create, set, rotate, revoke. Needs one of scope admin."""
    rows = list(session.client.get_access_keys())
    session.output.show(rows, keys_table(session, rows))


def keys_table(session: Session, rows: Sequence[types.AccessKey]) -> RenderableType:
    """Access keys as a table."""
    now = session.client.now()
    return table(
        (
            tr("prefix"),
            tr("name"),
            tr("scope"),
            tr("state"),
            tr("ends in"),
            tr("last used"),
            tr("clusters"),
            tr("id"),
        ),
        (
            (
                tr("{prefix} (this)", prefix=row["prefix"]) if row["current"] else row["prefix"],
                row["name"],
                row["scope"],
                state(row, now),
                left(row, now),
                age(row["last_used_at"], now),
                row["clusters"],
                row["id"],
            )
            for row in rows
        ),
    )


def state(row: types.AccessKey, now: datetime) -> str:
    """`active`, or why it opens nothing, or what takes its place."""
    if not row["active"]:
        return tr("revoked")
    end = moment(row["expires_at"])
    if end is not None and end <= now:
        return tr("expired")
    return tr("rotated to {successor}", successor=row["successor"]) if row["successor"] else tr("active")


def left(row: types.AccessKey, now: datetime) -> str:
    """How long it lives still."""
    end = moment(row["expires_at"])
    return tr("never") if end is None else duration((end - now).total_seconds()) if end > now else "-"


def create(
    session: Session,
    scope: Annotated[Scope, typer.Option(help="read: look. operate: start operations. admin: keys, too.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires: ExpiresOption = "",
) -> None:
    """Issue an access key. Its value is shown this once."""
    body: types.NewKeyRequest = {"name": name, "scope": scope.value}
    if expires:
        body["expires_at"] = ending(expires, session.client.now())
    row = session.client.post_access_keys(body)
    session.output.say(
        tr("Access key {prefix}, scope {scope}. It is shown this once:", prefix=row["prefix"], scope=row["scope"])
    )
    session.output.show(row, row["value"])


def change(
    session: Session,
    key: KeyArgument = "",
    name: Annotated[str | None, typer.Option(help="What it is for.", show_default=False)] = None,
    scope: Annotated[Scope | None, typer.Option(help="What it may do.", show_default=False)] = None,
    expires: ExpiresOption = "",
    force: ForceOption = False,
) -> None:
    """Change the name, scope or end of an access key."""
    body: types.PatchedKeyChangeRequest = {} if name is None else {"name": name}
    if scope is not None:
        body["scope"] = scope.value
    if expires:
        body["expires_at"] = ending(expires, session.client.now())
    if not body:
        raise CliError(tr("Nothing is to change."), hint=tr("Give --name, --scope or --expires."))
    if force:
        body["force"] = True
    row = session.client.patch_access_key(find_key(session, key)["id"], body)
    session.output.show(row, keys_table(session, [row]))


def rotate(
    session: Session,
    key: KeyArgument = "",
    overlap: Annotated[
        int, typer.Option(metavar="HOURS", min=0, max=LONGEST_OVERLAP, help="How long the old one still works.")
    ] = 24,
    expires: ExpiresOption = "",
    force: ForceOption = False,
) -> None:
    """Issue the successor of an access key. Its value is shown this once.

    It may do what the old one might, and has its clusters. The old one ends by itself after the overlap.
    """
    body: types.RotateRequest = {"overlap_hours": overlap}
    if expires:
        body["expires_at"] = ending(expires, session.client.now())
    if force:
        body["force"] = True
    row = session.client.post_access_key_rotate(find_key(session, key)["id"], body)
    old = row["replaces"]
    session.output.say(
        tr(
            "Access key {prefix} takes the place of {old}. It is shown this once:",
            prefix=row["prefix"],
            old=old["prefix"],
        )
    )
    session.output.show(row, row["value"])
    session.output.say(tr("{prefix} works until {end}.", prefix=old["prefix"], end=old["expires_at"]))
    if row["taken_over"]:
        names = ", ".join(one["name"] for one in row["taken_over"])
        session.output.say(
            tr(
                "Before that, bring the new one into {names}: as SANQIAN_ACCESS_KEY and SANQIAN_NEW_ACCESS_KEY, "
                "with `3kctl rotate access-key CLUSTER` for each.",
                names=names,
            )
        )


def revoke(
    session: Session,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its prefix, id or name.", show_default=False)],
    force: ForceOption = False,
) -> None:
    """Withdraw an access key at once and for good."""
    row = session.client.post_access_key_revoke(find_key(session, key)["id"], {"force": True} if force else {})
    session.output.show(row, keys_table(session, [row]))
    if row["clusters"]:
        session.output.warn(
            tr(
                "{count} clusters still have it: give them another with `3kctl rotate access-key CLUSTER`.",
                count=row["clusters"],
            )
        )


def find_key(session: Session, given: str) -> types.AccessKey:
    """The access key of this prefix, id or name; the one in use where nothing is given. Raises `CliError`."""
    rows = list(session.client.get_access_keys())
    if given:
        found = [row for row in rows if given in (row["prefix"], row["id"])] or [
            row for row in rows if row["name"] == given and row["active"]
        ]
    else:
        found = [row for row in rows if row["current"]]
    if len(found) == 1:
        return found[0]
    if found:
        raise CliError(
            tr("{count} of your access keys are named {given}.", count=len(found), given=given),
            hint=tr("Give the prefix of one."),
        )
    known = ", ".join(row["prefix"] for row in rows)
    raise CliError(
        tr("You have no access key {given}.", given=given),
        hint=tr("You have: {names}.", names=known),
        code=Code.NOT_FOUND,
    )


def ending(text: str, now: datetime) -> str | None:
    """When a key ends, for the API: the end of a date, days from now, or None for never. Raises `CliError`."""
    if text == "never":
        return None
    try:
        if text.endswith("d"):
            end = now + timedelta(days=int(text[:-1]))
        else:
            end = datetime.combine(datetime.fromisoformat(text).date(), datetime.min.time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise CliError(
            tr("--expires {text}: write a date (2030-12-31), days from now (90d), or never.", text=text)
        ) from None
    return end.isoformat()
