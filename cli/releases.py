"""What an upgrade of components would change: charts, applications, values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType

from cli.language import N_, tr
from cli.output import table

WORDS = {
    "upgrade": N_("newer chart"),
    "values": N_("other values"),
    "downgrade": N_("older chart"),
    "same": N_("as it is"),
    "absent": N_("not installed"),
}


def releases_table(detail: Mapping[str, Any]) -> RenderableType | None:
    """Each component with what it has and what the artifact has; None where the operation compared none."""
    rows = [
        (
            one["component"],
            _both(one["chart"]),
            _both(one["app"]),
            one.get("status"),
            tr(WORDS.get(one["action"], one["action"])),
        )
        for one in _compared(detail)
    ]
    return (
        table((tr("component"), tr("chart"), tr("application"), tr("release"), tr("the artifact has")), rows)
        if rows
        else None
    )


def changes_table(detail: Mapping[str, Any]) -> RenderableType | None:
    """The values that differ, of components that the operation may change; None where there are none."""
    rows: list[tuple[Any, ...]] = []
    for one in _compared(detail):
        if one["action"] in ("same", "absent"):
            continue
        for part, words in (("values", tr("set")), ("defaults", tr("chart's default"))):
            rows += [
                (one["component"], change["path"], words, _value(change["now"]), _value(change["then"]))
                for change in one.get(part) or []
            ]
            if more := one.get(f"more_{part}"):
                rows.append((one["component"], tr("... and {more} more", more=more), words, "", ""))
    return table((tr("component"), tr("value"), tr("by"), tr("now"), tr("then")), rows) if rows else None


def _compared(detail: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in detail.get("steps") or []:
        for one in (step.get("result") or {}).get("components") or []:
            if isinstance(one, Mapping) and isinstance(one.get("chart"), Mapping) and "action" in one:
                yield one


def _both(pair: Mapping[str, Any]) -> str:
    now, then = pair.get("now") or "-", pair.get("then") or "-"
    return str(now) if now == then else f"{now} -> {then}"


def _value(text: str | None) -> str:
    return tr("(not set)") if text is None else text
