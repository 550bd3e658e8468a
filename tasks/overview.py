"""One cluster on one page: hosts, components with their last day, storage, certificates, backups, drift, operations.

Read from the rows alone, in a constant number of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from clusters import backups, certificates, drift
from clusters.ceph import CephState, judge
from clusters.ceph.rules import Verdict
from clusters.certificates import Certificate
from clusters.models import Backup, CephReading, Cluster, Component, HealthEvent, Node, Observation
from clusters.timeline import Span, spans
from tasks.models import ACTIVE, Operation
from tasks.plans import PLANS, PlanKind

DAY = timedelta(days=1)
SHOWN = 10  # backups, certificates, operations
LOOKS = ("check", "preflight", "drift", "ceph-status")
# What takes something away that another operation does not bring back: the page asks for the cluster's name.
DESTROYS = (
    *("remove-node", "uninstall", "restore", "rollback"),
    *("ceph-remove-osd", "ceph-uninstall", "ceph-csi-cephfs-uninstall"),
)


@dataclass(frozen=True)
class Host:
    """A host, and what was last read of it as a node of Kubernetes (`tasks.health`); empty where it is none."""

    node: Node
    seen: Mapping[str, Any]
    history: tuple[Span, ...]


@dataclass(frozen=True)
class Part:
    """A component with the states of its last day."""

    row: Component
    history: tuple[Span, ...]


@dataclass(frozen=True)
class Ending:
    """A certificate, with whole days left; None for what is none."""

    host: str
    path: str
    days: int | None
    level: str


@dataclass(frozen=True)
class Storage:
    """Ceph as last read, and judged now."""

    reading: CephReading
    state: CephState
    verdict: Verdict

    @property
    def percent(self) -> float:
        """How full it is."""
        return 100 * self.state.used / self.state.total if self.state.total else 0.0


@dataclass(frozen=True)
class Overview:
    """The page. `active` are operations that have not ended; `looks`, `changes` and `destroys` are what can be started.

    `own` has the rows of what the service looks at itself, by name: certificates, backups, drift.
    """

    at: datetime
    cluster: Cluster
    observation: Observation | None
    hosts: Sequence[Host]
    parts: Sequence[Part]
    own: Mapping[str, Component]
    storage: Storage | None
    endings: Sequence[Ending]
    more_endings: int
    backups: Sequence[Backup]
    operations: Sequence[Operation]
    active: Sequence[Operation]
    looks: Sequence[PlanKind] = field(default_factory=tuple)
    changes: Sequence[PlanKind] = field(default_factory=tuple)
    destroys: Sequence[PlanKind] = field(default_factory=tuple)


def read(cluster: Cluster) -> Overview:
    """Look once."""
    now = timezone.now()
    observation = Observation.objects.filter(cluster=cluster).defer("pods").first()
    seen = {one["name"]: one for one in observation.nodes} if observation else {}
    rows = {row.name: row for row in cluster.components.all()}
    history = _History(cluster, now)
    operations = list(Operation.objects.filter(cluster=cluster).defer("params", "notes")[:SHOWN])
    endings = _endings(rows.get(certificates.NAME), now)
    own = {name: rows[name] for name in (certificates.NAME, backups.NAME, drift.NAME) if name in rows}
    return Overview(
        at=now,
        cluster=cluster,
        observation=observation,
        hosts=[_host(node, seen.get(node.name, {}), history) for node in cluster.nodes.all()],
        parts=[Part(row, history.of(HealthEvent.Subject.COMPONENT, row.name, row.state)) for row in rows.values()],
        own=own,
        storage=_storage(CephReading.objects.filter(cluster=cluster).first(), now),
        endings=endings[:SHOWN],
        more_endings=max(0, len(endings) - SHOWN),
        backups=list(Backup.objects.filter(cluster=cluster)[:SHOWN]),
        operations=operations,
        active=[one for one in operations if one.state in ACTIVE],
        looks=[PLANS[kind] for kind in LOOKS],
        changes=[plan for kind, plan in PLANS.items() if kind not in (*LOOKS, *DESTROYS)],
        destroys=[PLANS[kind] for kind in DESTROYS],
    )


class _History:
    """The changes of health of a cluster's last day, by what they are about."""

    def __init__(self, cluster: Cluster, now: datetime) -> None:
        self.since, self.until = now - DAY, now
        self._changes: dict[tuple[str, str], list[tuple[datetime, str, str]]] = defaultdict(list)
        events = HealthEvent.objects.filter(cluster=cluster, at__gte=self.since).order_by("id")
        for subject, name, at, old, new in events.values_list("subject", "name", "at", "old_state", "new_state"):
            self._changes[subject, name].append((at, old, new))

    def of(self, subject: str, name: str, present: str) -> tuple[Span, ...]:
        return spans(self._changes[subject, name], present, self.since, self.until)


def _host(node: Node, seen: Mapping[str, Any], history: _History) -> Host:
    return Host(node, seen, history.of(HealthEvent.Subject.NODE, node.name, str(seen.get("state", ""))))


def _storage(reading: CephReading | None, now: datetime) -> Storage | None:
    if reading is None:
        return None
    state = CephState.from_json(reading.state)
    return Storage(reading, state, judge(state, now))


def _endings(row: Component | None, now: datetime) -> list[Ending]:
    """The certificates as last read, those that end first in front."""
    found = []
    for one in row.details.get("certificates", ()) if row else ():
        ends = datetime.fromisoformat(one["ends_at"]) if one["ends_at"] else None
        days = Certificate(one["host"], one["path"], ends).days(now) if ends else None
        found.append(Ending(one["host"], one["path"], days, certificates.level(days)))
    return sorted(found, key=lambda one: (one.days is not None, one.days or 0, one.host, one.path))
