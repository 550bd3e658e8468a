"""Reading a cluster's Ceph over SSH and keeping what it said: a row, and events of the checks that come and go.

The component rook-ceph-cluster takes what is kept here into its health whenever the cluster is read (`tasks.health`).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from clusters.ceph import COMMANDS, CephState, place, state_from_resource
from clusters.ceph.place import OURS, RESOURCE
from clusters.ceph.report import Report, read_report
from clusters.models import CephReading, Cluster, HealthEvent, Node
from clusters.snapshot import ClusterSnapshot
from tasks import health_events, hosts
from tasks.database import release
from tasks.kube_access import CONTROL_PLANE
from tasks.plans.scripting import FILES
from tasks.remote import Remote, RemoteError

log = logging.getLogger(__name__)
READING = 30.0  # seconds that all commands may take together
EVERY = timedelta(minutes=4)  # where Rook reports no change; shorter than a reading's life (clusters.ceph.rules.STALE)
_WORDS = {"HEALTH_WARN": "degraded", "HEALTH_ERR": "unhealthy"}


def read(remote: Remote, names: Iterable[str] = COMMANDS, *, namespace: str = OURS.namespace) -> Report:
    """What Ceph in `namespace` says on this control-plane host to these of `COMMANDS`. Raises `RemoteError`."""
    mark = f"@ceph-{secrets.token_hex(8)}"
    commands = "\n".join(f"{name} {' '.join(COMMANDS[name])}" for name in names)
    env = {"MARK": mark, "NAMESPACE": namespace, "COMMANDS": commands}
    result = remote.run(FILES["ceph-read"], env=env, sudo=True, timeout=READING)
    return read_report(result.stdout.decode(errors="replace"), mark, timezone.now())


def read_cluster(cluster: Cluster) -> Report:
    """What Ceph says, on the first control-plane host that takes a connection. Raises no error of a host."""
    nodes = cluster.nodes.select_related("credential", "jump__credential").filter(role_groups__overlap=CONTROL_PLANE)
    error = "The cluster has no control-plane host."
    for node in nodes:
        try:
            return _on(node, namespace_of(cluster))
        except RemoteError as failed:
            error = f"{node.name}: {failed}"
    return Report(None, error=error)


def _on(node: Node, namespace: str) -> Report:
    with hosts.connection(node) as remote:
        release()
        return read(remote, namespace=namespace)


def namespace_of(cluster: Cluster) -> str:
    """Where the cluster's Ceph is, by its import, or will be."""
    return place.of_import(cluster.imported).namespace


def keep_fresh(cluster: Cluster, snapshot: ClusterSnapshot) -> None:
    """Read Ceph again where Rook reports something new or the last reading has become old."""
    if RESOURCE in snapshot.unread:
        return
    known = CephReading.objects.filter(cluster=cluster).first()
    # Rook may run others beside it.
    where = namespace_of(cluster)
    found = [one for one in snapshot.objects.get(RESOURCE, ()) if one["metadata"].get("namespace") == where]
    if not found:
        if known is not None:
            store(cluster.pk, Report(None, installed=False))
        return
    told = state_from_resource(found[0], snapshot.now)
    if known is not None and known.tried_at > timezone.now() - EVERY:
        if known.source == CephReading.Source.RESOURCE:
            store(cluster.pk, Report(told, error=known.error), tried_at=known.tried_at)
            return
        if _says(CephState.from_json(known.state)) == _says(told):
            return
    report = read_cluster(cluster)
    if report.error:
        log.warning("cluster %s: its Ceph cannot be read whole: %s", cluster.pk, report.error)
    if report.state is None and report.installed:
        report = Report(told, error=report.error)
    store(cluster.pk, report)


def latest(cluster: Cluster) -> CephState | None:
    """What was read last."""
    row = CephReading.objects.filter(cluster=cluster).first()
    return CephState.from_json(row.state) if row else None


@transaction.atomic
def store(cluster_id: UUID, report: Report, tried_at: datetime | None = None) -> None:
    """Keep a report, with events of the checks that it raises or clears. One without a state keeps only its error."""
    cluster = Cluster.objects.select_for_update(of=("self",)).filter(pk=cluster_id).first()
    if cluster is None:
        return
    if not report.installed:
        CephReading.objects.filter(cluster=cluster).delete()
        return
    before = CephReading.objects.filter(cluster=cluster).first()
    tried = tried_at or timezone.now()
    if report.state is None:
        CephReading.objects.filter(cluster=cluster).update(tried_at=tried, error=report.error)
        return
    if before is not None and before.taken_at > report.state.at and not _better(report.state, before):
        # A late report; or Rook's word that is older than Ceph's own, and says only that the toolbox is away.
        CephReading.objects.filter(cluster=cluster).update(tried_at=tried, error=report.error)
        return
    _tell(cluster, CephState.from_json(before.state) if before else None, report.state)
    values = {
        "taken_at": report.state.at,
        "source": report.state.source,
        "health": report.state.health,
        "state": report.state.to_json(),
        "tried_at": tried,
        "error": report.error,
    }
    CephReading.objects.update_or_create(cluster=cluster, defaults=values)


def _better(state: CephState, before: CephReading) -> bool:
    """Ceph's own word after Rook's, whose time is by the clock of the cluster's hosts and may be ahead."""
    return state.source == CephReading.Source.TOOLBOX and before.source == CephReading.Source.RESOURCE


def _says(state: CephState) -> tuple[str, frozenset[str]]:
    """Health and the checks that count: what Rook's resource and Ceph itself both tell."""
    return state.health, frozenset(check.code for check in state.raised)


def _tell(cluster: Cluster, before: CephState | None, after: CephState) -> None:
    """Events of checks that have come, gone or changed their severity."""
    old = {check.code: check for check in before.raised} if before else {}
    new = {check.code: check for check in after.raised}
    events = []
    for code in [*new, *(code for code in old if code not in new)]:
        was = _WORDS.get(old[code].severity, "degraded") if code in old else "healthy"
        now = _WORDS.get(new[code].severity, "degraded") if code in new else "healthy"
        if was != now:
            reason = new[code].message if code in new else ""
            subject = HealthEvent.Subject.CEPH
            events.append(
                HealthEvent(cluster=cluster, subject=subject, name=code, old_state=was, new_state=now, reason=reason)
            )
    health_events.tell(events)
