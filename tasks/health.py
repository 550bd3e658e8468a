"""Reading a cluster's health and storing it: rows of components, events of changes, the cluster's state.

One reading is one transaction. `Component.details["announced"]` is the state that the last event told; a reading
that fails changes it only when the one before had failed as well (see `clusters.health`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from clusters import catalog, certificates, health
from clusters.catalog import Catalog
from clusters.ceph import COMPONENT, with_reading
from clusters.ceph.place import namespaces, of_import
from clusters.health import Change, ComponentHealth, NodeHealth
from clusters.kubeconfig import KubeError
from clusters.models import Cluster, ClusterState, Component, HealthEvent, HealthState, Observation
from clusters.pods import pods_table
from clusters.snapshot import ClusterSnapshot, Node
from tasks import ceph, health_events
from tasks.database import release
from tasks.kube_access import open_kube
from tasks.models import ACTIVE, Operation
from tasks.remote import RemoteError

log = logging.getLogger(__name__)
# In these the cluster's state is what its health says; in the others it is what an operation says.
FOLLOWING = (ClusterState.READY, ClusterState.DEGRADED)
CHECKED = (*FOLLOWING, ClusterState.INSTALLING, ClusterState.FAILED)
_ROW = ("kind", "namespace", "state", "desired", "ready", "version", "reason", "details", "checked_at", "changed_at")
OWN_KIND = "builtin"
_REASON = 500  # characters of Cluster.state_reason


@dataclass(frozen=True)
class Reading:
    """What one attempt to read a cluster gave: a snapshot and the way to it, or an error."""

    at: datetime
    snapshot: ClusterSnapshot | None = None
    via: str = ""
    error: str = ""


def clusters_to_check() -> list[UUID]:
    """The clusters that have an API to read."""
    return list(Cluster.objects.filter(state__in=CHECKED).exclude(kubeconfig="").values_list("pk", flat=True))


def check_cluster(cluster_id: UUID) -> None:
    """Read the cluster's health and store it. A cluster without a kubeconfig is left alone."""
    cluster = Cluster.objects.filter(pk=cluster_id, state__in=CHECKED).exclude(kubeconfig="").first()
    if cluster is not None:
        reading = read(cluster)
        if reading.snapshot is not None:
            ceph.keep_fresh(cluster, reading.snapshot)
        store(cluster_id, reading)


def read(cluster: Cluster) -> Reading:
    """One attempt to read the cluster, by whatever way leads to it. Outside of transactions."""
    try:
        with open_kube(cluster) as (kube, via):
            release()
            snapshot = kube.snapshot(catalog.load())
    except (KubeError, RemoteError) as error:
        log.warning("cluster %s cannot be read: %s", cluster.pk, error)
        return Reading(timezone.now(), error=str(error))
    return Reading(snapshot.taken_at, snapshot, via)


def entries_of(cluster: Cluster) -> Catalog:
    """The catalogue's components where this cluster has them."""
    return catalog.load().placed(namespaces(of_import(cluster.imported)))


@transaction.atomic
def store(cluster_id: UUID, reading: Reading) -> None:
    """Store what a reading says, unless a later one is stored already."""
    cluster = Cluster.objects.select_for_update(of=("self",)).filter(pk=cluster_id).first()
    if cluster is None:
        return
    before = Observation.objects.filter(pk=cluster_id).first()
    if before is not None and before.taken_at >= reading.at:
        return
    entries = entries_of(cluster)
    rows = {row.name: row for row in cluster.components.all()}
    chosen = {row.name for row in rows.values() if row.chosen}
    busy = Operation.objects.filter(cluster=cluster, mutating=True, state__in=ACTIVE).exists()
    if reading.snapshot is None:
        announce = before is not None and not before.reachable and not busy
        found = health.unread(entries, chosen, _present(rows), reading.error)
        nodes: dict[str, NodeHealth] = {}
        node_changes: tuple[Change, ...] = ()
        state, why = ClusterState.DEGRADED.value, f"it cannot be read: {reading.error}"
    else:
        announce = True
        found = health.judge(reading.snapshot, entries, chosen)
        storage = ceph.latest(cluster)
        if storage is not None:
            found[COMPONENT] = with_reading(found[COMPONENT], storage, reading.snapshot.now)
        known = {node["name"]: node.get("state", "") for node in before.nodes} if before else {}
        hosts = set(cluster.nodes.values_list("name", flat=True))
        nodes = health.judge_nodes(reading.snapshot, known.keys() & hosts)
        node_changes = health.diff(known, nodes)
        # Drift says what differs from the installation, not that anything is wrong with the cluster.
        own = [ComponentHealth(r.name, r.state, reason=r.reason) for r in rows.values() if r.name == certificates.NAME]
        state, why = health.cluster_state(cluster.state, entries, chosen, found, nodes, own)
    changes = health.diff(_announced(rows), found) if announce else ()
    _store_components(cluster, entries, rows, found, changes, reading.at, known=reading.snapshot is not None)
    _store_observation(cluster, before, nodes, reading)
    _tell(cluster, HealthEvent.Subject.NODE, node_changes)
    _tell(cluster, HealthEvent.Subject.COMPONENT, changes)
    if reading.snapshot is not None:
        Cluster.objects.filter(pk=cluster_id).update(checked_at=reading.at)
    if announce and not busy and cluster.state in FOLLOWING:
        _follow(cluster, state, why, lost=reading.snapshot is None and bool(changes))


