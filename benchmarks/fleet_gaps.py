"""What the service adds between two steps of a fleet's operations."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.models import Operation


def by_rows(operations: list[Operation]) -> list[float]:
    """From the end of the last step that was waited for to the start of the next, by the database's clock (seconds)."""
    found: list[float] = []
    for operation in operations:
        steps = {step.key: step for step in operation.steps.all()}
        for step in steps.values():
            ends = [steps[key].finished_at for key in step.after]
            if ends and step.started_at:
                found.append((step.started_at - max(end for end in ends if end)).total_seconds())
    return found


def by_hosts(operations: list[Operation], record: dict[str, Any]) -> list[float]:
    """From the end of the last job of one step to the start of the first of the next, by the hosts' `record`."""
    from tasks.models import HostJob

    found: list[float] = []
    for operation in operations:
        starts: dict[str, float] = {}
        ends: dict[str, float] = {}
        for key, pk in HostJob.objects.filter(step__operation=operation).values_list("step__key", "pk"):
            start, end, _ = record[str(pk)]
            starts[key] = min(start, starts.get(key, start))
            ends[key] = max(end, ends.get(key, end))
        for step in operation.steps.all():
            if step.after:
                found.append(starts[step.key] - max(ends[key] for key in step.after))
    return found


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th."""
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[94], cuts[98]
