"""What an upgrade of components would change: charts, applications, values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType

from cli.output import table

WORDS = {
    "upgrade": "newer chart",
    "values": "other values",
    "downgrade": "older chart",
    "same": "as it is",
    "absent": "not installed",
}


def releases_table(detail: Mapping[str, Any]) -> RenderableType | None:
    """Each component with what it has and what the artifact has; None where the operation compared none."""
    rows = [
        (
            one["component"],
            _both(one["chart"]),
            _both(one["app"]),
            one.get("status"),
            WORDS.get(one["action"], one["action"]),
        )
        for one in _compared(detail)
    ]
    return table(("component", "chart", "application", "release", "the artifact has"), rows) if rows else None


def changes_table(detail: Mapping[str, Any]) -> RenderableType | None:
    """The values that differ, of components that the operation may change; None where there are none."""
    rows: list[tuple[Any, ...]] = []
    for one in _compared(detail):
        if one["action"] in ("same", "absent"):
            continue
        for part, words in (("values", "set"), ("defaults", "chart's default")):
            rows += [
                (one["component"], change["path"], words, _value(change["now"]), _value(change["then"]))
                for change in one.get(part) or []
            ]
            if more := one.get(f"more_{part}"):
                rows.append((one["component"], f"... and {more} more", words, "", ""))
    return table(("component", "value", "by", "now", "then"), rows) if rows else None


def _compared(detail: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in detail.get("steps") or []:
        for one in (step.get("result") or {}).get("components") or []:
            if isinstance(one, Mapping) and isinstance(one.get("chart"), Mapping) and "action" in one:
                yield one


def _both(pair: Mapping[str, Any]) -> str:
    now, then = pair.get("now") or "-", pair.get("then") or "-"
    return str(now) if now == then else f"{now} -> {then}"


def _value(text: str | None) -> str:
    return "(not set)" if text is None else text
