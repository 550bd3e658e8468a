"""`deploy add` and `deploy delete`: hosts come and go."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import complete
from cli.errors import CliError
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument, Waiting, What, checked_duration, names, operate
from cli.register import Credentials, add_hosts, registration
from cli.text import parse_duration
from cli.verb import Session, verb


class Addable(StrEnum):
    """What `deploy add` takes."""

    NODES = "nodes"


class Deletable(StrEnum):
    """What `deploy delete` takes."""

    NODE = "node"


def add_to(deploy: typer.Typer) -> None:
    """Register the verbs."""
    verb(deploy, "add")(add)
    verb(deploy, "delete")(delete)


def add(
    session: Session,
    part: Annotated[Addable, typer.Argument(help="What to add.")],
    what: What,
    waiting: Waiting,
    credentials: Credentials,
    cluster: ClusterArgument = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="Configuration of the whole cluster or of the new hosts; what is not registered yet joins.",
            show_default=False,
        ),
    ] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A host that is registered already joins; repeatable.",
            show_default=False,
            autocompletion=complete.nodes,
        ),
    ] = None,
) -> None:
    """Let further hosts join a running cluster: workers at once, control plane and etcd one by one.

    With --dry-run the hosts of FILE are registered, and nothing is changed on them.
    """
    joining = names(node)
    if file is None and not joining:
        raise CliError(tr("It is not said which hosts join."), hint=tr("Name their configuration with -f FILE."))
    row = find_cluster(session.client, cluster)
    if file is not None:
        joining += add_hosts(session, row, registration(file, row["name"], credentials))
    if not joining:
        raise CliError(
            tr("All hosts of {file} are registered already.", file=file),
            hint=tr("Name those that shall join: --node NAME."),
        )
    operate(session, row, f"add-{part.value}", what.params(nodes=joining), waiting, dry_run=what.dry_run)


def delete(
    session: Session,
    part: Annotated[Deletable, typer.Argument(help="What to delete.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the host.", autocompletion=complete.nodes)],
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    drain_timeout: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            callback=checked_duration,
            help="How long its pods may take to leave, e.g. 10m [default: 15m].",
        ),
    ] = "",
    delete_emptydir_data: Annotated[
        bool, typer.Option("--delete-emptydir-data", help="What pods keep in emptyDir volumes may be lost.")
    ] = False,
    osd: Annotated[
        list[int] | None, typer.Option("--osd", metavar="ID", help="Number of an OSD that it has; repeat for all.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="The host is dead: clean nothing that cannot be.")] = False,
) -> None:
    """Let one host leave: its pods move elsewhere, its node is deleted, the host is cleaned.

    Refused where the cluster cannot do without it: quorum of etcd, last control plane, registry, data of Ceph. With
    all of its OSDs named, their data is moved first.
    """
    params = what.params(
        node=name,
        drain_timeout=int(parse_duration(drain_timeout)) if drain_timeout else 0,
        delete_emptydir_data=delete_emptydir_data,
        osds=osd or [],
        force=force,
    )
    row = find_cluster(session.client, cluster)
    operate(session, row, f"remove-{part.value}", params, waiting, dry_run=what.dry_run)
