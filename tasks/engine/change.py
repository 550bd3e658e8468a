"""One transition: a transaction that holds the operation's row, and numbers the events it makes.

Whoever changes an operation, a step or a job locks the operation first, so numbers are given and become visible
in one order: a reader that has seen event n has seen all before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from tasks.engine import rows
from tasks.engine.states import move
from tasks.models import Event, HostJob, LogChunk, Operation, OperationState, Step
from tasks.webhooks import outbox


@dataclass
class Change:
    """The locked operation, and what the transition adds to it. `now` is the database's clock."""

    operation: Operation
    now: datetime
    _events: list[Event] = field(default_factory=list)
    _chunks: list[LogChunk] = field(default_factory=list)
    _fields: dict[str, Any] = field(default_factory=dict)
    _states: list[str] = field(default_factory=list)

    def set(self, **fields: Any) -> None:
        """Change the operation's own fields; written once, at the end. Raises `IllegalMove` for its state."""
        if "state" in fields:
            move(self.operation, fields["state"])
            self._states.append(self.operation.state)
        for name, value in fields.items():
            setattr(self.operation, name, value)
        self._fields.update(fields)

    def created(self) -> None:
        """The operation is new."""
        self._states.append(self.operation.state)
        self.operation_event()

    def operation_event(self) -> None:
        operation = self.operation
        self._event(
            "operation",
            state=operation.state,
            progress=round(operation.progress, 1),
            attempt=operation.attempt,
            error=operation.error,
        )

    def step_event(self, step: Step) -> None:
        self._event(
            "step",
            key=step.key,
            title=step.title,
            state=step.state,
            progress=round(step.progress, 1),
            note=step.note,
            outcome=step.outcome,
            attempt=step.attempt,
            error=step.error,
        )

    def job_event(self, step: Step, job: HostJob) -> None:
        self._event(
            "job",
            step=step.key,
            host=job.host,
            state=job.state,
            phase=job.phase,
            outcome=job.outcome,
            exit_code=job.exit_code,
            progress=round(job.progress, 1),
            note=job.note,
            error=job.error,
        )

    def log(self, job: HostJob, offset: int, size: int, text: str) -> None:
        """A stretch of a job's output: `size` raw bytes from `offset`, as redacted `text`."""
        self._chunks.append(
            LogChunk(
                operation=self.operation,
                job=job,
                seq=self._number(),
                offset=offset,
                size=size,
                text=text,
                at=self.now,
            )
        )

    def _event(self, kind: str, **data: Any) -> None:
        self._events.append(Event(operation=self.operation, seq=self._number(), kind=kind, data=data, at=self.now))

    def _number(self) -> int:
        self.operation.event_seq += 1
        self._fields["event_seq"] = self.operation.event_seq
        return self.operation.event_seq

    def write(self) -> None:
        rows.insert(self._events)
        rows.insert(self._chunks)
        if self._fields:
            rows.update(self.operation, list(self._fields))
        outbox.operation_changed(self.operation, self._states, self.now)


@contextmanager
def changing(operation_id: UUID, states: Sequence[OperationState] | None = None) -> Iterator[Change | None]:
    """Lock the operation for one transition; None where it is gone or in none of `states`."""
    with transaction.atomic():
        found = rows.lock(operation_id)
        if found is None or (states is not None and found[0].state not in states):
            yield None
            return
        change = Change(*found)
        yield change
        change.write()
