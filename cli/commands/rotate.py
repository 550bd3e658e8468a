"""`rotate`: secrets of a cluster are changed, without installing anything anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import complete
from cli.errors import CliError
from cli.keys import ask_on_terminal, read_key
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument, DryRunOption, Waiting, names, operate
from cli.verb import Session, verb

AskPasswordOption = Annotated[
    bool, typer.Option("--ask-password", help="Ask for the new password [default: one is made].")
]
HostOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only on this host; repeatable [default: all].",
        show_default=False,
        autocompletion=complete.nodes,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    rotate = typer.Typer(help="Change the secrets of a cluster.", no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(rotate, name="rotate")
    verb(rotate, "ssh-key")(ssh_key)
    verb(rotate, "host-password")(host_password)
    verb(rotate, "access-key")(access_key)
    verb(rotate, "registry-password")(registry_password)


def ssh_key(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    private_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The new private key [default: one is made].", show_default=False),
    ] = None,
    host: HostOption = None,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Leave the old key in authorized_keys.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Log in to the hosts with another key: it is proven on all of them before the old one is given up.

    The old key then opens the hosts no more, for nobody. A key that the service makes leaves it never.
    """
    secrets = {}
    if private_key is not None:
        secrets["private_key"], passphrase = read_key(private_key.expanduser())
        if passphrase:
            secrets["passphrase"] = passphrase
    given = {"hosts": names(host), "keep_old": keep_old}
    params = {name: value for name, value in given.items() if value}
    row = find_cluster(session.client, cluster)
    operate(session, row, "rotate-ssh-key", params, waiting, dry_run=dry_run, secrets=secrets)


def host_password(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    ask_password: AskPasswordOption = False,
    host: HostOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Change the password of the users that the hosts are logged in to as, where the login or sudo uses one.

    It is proven on every host before the stored one is replaced. SANQIAN_NEW_HOST_PASSWORD gives the new one, too. One
    that the service makes leaves it only for kk's configuration on the first control-plane host, which root alone
    reads: give one to log in with it yourself.
    """
    word = os.environ.get("SANQIAN_NEW_HOST_PASSWORD", "")
    if ask_password:
        word = _ask_twice(tr("New password of the hosts' users"))
    secrets = {"host_password": word} if word else {}
    params = {"hosts": chosen} if (chosen := names(host)) else {}
    row = find_cluster(session.client, cluster)
    operate(session, row, "rotate-host-password", params, waiting, dry_run=dry_run, secrets=secrets)


def access_key(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", "--plan", help="Only look: does the cluster hold the access key that it belongs to?"),
    ] = False,
) -> None:
    """Hand the cluster over to another access key of yours, in the service and in the cluster itself.

    The new key comes from SANQIAN_NEW_ACCESS_KEY, or is asked for. What reads it in the cluster starts anew. The key
    before is valid until it ends or is revoked.
    """
    row = find_cluster(session.client, cluster)
    if not dry_run:
        new = os.environ.get("SANQIAN_NEW_ACCESS_KEY", "").strip() or ask_on_terminal(tr("New access key")).strip()
        if new != session.access_key:
            answer = session.client.post_cluster_access_key(row["id"], {"access_key": new})
            session.output.say(
                tr(
                    "{name} has the access key {access_key} now; it is used from here on.",
                    name=row["name"],
                    access_key=answer["access_key"],
                )
            )
            session.aim(session.server, new)
    operate(session, row, "rotate-access-key", {}, waiting, dry_run=dry_run)


def registry_password(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    ask_password: AskPasswordOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Change the password of the registry's administrator: in Harbor, and where hosts, kk and helm log in with it.

    SANQIAN_NEW_REGISTRY_PASSWORD gives the new one, too. One that the service makes is in kk's configuration on the
    first control-plane host, which root alone reads.
    """
    word = os.environ.get("SANQIAN_NEW_REGISTRY_PASSWORD", "")
    if ask_password:
        word = ask_on_terminal(tr("New password of the registry"))
    secrets = {"password": word} if word else {}
    row = find_cluster(session.client, cluster)
    operate(session, row, "rotate-registry-password", {}, waiting, dry_run=dry_run, secrets=secrets)


def _ask_twice(question: str) -> str:
    """An answer that is hidden, so a slip of the finger must be found. Raises `CliError`."""
    word = ask_on_terminal(question)
    if word != ask_on_terminal(tr("{question}, once more", question=question)):
        raise CliError(tr("The two differ."), hint=tr("Run it again."))
    return word