@transaction.atomic
def record(cluster_id: UUID, seen: ComponentHealth, at: datetime) -> None:
    """Store the health of what is no component of the catalogue: what the service looks at itself, at its own times.

    The cluster's state follows with its next reading. A reading that gave nothing is announced when the next does so
    too.
    """
    cluster = Cluster.objects.select_for_update(of=("self",)).filter(pk=cluster_id).first()
    if cluster is None:
        return
    rows = {row.name: row for row in cluster.components.filter(name=seen.name)}
    known = seen.state != HealthState.UNKNOWN
    again = any(row.state == HealthState.UNKNOWN for row in rows.values())
    changes = health.diff(_announced(rows), {seen.name: seen}) if known or again else ()
    _store_components(cluster, entries_of(cluster), rows, {seen.name: seen}, changes, at, known=known)
    _tell(cluster, HealthEvent.Subject.COMPONENT, changes)


def _present(rows: Mapping[str, Component]) -> set[str]:
    return {row.name for row in rows.values() if row.state != HealthState.ABSENT}


def _announced(rows: Mapping[str, Component]) -> dict[str, str]:
    return {name: row.details.get("announced", "") for name, row in rows.items()}


def _store_components(
    cluster: Cluster,
    catalogue: Catalog,
    rows: Mapping[str, Component],
    found: Mapping[str, ComponentHealth],
    changes: tuple[Change, ...],
    at: datetime,
    *,
    known: bool,
) -> None:
    told = {change.name: change.new for change in changes}
    entries = {entry.name: entry for entry in catalogue.entries}
    written = []
    for name, seen in found.items():
        row = rows.get(name)
        if row is None and seen.state == HealthState.ABSENT:
            continue
        entry = entries.get(name)
        old = row or Component(cluster=cluster, name=name, state="")
        details: dict[str, Any] = dict(seen.details) if known else dict(old.details)
        details["announced"] = told.get(name, old.details.get("announced", ""))
        written.append(
            Component(
                cluster=cluster,
                name=name,
                chosen=old.chosen,
                kind=entry.kind if entry else OWN_KIND,
                namespace=entry.namespace if entry else "",
                state=seen.state,
                # What was counted last still says more than zero of zero.
                desired=seen.desired if known else old.desired,
                ready=seen.ready if known else old.ready,
                version=seen.version or old.version,
                reason=seen.reason,
                details=details,
                checked_at=at if known else old.checked_at,
                changed_at=old.changed_at if old.state == seen.state else at,
            )
        )
    Component.objects.bulk_create(written, update_conflicts=True, unique_fields=["cluster", "name"], update_fields=_ROW)


def _store_observation(
    cluster: Cluster, before: Observation | None, nodes: Mapping[str, NodeHealth], reading: Reading
) -> None:
    """A reading that failed keeps what the one before saw."""
    values: dict[str, Any] = {"taken_at": reading.at, "reachable": False, "error": reading.error}
    if reading.snapshot is not None:
        shown = {node.name: node for node in reading.snapshot.nodes}
        values |= {
            "reachable": True,
            "via": reading.via,
            "nodes": [
                (shown.get(name) or Node(name, ready=False)).to_json() | {"state": node.state, "reason": node.reason}
                for name, node in sorted(nodes.items())
            ],
            "pods": pods_table(reading.snapshot.pods, reading.snapshot.now),
        }
    Observation.objects.update_or_create(cluster=cluster, defaults=values)


def _tell(cluster: Cluster, subject: HealthEvent.Subject, changes: tuple[Change, ...]) -> None:
    health_events.tell(
        HealthEvent(
            cluster=cluster,
            subject=subject,
            name=change.name,
            old_state=change.old,
            new_state=change.new,
            reason=change.reason,
        )
        for change in changes
    )


def _follow(cluster: Cluster, state: str, why: str, *, lost: bool) -> None:
    """The cluster's own state, and an event when it changes or when the cluster is `lost` from sight."""
    why = why if len(why) <= _REASON else f"{why[: _REASON - 1]}…"
    if (cluster.state, cluster.state_reason) != (state, why):
        Cluster.objects.filter(pk=cluster.pk).update(state=state, state_reason=why)
    if cluster.state != state or lost:
        _tell(cluster, HealthEvent.Subject.CLUSTER, (Change(cluster.name, cluster.state, state, why),))
