"""How clusters are: status, health, nodes, pods, components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from cli.commands.clusters import activity, clusters_table
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument, Waiting, operate
from cli.output import STYLES, Output, table
from cli.text import age, bytes_size, duration
from cli.titles import titled
from cli.verb import Session, verb


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    verb(app, "status")(status)
    verb(app, "health")(health)
    verb(app, "nodes")(nodes)
    verb(app, "pods")(pods)
    verb(app, "components")(components)
    verb(app, "certificates")(certificates)
    verb(app, "drift")(drift)


def status(session: Session, cluster: ClusterArgument = "") -> None:
    """State, operation, nodes and components of a cluster; without a name and with several: all of them in short."""
    client = session.client
    if not cluster:
        rows = [row for row in client.get_clusters() if row["state"] != "removed"]
        if len(rows) != 1:
            session.output.show(rows, clusters_table(session, rows))
            return
        cluster = rows[0]["id"]
    row = client.get_cluster(find_cluster(client, cluster)["id"])
    report = client.get_cluster_health(row["id"])
    head = Text.assemble((row["name"], "bold"), "  ", (row["state"], STYLES.get(row["state"], "")))
    if row.get("state_reason"):
        head.append(f": {row['state_reason']}")
    session.output.show({"cluster": row, "health": report}, head, *_about(session, row, report))


def _about(session: Session, row: Mapping[str, Any], report: Mapping[str, Any]) -> tuple[RenderableType | None, ...]:
    operation = row.get("active_operation")
    if operation:
        follow = tr(
            "{operation} under way, watch it with:  3kctl follow {id}",
            operation=activity(operation),
            id=operation["id"],
        )
        return (Text(follow, style="cyan"), *_read(session, report))
    return _read(session, report)


def _read(session: Session, report: Mapping[str, Any]) -> tuple[RenderableType | None, ...]:
    """What the last reading of the cluster saw, and when."""
    if not report.get("checked_at"):
        return (Text(tr("not read yet"), style="dim"),)
    seen = tr("read {checked_at} ago", checked_at=age(report["checked_at"], session.client.now()))
    if report.get("reachable") is False:
        seen += tr(", not reachable: {report}", report=report.get("error") or tr("no reason given"))
    return (
        Text(seen, style="dim"),
        Text(""),
        nodes_table(session.output, report.get("nodes") or []),
        Text(""),
        components_table(session.output, report.get("components") or []),
    )


def health(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    events: Annotated[int, typer.Option(min=0, max=200, help="How many of the last changes to show.")] = 10,
    now: Annotated[bool, typer.Option("--now", help="Read it now; changes nothing.")] = False,
) -> None:
    """The health of a cluster as last read, and its last changes."""
    client = session.client
    row = find_cluster(client, cluster)
    if now and (operate(session, row, "check", {}, waiting) is None or not session.output.form.tables):
        return
    report = client.get_cluster_health(row["id"])
    changes = list(islice(client.get_cluster_health_events(row["id"], limit=events or None), events))
    clock = client.now()
    head = Text.assemble((row["name"], "bold"), "  ", (report["state"], STYLES.get(report["state"], "")))
    if report.get("reason"):
        head.append(f": {report['reason']}")
    history = table(
        (tr("ago"), tr("what"), tr("from"), tr("to"), tr("reason")),
        (
            (
                age(change.get("at"), clock),
                f"{change.get('subject', '')} {change.get('name', '')}".strip(),
                change.get("old_state"),
                change.get("new_state"),
                change.get("reason"),
            )
            for change in changes
        ),
        empty=tr("no changes yet"),
    )
    parts = (*_read(session, report), Text(""), history) if events else _read(session, report)
    session.output.show({**report, "events": changes}, head, *parts)


def nodes(session: Session, cluster: ClusterArgument = "") -> None:
    """The hosts of a cluster, as registered and as last read."""
    row = find_cluster(session.client, cluster)
    rows = list(session.client.get_cluster_nodes(row["id"]))
    session.output.show(rows, nodes_table(session.output, rows))


def nodes_table(output: Output, rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Nodes as a table: of the registry with their addresses, or of a reading."""

    def cells(row: Mapping[str, Any]) -> tuple[object, ...]:
        seen = row.get("status") or (row if "ready" in row else {})
        gpus = seen.get("gpus") or {}
        return (
            row.get("name"),
            row.get("internal_address") or row.get("address"),
            row.get("role_groups") or seen.get("roles"),
            seen.get("ready"),
            seen.get("kubelet_version"),
            seen.get("cpu"),
            bytes_size(seen.get("memory")),
            f"{gpus.get('count')} {gpus.get('product') or ''}".strip() if gpus.get("count") else "-",
            row.get("user"),
            row.get("port"),
            row.get("jump"),
            seen.get("reason") or row.get("reason"),
        )

    columns = [tr("node"), tr("address"), tr("roles"), tr("ready"), tr("version"), tr("cpu"), tr("memory"), tr("gpus")]
    body = [list(cells(one)) for one in rows]
    if not any(row[1] for row in body):
        del columns[1]
        for row in body:
            del row[1]
    return output.table(columns, (tr("user"), tr("port"), tr("through"), tr("reason")), body, empty=tr("no nodes"))


