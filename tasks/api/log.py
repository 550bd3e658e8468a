"""Stored output, read in stretches of bounded size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.models import ACTIVE, LogChunk, Operation

USUAL, MOST = 200, 1000
BYTES = 4 * 1024 * 1024
HIGHEST = 2**62


@dataclass(frozen=True)
class Wanted:
    """Which output; `tail` outdoes `after` and `limit`. Of `before` (0: no bound) and later nothing is read.

    `search` leaves the chunks that hold it, whatever the case of its letters.
    """

    after: int = 0
    limit: int = USUAL
    tail: int = 0
    step: str = ""
    host: str = ""
    before: int = 0
    search: str = ""


def read(operation: Operation, wanted: Wanted) -> dict[str, Any]:
    """Chunks, where to go on, and whether that was all.

    `operation` was read before its chunks are: a number that it does not count yet is left for the next time.
    """
    rows = LogChunk.objects.filter(operation=operation, seq__lte=operation.event_seq)
    if wanted.step:
        rows = rows.filter(job__step__key=wanted.step)
    if wanted.host:
        rows = rows.filter(job__host=wanted.host)
    if wanted.before:
        rows = rows.filter(seq__lt=wanted.before)
    if wanted.search:
        rows = rows.filter(text__icontains=wanted.search)
    if wanted.tail:
        sizes = list(rows.order_by("-seq").values_list("seq", "size")[: wanted.tail])
    else:
        sizes = list(rows.filter(seq__gt=wanted.after).order_by("seq").values_list("seq", "size")[: wanted.limit])
    seqs = sorted(_within(sizes))
    full = len(sizes) == wanted.limit or len(seqs) < len(sizes)
    cut = full and not wanted.tail
    found = (
        rows.filter(seq__in=seqs)
        .select_related("job__step")
        .only(*("seq", "at", "offset", "size", "text", "job__host", "job__attempt", "job__step__key"))
    )
    return {
        "results": [shown(chunk) for chunk in found.order_by("seq")],
        "next_after": seqs[-1] if cut else max(operation.event_seq, wanted.after),
        "ended": not cut and operation.state not in ACTIVE,
    }


def _within(sizes: list[tuple[int, int]]) -> list[int]:
    """As many as fit into one answer, at least one."""
    seqs: list[int] = []
    total = 0
    for seq, size in sizes:
        total += size
        if seqs and total > BYTES:
            break
        seqs.append(seq)
    return seqs


def shown(chunk: LogChunk) -> dict[str, Any]:
    """A chunk as JSON."""
    return {
        "seq": chunk.seq,
        "step": chunk.job.step.key,
        "host": chunk.job.host,
        "attempt": chunk.job.attempt,
        "at": chunk.at,
        "offset": chunk.offset,
        "size": chunk.size,
        "text": chunk.text,
    }
