"""`login` and `context`: services and access keys that are kept, so that verbs need neither."""

from __future__ import annotations

import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cli import complete
from cli.config import Config, Context, shown
from cli.errors import CliError, Code
from cli.keys import ask_on_terminal
from cli.language import tr
from cli.output import table
from cli.target import DEFAULT_SERVER, SERVER, same_server
from cli.verb import Session, verb

LONGEST_KEY = 4096

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Its name.", autocompletion=complete.contexts)]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    verb(app, "login")(login)
    group = typer.Typer(
        help="Services and access keys that you have logged in with.", no_args_is_help=True, rich_markup_mode=None
    )
    verb(group, "list")(list_contexts)
    verb(group, "use")(use)
    verb(group, "show")(show)
    verb(group, "rename")(rename)
    verb(group, "delete")(delete)
    app.add_typer(group, name="context")


def login(
    session: Session,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="What to call it [default: the service's host name].",
            autocompletion=complete.contexts,
        ),
    ] = "",
) -> None:
    """Store a service's address and your access key there, when the service takes it, and use them from now on.

    The key is taken from --access-key, from SANQIAN_ACCESS_KEY, from the standard input where that is no terminal, or
    asked for without being shown. The file is yours alone: ~/.config/3kctl/config.toml, or SANQIAN_CONFIG.
    """
    config = session.config
    address = _address(session, config.contexts.get(name))
    name = name or (urlsplit(address).hostname or "").replace(":", "-")
    before = config.contexts.get(name)
    if before and not same_server(before.server, address):
        raise CliError(
            tr("Context {name} is for {server} already.", name=name, server=before.server),
            hint=tr("Give this one another name: 3kctl login NAME --server {server}", server=address),
        )
    key = _access_key(session, address)
    session.aim(address, key, name)
    answer = session.client.get_whoami()
    config.put(name, Context(session.client.server, key))
    config.current = name
    config.save()
    session.output.show(
        {"context": name, "server": session.server, "file": str(config.path), **answer},
        tr(
            "Logged in to {server} as {customer} with the access key {key}; context {name} is in use.",
            server=session.server,
            customer=answer["customer"]["name"],
            key=shown(key),
            name=name,
        ),
    )


def list_contexts(session: Session) -> None:
    """What you have logged in to; the one in use has a star."""
    config = session.config
    used = session.given.context or config.current
    rows = [_row(config, name, used) for name in config.contexts]
    body = table(
        (tr("used"), tr("name"), tr("server"), tr("access key")),
        (("*" if row["used"] else "", row["name"], row["server"], row["access_key"]) for row in rows),
        empty=tr("no contexts yet. Make one with `3kctl login`."),
    )
    session.output.show(rows, body)


def use(session: Session, name: NameArgument) -> None:
    """Use this one from now on."""
    context = session.config.named(name)
    session.config.current = name
    session.config.save()
    session.output.show(
        _row(session.config, name, name), tr("{name} is in use: {server}.", name=name, server=context.server)
    )


def show(session: Session) -> None:
    """Which service and access key a verb would take now, and who says so. The key itself is never shown."""
    target = session.target
    facts = {
        "context": target.context,
        "server": target.server,
        "server_from": target.server_from,
        "access_key": shown(target.access_key) if target.access_key else "",
        "access_key_from": target.key_from,
        "file": str(session.config.path),
    }
    session.output.show(facts, table((tr("field"), tr("value")), facts.items()))


def rename(
    session: Session, old: NameArgument, new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")]
) -> None:
    """Call it something else."""
    session.config.rename(old, new)
    session.config.save()
    session.output.show(
        _row(session.config, new, session.config.current), tr("{old} is called {new} now.", old=old, new=new)
    )


def delete(session: Session, name: NameArgument) -> None:
    """Forget it here. The access key stays valid: who has it elsewhere can still use it."""
    config = session.config
    config.named(name)
    row = _row(config, name, config.current)
    del config.contexts[name]
    config.current = "" if config.current == name else config.current
    config.save()
    session.output.show({"deleted": name, **row}, tr("{name} is forgotten.", name=name))
    if row["used"] and config.contexts:
        session.output.say(tr("Use another: 3kctl context use {name}", name=next(iter(config.contexts))))


def _row(config: Config, name: str, used: str) -> dict[str, object]:
    context = config.contexts[name]
    return {"name": name, "server": context.server, "access_key": context.shown_key, "used": name == used}


def _address(session: Session, before: Context | None) -> str:
    """What was given, else what the context had, else asked for."""
    known = before.server if before else DEFAULT_SERVER
    given = session.given.server or session.environment.get(SERVER, "") or (before.server if before else "")
    if not given and sys.stdin.isatty():
        session.output.errors.print(tr("Address of the service [{known}]: ", known=known), end="")
        given = input().strip()
    return (given or known).rstrip("/")


def _access_key(session: Session, address: str) -> str:
    given = session.given.access_key or session.environment.get("SANQIAN_ACCESS_KEY", "")
    if not given:
        if sys.stdin.isatty():
            given = ask_on_terminal(tr("Access key for {server}", server=address))
        else:
            given = sys.stdin.readline(LONGEST_KEY)
    if not given.strip():
        raise CliError(
            tr("No access key is given."),
            hint=tr("Type it when asked, or give it on the standard input: 3kctl login < FILE"),
            code=Code.USAGE,
        )
    return given.strip()
