"""`ceph`: how the storage of a cluster is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from cli.follow import conclude, follow
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument
from cli.output import STYLES, table
from cli.text import age, bytes_size, per_cent
from cli.verb import Session, verb

if TYPE_CHECKING:
    from cli.api import types

BAR = 30  # characters of the capacity bar
STATES = 5  # kinds of placement groups shown


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    group = typer.Typer(help="Ceph, the storage of a cluster.", no_args_is_help=True)
    verb(group, "status")(status)
    app.add_typer(group, name="ceph")


def status(
    session: Session,
    cluster: ClusterArgument = "",
    now: Annotated[bool, typer.Option("--now", help="Read it now, with an operation; otherwise as last read.")] = False,
    details: Annotated[bool, typer.Option("--details", help="Every OSD, and every line of each check.")] = False,
) -> None:
    """Health with its checks, capacity, OSDs of each host, monitors, placement groups, versions."""
    row = find_cluster(session.client, cluster)
    if now:
        _read(session, row)
    report = session.client.get_cluster_ceph(row["id"])
    session.output.show(report, *_head(session, row, report), *_body(report, details))


def _read(session: Session, cluster: Mapping[str, Any]) -> None:
    """Have the service read Ceph. Raises `typer.Exit` where it cannot."""
    body: types.CephStatusOperationRequest = {"kind": "ceph-status"}
    operation = session.client.post_cluster_operations(cluster["id"], body)
    detail = follow(session, operation["id"])
    if detail["state"] != "succeeded":
        raise typer.Exit(conclude(session, detail))


def _head(session: Session, row: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[RenderableType]:
    health, state = report["health"] or tr("no health yet"), report["state"]
    yield Text.assemble((row["name"], "bold"), "  ", (health, STYLES.get(state, "")), f"  ({state})")
    seen = tr("read {taken_at} ago", taken_at=age(report["taken_at"], session.client.now()))
    if report["origin"] != "toolbox":
        seen += tr(" from Rook's resource alone, which knows no OSDs, monitors and placement groups")
    yield Text(seen, style="dim")
    if report["error"]:
        yield Text(report["error"], style="yellow")
    if state == "unknown":
        yield Text(report["reason"], style="yellow")


def _body(report: Mapping[str, Any], details: bool) -> Iterator[RenderableType]:
    for check in report["checks"]:
        yield Text("")
        yield from _check(check, details)
    yield Text("")
    yield _capacity(report["capacity"])
    if report["slow_ops"]:
        yield Text(tr("slow requests: {slow_ops}", slow_ops=report["slow_ops"]), style="yellow")
    if report["mons"]:
        yield _monitors(report)
        yield _groups(report["placement_groups"])
    if report["flags"]:
        yield Text(tr("flags: {flags}", flags=", ".join(report["flags"])), style="yellow")
    yield from _versions(report["versions"])
    if report["hosts"]:
        yield Text("")
        yield _osds(report["hosts"]) if details else _hosts(report["hosts"])
    if report["pools"]:
        yield Text("")
        yield _pools(report["pools"])
    for command, why in report["unread"].items():
        yield Text(tr("not read: {command}: {why}", command=command, why=why), style="yellow")


def _check(check: Mapping[str, Any], details: bool) -> Iterator[RenderableType]:
    style = "dim" if check["muted"] else "red" if check["severity"] == "HEALTH_ERR" else "yellow"
    muted = " (muted)" if check["muted"] else ""
    yield Text.assemble((check["code"], style), f"{muted}: {check['message']}")
    if details:
        for line in check["details"]:
            yield Text(f"  {line}", style="dim")
    if check["advice"] and not check["muted"]:
        yield Text(tr("  fix: {advice}", advice=check["advice"]))


def _capacity(capacity: Mapping[str, Any]) -> RenderableType:
    """A bar as long as what is used."""
    total, used = capacity["total_bytes"], capacity["used_percent"]
    if not total:
        return Text(tr("capacity: not known"), style="dim")
    filled = min(BAR, round(BAR * used / 100))
    style = "green"
    if used >= capacity["nearfull_percent"]:
        style = "red" if used >= capacity["full_percent"] else "yellow"
    numbers = tr(
        "{used_bytes} of {total}, {free_bytes} free",
        used_bytes=bytes_size(capacity["used_bytes"]),
        total=bytes_size(total),
        free_bytes=bytes_size(capacity["free_bytes"]),
    )
    return Text.assemble(
        tr("capacity: ") + "[", ("#" * filled, style), "." * (BAR - filled), f"] {per_cent(used)}  {numbers}"
    )


def _monitors(report: Mapping[str, Any]) -> RenderableType:
    mons = report["mons"]
    away = [mon["name"] for mon in mons if not mon["in_quorum"]]
    said = tr("monitors: {value} of {mons} in quorum", value=len(mons) - len(away), mons=len(mons))
    if away:
        said += tr(", without {away}", away=", ".join(away))
    manager = report["manager"] or tr("none active")
    said += tr("; manager: {manager}, {standbys} standing by", manager=manager, standbys=report["standbys"])
    return Text(said, style="yellow" if away or not report["manager"] else "")


def _groups(groups: Mapping[str, Any]) -> RenderableType:
    said = tr("placement groups: {clean} of {total} active+clean", clean=groups["clean"], total=groups["total"])
    others = [(count, name) for name, count in groups["states"].items() if name != "active+clean"]
    shown = [f"{count} {name}" for count, name in sorted(others, reverse=True)[:STATES]]
    if shown:
        said += f"; {', '.join(shown)}"
    return Text(said, style="yellow" if groups["clean"] < groups["total"] else "")


def _versions(versions: Mapping[str, Mapping[str, int]]) -> Iterator[RenderableType]:
    distinct = {version for counts in versions.values() for version in counts}
    if len(distinct) == 1:
        yield Text(tr("version: {distinct}", distinct=distinct.pop()))
    elif distinct:
        parts = [
            f"{kind} {version} ({count})" for kind, counts in versions.items() for version, count in counts.items()
        ]
        yield Text(tr("versions: {parts}", parts=", ".join(parts)), style="yellow")


def _hosts(hosts: Sequence[Mapping[str, Any]]) -> RenderableType:
    return table(
        (tr("host"), tr("osds"), tr("up"), tr("in"), tr("size"), tr("used"), tr("free"), tr("full")),
        (
            (
                host["name"],
                len(host["osds"]),
                host["up"],
                host["inside"],
                *_sizes(
                    sum(osd["size_bytes"] for osd in host["osds"]),
                    sum(osd["used_bytes"] for osd in host["osds"]),
                    sum(osd["free_bytes"] for osd in host["osds"]),
                ),
            )
            for host in hosts
        ),
    )


def _osds(hosts: Sequence[Mapping[str, Any]]) -> RenderableType:
    return table(
        (
            tr("host"),
            tr("osd"),
            tr("class"),
            tr("up"),
            tr("in"),
            tr("size"),
            tr("used"),
            tr("free"),
            tr("full"),
            tr("groups"),
        ),
        (
            (
                host["name"],
                osd["id"],
                osd["device_class"],
                osd["up"],
                osd["inside"],
                *_sizes(osd["size_bytes"], osd["used_bytes"], osd["free_bytes"]),
                osd["placement_groups"],
            )
            for host in hosts
            for osd in host["osds"]
        ),
    )


def _pools(pools: Sequence[Mapping[str, Any]]) -> RenderableType:
    return table(
        (tr("pool"), tr("copies"), tr("least"), tr("apart by"), tr("stored"), tr("available")),
        (
            (
                pool["name"],
                tr("{size} chunks", size=pool["size"]) if pool["erasure_coded"] else pool["size"],
                pool["min_size"],
                pool["failure_domain"],
                bytes_size(pool["stored_bytes"]),
                bytes_size(pool["available_bytes"]),
            )
            for pool in pools
        ),
    )


def _sizes(size: int, used: int, free: int) -> tuple[str, ...]:
    full = per_cent(100 * used / size) if size else "-"
    return bytes_size(size), bytes_size(used), bytes_size(free), full
