"""The state machine: the only writer of Operation, Step and HostJob states.

Every transition is one function and one transaction that first locks the operation's row. A message to a worker
is a hint that something is to be done; whether that is so, these functions find in the rows.
"""

from __future__ import annotations

from tasks.engine.alone import Busy
from tasks.engine.fairness import priorities
from tasks.engine.leases import held, renew
from tasks.engine.logs import prune
from tasks.engine.operations import (
    NotRetryable,
    advance,
    cancelling_steps,
    changed_cluster,
    create,
    due_steps,
    end_overdue,
    overdue_steps,
    reconcile,
    request_cancel,
    retry,
    skip,
)
from tasks.engine.remains import remains, removed
from tasks.engine.steps import (
    JobUpdate,
    Lease,
    LeaseLost,
    cancelled,
    claim,
    fail,
    finish,
    give_back,
    jobs_of,
    record,
)

__all__ = [
    "Busy",
    "JobUpdate",
    "Lease",
    "LeaseLost",
    "NotRetryable",
    "advance",
    "cancelled",
    "cancelling_steps",
    "changed_cluster",
    "claim",
    "create",
    "due_steps",
    "end_overdue",
    "fail",
    "finish",
    "give_back",
    "held",
    "jobs_of",
    "overdue_steps",
    "priorities",
    "prune",
    "reconcile",
    "record",
    "remains",
    "removed",
    "renew",
    "request_cancel",
    "retry",
    "skip",
]
