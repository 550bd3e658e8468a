"""`import`: a cluster that exists already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import RenderableType

from cli.errors import CliError
from cli.language import N_, tr
from cli.operate import Waiting, watch
from cli.output import table
from cli.register import LARGEST_FILE, Credentials, registration
from cli.verb import Session, verb

if TYPE_CHECKING:
    from cli.api import types

HOW = N_("Give -f FILE with the hosts, --kubeconfig FILE, or both.")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    verb(app, "import")(adopt)


def adopt(
    session: Session,
    waiting: Waiting,
    credentials: Credentials,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name here [default: metadata.name, or the file's name].")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="Hosts with SSH access; role groups may be left out; - reads it in.",
            show_default=False,
        ),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="An administrator's kubeconfig [default: a control-plane host's].",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--plan", help="Only say what would be recorded.")] = False,
) -> None:
    """Adopt a Kubernetes that was installed otherwise. Nothing is changed in it or on its hosts.

    With a kubeconfig alone its health is read; import it again with -f to have its hosts managed. A cluster that is
    imported already is read again: --dry-run says what is no longer as recorded.
    """
    # An import takes what a registration does, and more.
    body: types.ImportRequest = {}
    if file:
        given = registration(file, name, credentials)
        name = given.pop("name", "")
        body = cast("types.ImportRequest", given)
    if not name:
        raise CliError(tr("It is not said which cluster."), hint=tr("Name it: 3kctl import NAME. {HOW}", HOW=tr(HOW)))
    body["dry_run"] = dry_run
    if kubeconfig is not None:
        body["kubeconfig"] = _text(kubeconfig)
    known = [one for one in session.client.get_clusters(name=name) if one["state"] != "removed"]
    if not known and file is None and kubeconfig is None:
        raise CliError(tr("You have no cluster {name} yet.", name=name), hint=tr(HOW))
    if known:
        operation = session.client.post_cluster_import(known[0]["id"], body)
    else:
        operation = session.client.post_clusters_import({**body, "name": name})
    session.output.say(tr("Reading {name} ({id}).", name=name, id=operation["cluster"]["id"]))
    detail = watch(session, operation, waiting)
    if detail and session.output.form.tables:
        session.output.result.print(recorded_table(detail))


def recorded_table(detail: Mapping[str, Any]) -> RenderableType:
    """What an import recorded, or would record."""
    result: Mapping[str, Any] = {}
    for step in detail.get("steps") or []:
        result = step.get("result") or {} if step.get("key") == "match" else result
    record, changes = result.get("record") or {}, result.get("changes") or {}
    rows: list[tuple[str, str, str]] = []
    for key, value in (record.get("settings") or {}).items():
        was = (
            tr("{value} (was {value2})", value=value, value2=changes[key][0] or tr("empty"))
            if key in changes
            else str(value)
        )
        rows.append(("setting", key, was))
    hosts = record.get("hosts") or {}
    rows += [("host", host, ", ".join(roles)) for host, roles in hosts.items()]
    for node, roles in (record.get("nodes") or {}).items():
        if node not in hosts:
            rows.append(("node", node, tr("{roles}; no SSH access", roles=", ".join(roles))))
    for part in record.get("parts") or []:
        rows.append(("component", part["name"], part.get("chart_version") or part.get("version") or "-"))
    for chart in record.get("charts") or []:
        of = f"{chart.get('chart') or '?'} {chart.get('version') or ''}".strip()
        rows.append(("release", f"{chart['namespace']}/{chart['release']}", f"{of} ({chart['status']})"))
    for ceph in record.get("ceph") or []:
        of = f"{', '.join(ceph['hosts']) or '-'}; {', '.join(ceph['classes']) or '-'}"
        rows.append(("ceph", f"{ceph['namespace']}/{ceph['name']}", of))
    return table((tr("what"), tr("name"), tr("value")), rows, empty=tr("Nothing was found."))


def _text(path: Path) -> str:
    try:
        data = path.expanduser().read_bytes()
    except OSError as error:
        raise CliError(
            tr("The kubeconfig {path} cannot be read: {strerror}.", path=path, strerror=error.strerror)
        ) from error
    if len(data) > LARGEST_FILE:
        raise CliError(tr("{path} is larger than 1 MiB; it is no kubeconfig.", path=path))
    return data.decode(errors="replace")
