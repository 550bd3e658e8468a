"""The feed of changes live: what comes behind a place in it, each change once, over any number of connections.

Nothing is numbered for it. PostgreSQL keeps with each row the transaction that wrote it, and says which is the oldest
that is still under way: what was written by older ones is complete, so a reader that has it all cannot miss any of it.
Changes of younger ones wait for the next look. That costs the writers nothing, neither a column nor a lock.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Self
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.expressions import RawSQL

from clusters.models import Cluster, HealthEvent
from tasks.feed import EVENT_FIELDS, HEALTH_FIELDS, Change, health_change, moved, state_in
from tasks.models import Event, Operation

# How old a place may be (seconds), and how much longer than a transaction lasts rows are looked for.
OLDEST, SLACK = 86_400, 600
HEALTH, OPERATION = 1, 2  # sources of changes
_DIGITS = 20
_NOW = """
SELECT pg_snapshot_xmin(taken)::text::bigint, pg_snapshot_xmax(taken)::text::bigint,
    extract(epoch FROM statement_timestamp())::bigint
FROM pg_current_snapshot() AS taken
"""
# A row keeps the lower half of the number alone. None that is seen was written by a transaction that was yet to begin.
_NEXT = "(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
_WRITTEN_BY = f'({_NEXT} - (({_NEXT} - "%s".xmin::text::bigint) & 4294967295))'


class Unknown(Exception):
    """A place that nobody can go on from; the message says why."""


@dataclass(frozen=True, order=True)
class Place:
    """Behind which change: its transaction, its source and its row. `at` (seconds) is when all before was complete."""

    transaction: int
    source: int
    row: int
    at: int = field(compare=False)

    def __str__(self) -> str:
        return f"{self.transaction}.{self.source}.{self.row}.{self.at}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The place that `text` names. Raises `Unknown`."""
        words = text.split(".")
        if len(words) != 4 or not all(word.isascii() and word.isdigit() and len(word) < _DIGITS for word in words):
            raise Unknown(f"'{text[:60]}' is no place in this feed.")
        return cls(*map(int, words))


@dataclass(frozen=True)
class _Now:
    """`done`: the number below which all transactions have ended. `newest`: above all that have begun."""

    done: int
    newest: int
    at: int

    @property
    def place(self) -> Place:
        return Place(self.done, 0, 0, self.at)


@dataclass(frozen=True)
class _Known:
    """Of an operation, how far it was read: its last number, its state and attempt, its youngest transaction."""

    seq: int = 0
    state: tuple[str, int] = ("", 0)
    transaction: int = 0


def here() -> Place:
    """The present end of the feed."""
    return _now().place


class LiveFeed:
    """The changes of these clusters behind `after`; from now on where that is None. Raises `Unknown`."""

    def __init__(self, clusters: QuerySet[Cluster], after: Place | None) -> None:
        now = _now()
        if after is not None and not (after.transaction <= now.newest and -SLACK < now.at - after.at < OLDEST):
            raise Unknown("This place in the feed is older than a day, or of another database.")
        self.clusters, self.place = clusters, after or now.place
        self._known: dict[UUID, _Known] = {}

    def look(self) -> list[tuple[Place, Change]]:
        """What has come, each with its place; three statements, or four where an operation went on."""
        now = _now()
        found = sorted([*self._health(now), *self._operations(now)], key=itemgetter(0))
        self.place = max(now.place, self.place)
        return found

    @property
    def _since(self) -> datetime:
        return datetime.fromtimestamp(self.place.at - SLACK, UTC)

    def _health(self, now: _Now) -> Iterator[tuple[Place, Change]]:
        rows = _written(HealthEvent.objects.filter(cluster__in=self.clusters, at__gte=self._since))
        rows = rows.filter(written_by__gte=self.place.transaction, written_by__lt=now.done)
        for row in rows.select_related("cluster").only(*HEALTH_FIELDS, "cluster__name"):
            place = Place(row.written_by, HEALTH, row.pk, self.place.at)
            if place > self.place:
                yield place, health_change(row)

    def _operations(self, now: _Now) -> Iterator[tuple[Place, Change]]:
        """An operation's changes are made under its lock, so none comes before another of a lower number."""
        moving = Q(finished_at=None) | Q(finished_at__gte=self._since)
        numbers = dict(Operation.objects.filter(moving, cluster__in=self.clusters).values_list("pk", "event_seq"))
        self._known = {pk: self._known.get(pk, _Known()) for pk in numbers}
        more = [Q(operation=pk, seq__gt=self._known[pk].seq) for pk in numbers if numbers[pk] > self._known[pk].seq]
        held = set[UUID]()
        for row in _operation_events(more):
            known = self._known[row.operation_id]
            transaction = max(known.transaction, row.written_by)
            if row.operation_id in held or transaction >= now.done:
                held.add(row.operation_id)
                continue
            place, state = Place(transaction, OPERATION, row.pk, self.place.at), state_in(row)
            if state != known.state and place > self.place:
                yield place, moved(row, known.state[0])
            self._known[row.operation_id] = _Known(row.seq, state, transaction)
        for pk in numbers.keys() - held:
            # What else is numbered (steps, output) is not read again.
            self._known[pk] = replace(self._known[pk], seq=max(numbers[pk], self._known[pk].seq))


def _now() -> _Now:
    with connection.cursor() as cursor:
        cursor.execute(_NOW)
        return _Now(*cursor.fetchone())


def _operation_events(which: list[Q]) -> Iterable[Any]:
    if not which:
        return ()
    rows = Event.objects.filter(functools.reduce(operator.or_, which), kind="operation").order_by("operation", "seq")
    return _written(rows).select_related("operation__cluster").only(*EVENT_FIELDS)


def _written(rows: QuerySet[Any]) -> QuerySet[Any]:
    """`rows` with the transaction that wrote each."""
    written_by = RawSQL(_WRITTEN_BY % rows.model._meta.db_table, (), output_field=BigIntegerField())  # noqa: S611
    return rows.annotate(written_by=written_by)
