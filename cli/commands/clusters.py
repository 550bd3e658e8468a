"""Clusters and their configurations."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import RenderableType

from cli import complete
from cli.errors import CliError, Code
from cli.keys import ask_on_terminal
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument, assignment
from cli.output import table
from cli.register import Credentials, FileOption, findings_of_file, registration, show_findings
from cli.text import age
from cli.verb import Session, default_verb, verb

if TYPE_CHECKING:
    from cli.api import types

NamedCluster = Annotated[str, typer.Argument(metavar="CLUSTER", help="Name or id.", autocompletion=complete.clusters)]
HIDDEN = ("active_operation", "components", "inventory_extra", "findings")


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    clusters = typer.Typer(rich_markup_mode=None)
    app.add_typer(clusters, name="clusters")
    default_verb(clusters)(list_clusters)
    verb(clusters, "list")(list_clusters)
    verb(clusters, "show")(show)
    verb(clusters, "set")(change)
    verb(clusters, "delete")(delete)
    verb(app, "register")(register)
    verb(app, "validate")(validate)
    verb(app, "export")(export)
    verb(app, "kubeconfig")(kubeconfig)


def list_clusters(
    session: Session,
    state: Annotated[
        str, typer.Option(metavar="STATE", help="Only clusters in this state.", autocompletion=complete.cluster_states)
    ] = "",
) -> None:
    """Your clusters: list (also without a verb), show, delete."""
    rows = list(session.client.get_clusters(state=state))
    session.output.show(rows, clusters_table(session, rows))


def clusters_table(session: Session, rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Clusters as a table."""
    now = session.client.now()
    return session.output.table(
        (tr("name"), tr("state"), tr("hosts"), tr("components"), tr("operation"), tr("checked"), tr("age"), tr("id")),
        (tr("kubernetes"), tr("api address"), tr("backup h"), tr("drift h"), tr("reason")),
        (
            (
                row["name"],
                row["state"],
                row.get("hosts"),
                healthy(row.get("components")),
                activity(row.get("active_operation")),
                age(row.get("checked_at"), now),
                age(row.get("created_at"), now),
                row["id"],
                row.get("kubernetes_version"),
                row.get("api_address"),
                row.get("backup_hours"),
                row.get("drift_hours"),
                row.get("state_reason"),
            )
            for row in rows
        ),
        empty=tr("You have no cluster yet. Install one with `3kctl deploy all -f FILE`."),
    )


def healthy(counts: Mapping[str, Any] | None) -> str:
    """`7/9`: healthy components of all."""
    return f"{counts.get('healthy', 0)}/{counts.get('total', 0)}" if counts and counts.get("total") else "-"


def activity(operation: Mapping[str, Any] | None) -> str:
    """The operation under way and how far it is."""
    return f"{operation['kind']} {operation.get('progress') or 0:.0f}%" if operation else "-"


def show(session: Session, cluster: ClusterArgument = "") -> None:
    """One cluster with all its settings."""
    row = session.client.get_cluster(find_cluster(session.client, cluster)["id"])
    facts = [(key, value) for key, value in row.items() if key not in HIDDEN]
    facts.append(("components", healthy(row.get("components"))))
    facts.append(("operation", activity(row.get("active_operation"))))
    session.output.show(row, table((tr("field"), tr("value")), facts))


def change(
    session: Session,
    cluster: NamedCluster,
    assignments: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="VALUE is JSON or a word; - asks for it.")
    ],
) -> None:
    """Change settings of a cluster. They take effect with the next operation."""
    changes = dict(map(assignment, assignments))
    changes = {key: ask_on_terminal(key) if value == "-" else value for key, value in changes.items()}
    found = find_cluster(session.client, cluster)
    row = session.client.patch_cluster(found["id"], cast("types.PatchedChangeRequest", changes))
    session.output.show(
        row,
        tr(
            "Changed {names} of {name}.",
            names=", ".join(text.partition("=")[0] for text in assignments),
            name=row["name"],
        ),
    )


