"""The statements of each transition, as SQL that is written once.

Django's ORM makes the text of each statement anew; for these, which a fleet runs thousands of times a minute, that
took five times as long as running them (`make fleet`). Fields and their adaptation are still the models'.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db import connection, models

from tasks.models import STEP_DONE, Operation, StepState

# What a transition reads of its operation; the rest is fetched where it is asked for.
_OPERATION = (
    *("id", "cluster_id", "kind", "dry_run", "mutating", "state", "attempt", "progress", "error"),
    *("started_at", "sent_at", "event_seq"),
)
_LOCK = f"SELECT {', '.join(_OPERATION)}, statement_timestamp() FROM tasks_operation WHERE id = %s FOR NO KEY UPDATE"  # noqa: S608
_WEIGH = """
SELECT coalesce(sum(weight), 0), coalesce(sum(weight * CASE WHEN state = ANY(%s) THEN 100 ELSE progress END), 0)
FROM tasks_step WHERE operation_id = %s
"""
_STANDING = """
SELECT id, state, after, key, sent_at, not_before FROM tasks_step WHERE operation_id = %s ORDER BY position
FOR NO KEY UPDATE
"""
_HELD = """
SELECT 1 FROM tasks_step WHERE id = %s AND lease_epoch = %s AND lease_until IS NOT NULL AND state = %s
"""


def lock(operation_id: UUID) -> tuple[Operation, datetime] | None:
    """The operation, locked until the transaction's end, and the database's clock; None where it is gone."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [operation_id])
        row = cursor.fetchone()
    if row is None:
        return None
    values = dict(zip(_OPERATION, row, strict=False))
    values["error"] = json.loads(values["error"])
    return Operation.from_db("default", _OPERATION, [values[name] for name in _OPERATION]), row[-1]


def is_held(step_id: int, epoch: int) -> bool:
    """Whether the step's lease is still of this epoch. An expired one is, until another claim."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [step_id, epoch, StepState.RUNNING])
        return cursor.fetchone() is not None


def weights(operation_id: UUID) -> tuple[float, float]:
    """The sum of the steps' weights, and of the weights times what is done of each (per cent)."""
    with connection.cursor() as cursor:
        cursor.execute(_WEIGH, [[str(state) for state in STEP_DONE], operation_id])
        total, done = cursor.fetchone()
        return total, done


@dataclass
class Standing:
    """What is asked of a step when its operation moves on."""

    pk: int
    state: StepState
    after: list[str]
    key: str
    sent_at: datetime | None
    not_before: datetime | None


def standing(operation_id: UUID) -> list[Standing]:
    """The operation's steps in order, locked until the transaction's end."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [operation_id])
        return [Standing(pk, StepState(state), *rest) for pk, state, *rest in cursor.fetchall()]


def update(row: models.Model, fields: Sequence[str]) -> None:
    """Write these fields of the row."""
    sql, written = _update(type(row), tuple(fields))
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in written]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, row.pk])


def insert(rows: Sequence[models.Model]) -> None:
    """Add rows of one model. An id that is the row's own already is written, else the database gives one."""
    if not rows:
        return
    sql, one, fields = _insert(type(rows[0]))
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql + ", ".join([one] * len(rows)), values)


Fields = list["models.Field[object, object]"]


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, Fields]:
    fields: Fields = [model._meta.get_field(name) for name in names]  # type: ignore[misc]
    quoted = ", ".join(f'"{field.column}" = %s' for field in fields)
    return f'UPDATE "{model._meta.db_table}" SET {quoted} WHERE id = %s', fields  # noqa: S608


@cache
def _insert(model: type[models.Model]) -> tuple[str, str, Fields]:
    given = model._meta.pk.has_default()
    fields: Fields = [field for field in model._meta.concrete_fields if given or not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    one = f"({', '.join(['%s'] * len(fields))})"
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ', one, fields  # noqa: S608
