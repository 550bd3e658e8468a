"""Backups of a cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import complete
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument, ConfirmOption, Waiting, confirmed, names, operate
from cli.output import table
from cli.text import age, bytes_size
from cli.verb import Session, verb


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    verb(app, "backup")(backup)
    verb(app, "backups")(backups)
    verb(app, "restore")(restore)


def backup(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="Etcd host that keeps one; repeatable [default: all].",
            show_default=False,
            autocompletion=complete.nodes,
        ),
    ] = None,
    directory: Annotated[str, typer.Option(metavar="/DIR", help="Where [default: /var/backups/sanqian].")] = "",
    keep: Annotated[int, typer.Option(min=0, max=1000, help="How many stay on each host [default: 7].")] = 0,
    no_store: Annotated[bool, typer.Option("--no-store", help="Do not copy it into the cluster's store.")] = False,
) -> None:
    """Take a snapshot of etcd on the etcd hosts, and read it back."""
    given = {"hosts": names(host), "directory": directory, "keep": keep}
    params = {name: value for name, value in given.items() if value} | ({"store": False} if no_store else {})
    operate(session, find_cluster(session.client, cluster), "backup", params, waiting)


def restore(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    backup: Annotated[
        str, typer.Option(metavar="NAME", help="Which, as `backups` lists it [default: the newest].")
    ] = "",
    source: Annotated[
        str, typer.Option("--from", metavar="HOST|store", help="From there only [default: wherever it is].")
    ] = "",
    confirm: ConfirmOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", "--plan", help="Only look: choose and check it.")] = False,
) -> None:
    """Bring etcd back to a snapshot on all its members. What was written to the cluster since then is lost."""
    row = find_cluster(session.client, cluster)
    name = row["name"]
    lost = tr("What was written to {name} after the snapshot will be lost, and its API is away meanwhile.", name=name)
    typed = name if dry_run else confirmed(session, name, confirm, lost)
    params = {key: value for key, value in (("backup", backup), ("source", source)) if value}
    operate(session, row, "restore", {"confirm": typed, **params}, waiting, dry_run=dry_run)


def backups(session: Session, cluster: ClusterArgument = "") -> None:
    """The snapshots of etcd, the newest first, as the last backup found them."""
    rows = list(session.client.get_cluster_backups(find_cluster(session.client, cluster)["id"]))
    now = session.client.now()
    body = table(
        (tr("age"), tr("host"), tr("store"), tr("file"), tr("size"), tr("revision"), tr("keys"), tr("sha256")),
        (
            (
                age(row.get("taken_at"), now),
                row.get("host"),
                row.get("store"),
                f"{row.get('directory')}/{row.get('name')}",
                bytes_size(row.get("size")),
                row.get("revision"),
                row.get("keys"),
                str(row.get("sha256"))[:12],
            )
            for row in rows
        ),
        empty=tr("no backups yet. Take one with `3kctl backup`."),
    )
    session.output.show(rows, body)
