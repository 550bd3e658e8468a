"""One cluster from end to end: reading, nodes, components, certificates, backups, drift, operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cli.checks.finding import Finding, Level, fault, unknown, warning, well
from cli.language import tr
from cli.text import duration, moment

# A cluster is read once a minute.
OLD, VERY_OLD = 5 * 60.0, 30 * 60.0
LEVELS = {"healthy": Level.OK, "progressing": Level.WARNING, "degraded": Level.WARNING, "unhealthy": Level.ERROR}
# Parts that have a finding of their own.
OWN = ("certificates", "backups", "drift")
FEW = 5


def of_cluster(
    row: Mapping[str, Any], health: Mapping[str, Any], last: Mapping[str, Any] | None, now: datetime
) -> Iterator[Finding]:
    """All findings; `last` is the newest operation, if there is any."""
    name = str(row["name"])
    yield from _state(row, name)
    yield from _operation(row, last, name)
    if not health.get("checked_at"):
        yield unknown(
            "reading",
            tr("{name} was not read yet.", name=name),
            tr("Read it now: 3kctl health {name} --now", name=name),
        )
        return
    yield from _reading(health, name, now)
    yield from _nodes(health.get("nodes") or [])
    yield from _components(health.get("components") or [], name)


def _state(row: Mapping[str, Any], name: str) -> Iterator[Finding]:
    state, reason = row["state"], row.get("state_reason") or ""
    said = tr("{name} is {state}.", name=name, state=state) + (f" {reason}" if reason else "")
    if state == "ready":
        yield well("state", said)
    elif state == "registered":
        hint = tr(
            "Check its hosts: 3kctl deploy preflight {name}, then 3kctl deploy install kubernetes {name}", name=name
        )
        yield warning("state", said, hint)
    elif state == "failed":
        yield fault(
            "state",
            said,
            tr("See why: 3kctl follow {name}; check the hosts: 3kctl doctor {name} --preflight", name=name),
        )
    elif state == "degraded":
        yield warning("state", said, tr("See the findings below."))
    else:
        yield warning("state", said, tr("Watch it: 3kctl follow {name}", name=name))


def _operation(row: Mapping[str, Any], last: Mapping[str, Any] | None, name: str) -> Iterator[Finding]:
    if active := row.get("active_operation"):
        yield well(
            "operation",
            tr("{kind} is under way, {progress} %.", kind=active["kind"], progress=int(active.get("progress") or 0)),
        )
    elif last and last["state"] == "failed":
        error = last.get("error") or {}
        said = tr("The last operation, {kind}, failed.", kind=last["kind"])
        where = " ".join(filter(None, [error.get("step"), error.get("host")]))
        said += f" {where}: {error['message']}" if error.get("message") else ""
        fix = error.get("fix") or tr("See its output: 3kctl logs {id}", id=last["id"])
        yield warning("operation", said, f"{fix} " + tr("Then go on: 3kctl retry {id}", id=last["id"]))
    elif last:
        yield well("operation", tr("The last operation, {kind}, {state}.", kind=last["kind"], state=last["state"]))


def _reading(health: Mapping[str, Any], name: str, now: datetime) -> Iterator[Finding]:
    at = moment(health["checked_at"])
    seconds = (now - at).total_seconds() if at else 0.0
    said = tr("Its health was read {age} ago.", age=duration(seconds))
    if health.get("reachable") is False:
        reason = health.get("error") or tr("no reason given")
        yield fault(
            "reading",
            tr("The service does not reach its API server: {reason}.", reason=str(reason).rstrip(".")),
            tr("Is the first control-plane host up? Try 3kctl doctor {name} --preflight", name=name),
        )
    if seconds > OLD:
        level = fault if seconds > VERY_OLD else warning
        yield level("reading-age", said, tr("Do workers serve the queue health, and does beat run?"))
    else:
        yield well("reading-age", said)


def _nodes(nodes: list[Mapping[str, Any]]) -> Iterator[Finding]:
    away = [node for node in nodes if not node.get("ready")]
    if away:
        names = ", ".join(f"{node['name']} ({node.get('reason') or node.get('state') or '?'})" for node in away[:FEW])
        yield fault(
            "nodes",
            tr("{count} of {all} nodes are not ready: {names}.", count=len(away), all=len(nodes), names=names),
            tr("On the host: systemctl status kubelet containerd; journalctl -u kubelet"),
        )
    elif nodes:
        yield well("nodes", tr("All {count} nodes are ready.", count=len(nodes)))
    else:
        yield unknown("nodes", tr("No nodes were seen."))


def _components(rows: list[Mapping[str, Any]], name: str) -> Iterator[Finding]:
    chosen = [row for row in rows if row["name"] not in OWN]
    bad = [row for row in chosen if LEVELS.get(row["state"]) in (Level.WARNING, Level.ERROR)]
    bad += [row for row in chosen if row["state"] == "absent" and row.get("chosen")]
    for row in bad:
        level = LEVELS.get(row["state"], Level.ERROR)
        said = tr("{name} is {state}.", name=row["name"], state=row["state"])
        said += f" {row['reason']}" if row.get("reason") else ""
        yield Finding("component", level, said, _remedy(row, name))
    if chosen and not bad:
        yield well("components", tr("All {count} components are as they should be.", count=len(chosen)))
    known = {row["name"]: row for row in rows}
    fixes = {
        "certificates": tr("3kctl deploy renew certificates {name}", name=name),
        "backups": tr("3kctl backup {name}; see whether workers run", name=name),
        "drift": tr("See 3kctl drift {name}; 3kctl deploy install puts it right", name=name),
    }
    for part, fix in fixes.items():
        yield _own(part, known.get(part), fix, name)


def _own(part: str, row: Mapping[str, Any] | None, fix: str, name: str) -> Finding:
    """A part that the service looks after itself, not a program of the cluster."""
    titles = {"certificates": tr("Certificates"), "backups": tr("Backups of etcd"), "drift": tr("Drift")}
    if row is None:
        missing = {
            "certificates": tr("They are read some hours after the installation."),
            "backups": tr("Have them taken: 3kctl clusters set {name} backup_hours=24", name=name),
            "drift": tr("Look now: 3kctl drift {name} --now", name=name),
        }
        return unknown(part, tr("{what}: nothing is known.", what=titles[part]), missing[part])
    said = f"{titles[part]}: {row['state']}." + (f" {row['reason']}" if row.get("reason") else "")
    level = LEVELS.get(row["state"], Level.UNKNOWN)
    return well(part, said) if level is Level.OK else Finding(part, level, said, fix)


def _remedy(row: Mapping[str, Any], name: str) -> str:
    if row["name"].startswith("rook-ceph") or row["name"] == "ceph":
        return tr("3kctl ceph status {name} --details", name=name)
    if row["state"] == "absent":
        return tr("3kctl deploy install operators {name} --software {part}", name=name, part=row["name"])
    namespace = row.get("namespace")
    return tr("3kctl pods {name}", name=name) + (f" -n {namespace}" if namespace else "")
