"""`doctor`: what is wrong between here and a cluster, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import set_cell_size
from rich.text import Text

from cli import complete
from cli.checks import cluster as of_cluster
from cli.checks import service as of_service
from cli.checks.finding import Finding, Level, exit_code, fault, unknown, well
from cli.commands.fleet import password
from cli.errors import CliError, Code, Problem
from cli.follow import findings_table, follow
from cli.language import N_, tr
from cli.lookup import find_cluster
from cli.output import STYLES
from cli.verb import Session, own_version, verb

if TYPE_CHECKING:
    from cli.api import types

MARKS = {Level.OK: N_("ok"), Level.UNKNOWN: "?", Level.WARNING: N_("warning"), Level.ERROR: N_("error")}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    verb(app, "doctor")(doctor)


def doctor(
    session: Session,
    cluster: Annotated[
        str,
        typer.Argument(
            metavar="CLUSTER", help="Also this cluster, end to end; name or id.", autocompletion=complete.clusters
        ),
    ] = "",
    preflight: Annotated[bool, typer.Option("--preflight", help="Check the cluster's hosts, too.")] = False,
    user: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            envvar="SANQIAN_USER",
            show_envvar=False,
            help="Look at queues and workers as this operator [env: SANQIAN_USER].",
        ),
    ] = "",
) -> None:
    """Look for what is wrong: your configuration, the service, its database, broker and workers, and one cluster.

    Each finding says what to do. Ends with 1 where something does not work; a warning is none of that.
    """
    if preflight and not cluster:
        raise CliError(tr("--preflight needs a cluster."), hint="3kctl doctor CLUSTER --preflight")
    findings: list[Finding] = []
    for finding in _examine(session, cluster, user, preflight):
        findings.append(finding)
        if session.output.form.tables:
            session.output.result.print(_line(finding), soft_wrap=True)
    counted = {level.value: sum(one.level is level for one in findings) for level in Level}
    document = {"findings": [asdict(one) for one in findings], "counts": counted}
    session.output.show(document, Text(""), _summary(findings))
    if code := exit_code(findings):
        raise typer.Exit(code)


def _examine(session: Session, cluster: str, user: str, preflight: bool) -> Iterator[Finding]:
    target = session.target
    yield from of_service.of_configuration(session.config, target)
    client = session.open()
    try:
        client.probe("livez")
        yield well("service", tr("The service answers."))
        yield from of_service.of_readiness(*client.probe("readyz"))
    except CliError as error:
        yield fault("service", error.message, error.hint)
        return
    yield of_service.of_clock(client.skew)
    if not target.access_key:
        return
    try:
        who = client.get_whoami()
    except CliError as error:
        yield fault("access-key", error.message, error.hint)
        return
    yield from of_service.of_key(who, target.access_key, client.now())
    yield of_service.of_versions(own_version(), str(who.get("version") or ""))
    yield from _work(session, user)
    if cluster:
        yield from _cluster(session, cluster, preflight)


def _work(session: Session, user: str) -> Iterator[Finding]:
    try:
        if user:
            with session.operator(user, password(user)) as operator:
                yield from of_service.of_fleet(operator.get_fleet())
        else:
            yield from of_service.of_work(session.client.get_service())
    except Problem as error:
        if error.code is Code.NOT_FOUND:
            yield unknown("workers", tr("The service is too old to tell whether workers run."))
        else:
            yield fault("workers", error.message, error.hint)


def _cluster(session: Session, name: str, preflight: bool) -> Iterator[Finding]:
    client = session.client
    try:
        row = client.get_cluster(find_cluster(client, name)["id"])
        health = client.get_cluster_health(row["id"])
        newest = next(client.get_cluster_operations(row["id"], limit=1), None)
    except CliError as error:
        yield fault("cluster", error.message, error.hint)
        return
    yield from of_cluster.of_cluster(row, health, newest, client.now())
    if preflight:
        yield from _preflight(session, row)


def _preflight(session: Session, row: Mapping[str, Any]) -> Iterator[Finding]:
    body: types.PreflightOperationRequest = {"kind": "preflight"}
    operation = session.client.post_cluster_operations(row["id"], body)
    detail = follow(session, operation["id"])
    if detail["state"] == "succeeded":
        yield well("preflight", tr("The hosts are as an installation wants them."))
    else:
        error = detail.get("error") or {}
        hint = error.get("fix") or tr("See its findings: 3kctl logs {id}", id=operation["id"])
        yield fault("preflight", error.get("message") or tr("The hosts are not fit."), hint)
    if session.output.form.tables and (table := findings_table(detail)):
        session.output.result.print(table)


def _line(finding: Finding) -> Text:
    mark = MARKS[finding.level]
    line = Text.assemble((set_cell_size(tr(mark), 8), STYLES.get(mark, "yellow")), finding.message)
    if finding.fix:
        line.append(f"\n{'':<8}{tr('fix: ')}", style="bold").append(finding.fix)
    return line


def _summary(findings: list[Finding]) -> Text:
    errors = sum(one.level is Level.ERROR for one in findings)
    warnings = sum(one.level is Level.WARNING for one in findings)
    if not errors and not warnings:
        return Text(tr("Nothing is wrong."), style="green")
    said = tr("Errors: {errors}, warnings: {warnings}.", errors=errors, warnings=warnings)
    return Text(said, style="red" if errors else "yellow")