def delete(
    session: Session,
    cluster: NamedCluster,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again.")] = False,
) -> None:
    """Forget a cluster: its hosts, keys and history here. What runs on the hosts is left as it is."""
    row = find_cluster(session.client, cluster)
    if not yes:
        if not sys.stdin.isatty():
            raise CliError(
                tr("Deleting {name} must be confirmed.", name=row["name"]), hint=tr("Pass --yes, or run on a terminal.")
            )
        session.output.errors.print(
            tr("Type the name of the cluster to forget it ({name}): ", name=row["name"]), end=""
        )
        if input().strip() != row["name"]:
            raise CliError(tr("Nothing was deleted: the names differ."))
    session.client.delete_cluster(row["id"])
    session.output.show({"deleted": row["id"], "name": row["name"]}, tr("{name} is forgotten.", name=row["name"]))


def register(
    session: Session,
    file: FileOption,
    credentials: Credentials,
    name: Annotated[str, typer.Option(help="Name of the cluster [default: metadata.name, or the file's name].")] = "",
) -> None:
    """Register the hosts of a configuration without doing anything to them."""
    cluster = session.client.post_clusters(registration(file, name, credentials))
    if session.output.form.tables:
        show_findings(session, cluster.get("findings") or [])
    session.output.show(cluster, tr("Registered {name} ({id}).", name=cluster["name"], id=cluster["id"]))


def validate(
    session: Session,
    file: FileOption,
    credentials: Credentials,
    name: Annotated[str, typer.Option(help="Name of the cluster [default: metadata.name, or the file's name].")] = "",
) -> None:
    """Check a configuration and register nothing. Ends with 3 where it would be refused."""
    answer = session.client.post_clusters_validate(registration(file, name, credentials))
    hosts = table(
        (tr("host"), tr("address"), tr("port"), tr("user"), tr("role groups")),
        (
            (
                host.get("name"),
                host.get("address"),
                host.get("port"),
                host.get("user"),
                [group for group, members in (answer.get("role_groups") or {}).items() if host.get("name") in members],
            )
            for host in answer.get("hosts") or []
        ),
        empty=tr("The file names no hosts."),
    )
    findings = findings_of_file(answer["findings"]) if answer["findings"] else None
    session.output.show(
        answer,
        hosts,
        findings,
        tr("{file} is {what}.", file=file, what=tr("valid") if answer["valid"] else tr("not valid")),
    )
    if not answer["valid"]:
        raise typer.Exit(Code.REFUSED)


ToFile = Annotated[
    Path | None, typer.Option("--file", "-f", metavar="FILE", help="Write it there instead.", show_default=False)
]


def export(session: Session, cluster: ClusterArgument = "", file: ToFile = None) -> None:
    """Print the cluster's configuration in the form that kk takes."""
    row = find_cluster(session.client, cluster)
    _deliver(session, session.client.get_cluster_configuration(row["id"]), "configuration", file)


def kubeconfig(session: Session, cluster: ClusterArgument = "", file: ToFile = None) -> None:
    """Print the cluster's kubeconfig. It gives full control of the cluster: keep it safe."""
    row = find_cluster(session.client, cluster)
    _deliver(session, session.client.get_cluster_kubeconfig(row["id"]), "kubeconfig", file)


def _deliver(session: Session, text: str, what: str, file: Path | None) -> None:
    if file is not None:
        file = file.expanduser()
        try:
            _write_private(file, text)
        except OSError as error:
            raise CliError(tr("{file} cannot be written: {strerror}.", file=file, strerror=error.strerror)) from error
        session.output.show({"file": str(file)}, tr("Wrote the {what} to {file}.", what=what, file=file))
    elif session.output.form.tables:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    else:
        session.output.show({what: text})


def _write_private(file: Path, text: str) -> None:
    """Write for the owner only; a file that is there already is narrowed before anything is in it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(text)
