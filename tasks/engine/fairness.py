"""Whose step is served next: the first few steps of each customer go before the many of a large one.

A step's place is how many older steps of the same customer can be driven at the moment. The first `FEW` of every
customer go before all others, so that each always has some that move, and none waits behind another's hundreds. What
was sent far behind comes forward by the reconciler's next message about it.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, insort
from collections.abc import Sequence

from django.db.models import F, Q, Window
from django.db.models.functions import Now, RowNumber

from tasks.database import patient
from tasks.models import Operation, OperationState, Step, StepState

FEW, USUAL = 4, 16
# Message priorities: the broker serves 0 first.
CANCEL, FIRST, NORMAL, LAST = 0, 3, 5, 8
# The count is for all customers at once and is kept for so long (seconds), so that it costs the same for any load.
KEPT_SECONDS = 2.0


class _Counted:
    """The ids of each customer's oldest steps, as last counted, and when by the monotonic clock."""

    lock = threading.Lock()
    at = float("-inf")
    oldest: dict[int, list[int]] = {}


@patient
def priorities(steps: Sequence[int]) -> list[tuple[int, int]]:
    """The steps that still exist, each with the priority of its message; those of cancelled operations go first."""
    rows = Step.objects.filter(pk__in=steps).order_by("pk")
    wanted = list(rows.values_list("pk", "operation__cluster__customer", "operation__state"))
    with _Counted.lock:
        if time.monotonic() - _Counted.at > KEPT_SECONDS:
            _Counted.oldest = _count()
            _Counted.at = time.monotonic()
        return [
            (pk, CANCEL if state == OperationState.CANCELLING else _priority(_place(owner, pk)))
            for pk, owner, state in wanted
        ]


def _count() -> dict[int, list[int]]:
    driven = Step.objects.filter(
        Q(not_before=None) | Q(not_before__lte=Now()),
        state__in=[StepState.READY, StepState.RUNNING],
        operation__in=Operation.objects.filter(state__in=[OperationState.RUNNING, OperationState.CANCELLING]),
    )
    customer = F("operation__cluster__customer")
    numbered = driven.annotate(place=Window(RowNumber(), partition_by=customer, order_by="pk")).filter(place__lte=USUAL)
    oldest: dict[int, list[int]] = {}
    for owner, pk in numbered.order_by("pk").values_list("operation__cluster__customer", "pk"):
        oldest.setdefault(owner, []).append(pk)
    return oldest


def _place(owner: int, pk: int) -> int:
    """How many older ones there are, at most `USUAL`. One that became ready since the count is counted too."""
    oldest = _Counted.oldest.setdefault(owner, [])
    place = bisect_left(oldest, pk)
    if place < USUAL and oldest[place : place + 1] != [pk]:
        insort(oldest, pk)
        del oldest[USUAL:]
    return place


def _priority(place: int) -> int:
    if place < FEW:
        return FIRST
    return NORMAL if place < USUAL else LAST
