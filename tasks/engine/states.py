"""Which state may follow which, as data: the diagrams of docs/architecture.md. Every transition is checked here."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.models import HostJob, JobState, Operation, OperationState, Step, StepState

Moves = Mapping[str, frozenset[str]]

OPERATION: Moves = {
    OperationState.QUEUED: frozenset({OperationState.RUNNING, OperationState.CANCELLING}),
    OperationState.RUNNING: frozenset({OperationState.CANCELLING, OperationState.SUCCEEDED, OperationState.FAILED}),
    OperationState.CANCELLING: frozenset({OperationState.CANCELLED}),
    OperationState.FAILED: frozenset({OperationState.QUEUED}),
    OperationState.CANCELLED: frozenset({OperationState.QUEUED}),
}
STEP: Moves = {
    StepState.PENDING: frozenset({StepState.READY, StepState.CANCELLED}),
    StepState.READY: frozenset({StepState.RUNNING, StepState.CANCELLED}),
    StepState.RUNNING: frozenset(
        {StepState.RUNNING, StepState.READY, StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED}
    ),
    StepState.SUCCEEDED: frozenset({StepState.PENDING}),
    StepState.FAILED: frozenset({StepState.PENDING, StepState.SKIPPED}),
    StepState.CANCELLED: frozenset({StepState.PENDING}),
}
JOB: Moves = {
    JobState.PENDING: frozenset({JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.LOST, JobState.CANCELLED}),
}


class IllegalMove(Exception):
    """A transition that the diagrams do not have: an error of the engine itself; nothing was stored."""


def move(row: Operation | Step | HostJob, state: str) -> None:
    """Give `row` its next state, unsaved. Raises `IllegalMove`."""
    moves = OPERATION if isinstance(row, Operation) else STEP if isinstance(row, Step) else JOB
    if state not in moves.get(row.state, ()):
        raise IllegalMove(f"{type(row).__name__} {row.pk} cannot go from {row.state} to {state}.")
    row.state = state