def components(session: Session, cluster: ClusterArgument = "") -> None:
    """The platform's components on a cluster, with their health."""
    row = find_cluster(session.client, cluster)
    rows = list(session.client.get_cluster_components(row["id"]))
    session.output.show(rows, components_table(session.output, rows))


def components_table(output: Output, rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Components as a table."""
    return output.table(
        (tr("component"), tr("namespace"), tr("state"), tr("ready"), tr("version"), tr("reason")),
        (tr("kind"), tr("chart"), tr("chosen"), tr("checked"), tr("since")),
        (
            (
                row.get("name"),
                row.get("namespace"),
                row.get("state"),
                f"{row.get('ready', 0)}/{row.get('desired', 0)}",
                row.get("version"),
                row.get("reason"),
                row.get("kind"),
                row.get("chart_version"),
                row.get("chosen"),
                row.get("checked_at"),
                row.get("changed_at"),
            )
            for row in rows
        ),
        empty=tr("no components"),
    )


def certificates(session: Session, cluster: ClusterArgument = "") -> None:
    """When the certificates of the control plane, etcd and the registry end, the first ones first."""
    row = find_cluster(session.client, cluster)
    report = session.client.get_cluster_certificates(row["id"])
    body = table(
        (tr("days"), tr("host"), tr("certificate"), tr("ends")),
        ((one.get("days"), one.get("host"), one.get("path"), one.get("ends_at")) for one in report["results"]),
        empty=tr("no certificates were read yet"),
    )
    state = report.get("state") or "unknown"
    head = Text.assemble((row["name"], "bold"), "  ", (state, STYLES.get(state, "")))
    if report.get("reason"):
        head.append(f": {report['reason']}")
    session.output.show(report, head, body)


def drift(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    now: Annotated[bool, typer.Option("--now", help="Ask the hosts now; changes nothing.")] = False,
) -> None:
    """What is no longer as it was installed, as last looked at; `deploy all` and `deploy install` put it right."""
    row = find_cluster(session.client, cluster)
    if now and operate(session, row, "drift", {}, waiting) is None:
        return
    pages = session.client.get_cluster_components(row["id"])
    none: dict[str, Any] = {"name": "drift", "state": "unknown", "reason": tr("not looked at yet"), "details": {}}
    report = next((one for one in pages if one["name"] == "drift"), none)
    head = Text.assemble((row["name"], "bold"), "  ", (report["state"], STYLES.get(report["state"], "")))
    if report.get("reason"):
        head.append(f": {report['reason']}")
    steps = (report.get("details") or {}).get("steps") or []
    body = table(
        (tr("step"), tr("what"), tr("not as installed on"), tr("could not be told on")),
        ((one["step"], titled(one["title"]), one["changed"], one["silent"]) for one in steps),
        empty=(tr("nothing differs") if report["state"] == "healthy" else ""),
    )
    if now and not session.output.form.tables:
        return
    session.output.show(report, head, body)


def pods(
    session: Session,
    cluster: ClusterArgument = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only pods of this namespace.")] = "",
) -> None:
    """The pods of all namespaces, as last read."""
    row = find_cluster(session.client, cluster)
    report = session.client.get_cluster_pods(row["id"], namespace=namespace)
    body = table(
        (tr("namespace"), tr("name"), tr("ready"), tr("status"), tr("restarts"), tr("age"), tr("ip"), tr("node")),
        (
            (
                pod.get("namespace"),
                pod.get("name"),
                pod.get("ready"),
                pod.get("status"),
                pod.get("restarts", 0),
                "-" if (seconds := pod.get("age_seconds")) is None else duration(seconds),
                pod.get("ip"),
                pod.get("node"),
            )
            for pod in report["results"]
        ),
        empty=tr("no pods"),
    )
    session.output.show(report, body)
    if report.get("reachable") is False:
        seen = age(report.get("taken_at"), session.client.now())
        session.output.warn(
            tr(
                "The cluster did not answer {seen} ago: {report}",
                seen=seen,
                report=report.get("error") or tr("no reason given"),
            )
        )
