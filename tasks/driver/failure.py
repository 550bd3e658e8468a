"""What is told of a step that failed on hosts."""

from __future__ import annotations

from typing import Any

from tasks.models import HostJob, LogChunk

TAIL_LINES = 12


def error_of(failed: list[HostJob]) -> dict[str, Any]:
    """The first failing host's error, with its last lines, and the others by name."""
    first = failed[0]
    chunks = LogChunk.objects.filter(job=first).order_by("-offset").values_list("text", flat=True)[:4]
    tail = "".join(reversed(list(chunks))).splitlines()[-TAIL_LINES:]
    others = {job.host: job.error.get("message", "") for job in failed[1:]}
    said = _own_words(tail) if first.error.get("kind") == "exit-code" else {}
    return {**first.error, **said, "host": first.host, "tail": tail, **({"hosts": others} if others else {})}


def _own_words(tail: list[str]) -> dict[str, str]:
    """What a script that fails on purpose says: its last ``error: ...`` and ``Fix: ...``."""
    found: dict[str, str] = {}
    for name, mark in (("message", "error: "), ("fix", "Fix: ")):
        if lines := [line.removeprefix(mark).strip() for line in tail if line.startswith(mark)]:
            found[name] = lines[-1]
    return found if "message" in found else {}
