"""What is known of an operation while it runs: one step a row, kept up to date by events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cli.language import N_, tr
from cli.text import moment
from cli.titles import titled

ENDED = ("succeeded", "failed", "cancelled")
STEP_ENDED = (*ENDED, "skipped")
WORDS = {
    "already": N_("already"),
    "changed": N_("changed"),
    "checked": N_("checked"),
    "would-change": N_("would change"),
    "unknown": N_("cannot tell"),
}


@dataclass
class StepRow:
    """One step. Times are the service's; `progress` is in per cent."""

    key: str
    title: str
    state: str = "pending"
    outcome: str = ""
    progress: float = 0
    note: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    started: datetime | None = None
    finished: datetime | None = None
    last_output: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether it is being worked on."""
        return self.state == "running"

    @property
    def ended(self) -> bool:
        """Whether it is over, for better or worse."""
        return self.state in STEP_ENDED

    def running_time(self, now: datetime) -> float:
        """Seconds since it began, until its end."""
        return ((self.finished or now) - self.started).total_seconds() if self.started else 0.0


@dataclass(frozen=True)
class Change:
    """What an event meant: `started`, `ended`, `note` (of a step), `host` (a host in trouble), `operation`."""

    what: str
    step: StepRow | None = None
    text: str = ""


class Board:
    """An operation and its steps, from the detail of the API and the events that follow."""

    def __init__(self, detail: Mapping[str, Any]) -> None:
        self.id = str(detail["id"])
        self.kind = str(detail.get("kind") or "operation")
        self.cluster = str((detail.get("cluster") or {}).get("name") or "")
        self.dry_run = bool(detail.get("dry_run"))
        self.state = str(detail.get("state") or "queued")
        self.progress = float(detail.get("progress") or 0)
        self.attempt = int(detail.get("attempt") or 1)
        self.error: Mapping[str, Any] = detail.get("error") or {}
        self.started = moment(detail.get("started_at")) or moment(detail.get("created_at"))
        self.steps: dict[str, StepRow] = {step["key"]: _row(step) for step in detail.get("steps") or []}

    @property
    def ended(self) -> bool:
        """Whether the operation is over."""
        return self.state in ENDED

    @property
    def name(self) -> str:
        """How people call it: `install of demo`."""
        dry = tr(" (dry run)") if self.dry_run else ""
        return (
            tr("{kind} of {cluster}{dry}", kind=self.kind, cluster=self.cluster, dry=dry)
            if self.cluster
            else f"{self.kind}{dry}"
        )

    def active(self) -> list[StepRow]:
        """The steps being worked on, in the plan's order."""
        return [step for step in self.steps.values() if step.active]

    def counts(self) -> tuple[int, int]:
        """Steps that ended well, and all."""
        done = sum(step.state in ("succeeded", "skipped") for step in self.steps.values())
        return done, len(self.steps)

    def apply(self, event: str, data: Mapping[str, Any], now: datetime) -> list[Change]:
        """Take in one event of the stream; `now` is the service's time. Says what it changed."""
        if event == "step":
            return self._step(data, now)
        if event == "job":
            return self._job(data)
        if event == "log":
            if row := self.steps.get(str(data.get("step"))):
                row.last_output = now
            return []
        if event in ("operation", "end"):
            return self._operation(data)
        return []

    def _operation(self, data: Mapping[str, Any]) -> list[Change]:
        before = (self.state, self.attempt)
        self.state = str(data.get("state") or self.state)
        self.progress = 100.0 if self.state == "succeeded" else float(data.get("progress", self.progress) or 0)
        self.attempt = int(data.get("attempt") or self.attempt)
        self.error = data.get("error") or self.error
        return [Change("operation", text=self.state)] if (self.state, self.attempt) != before else []

    def _step(self, data: Mapping[str, Any], now: datetime) -> list[Change]:
        key = str(data.get("key"))
        row = self.steps.setdefault(key, StepRow(key, titled(str(data.get("title") or key))))
        before, note = (row.state, row.attempt), row.note
        row.state = str(data.get("state") or row.state)
        row.attempt = int(data.get("attempt") or row.attempt)
        row.progress = float(data.get("progress", row.progress) or 0)
        row.note = str(data.get("note", row.note) or "")
        row.outcome = str(data.get("outcome", row.outcome) or "")
        row.error = data.get("error", row.error) or {}
        if (row.state, row.attempt) != before:
            return self._moved(row, now)
        return [Change("note", row)] if row.active and row.note and row.note != note else []

    def _moved(self, row: StepRow, now: datetime) -> list[Change]:
        if row.active:
            row.started, row.finished, row.last_output = now, None, now
            return [Change("started", row)]
        if row.ended:
            row.finished = now
            return [Change("ended", row)]
        row.started = row.finished = row.last_output = None
        return []

    def _job(self, data: Mapping[str, Any]) -> list[Change]:
        row = self.steps.get(str(data.get("step")))
        state, note = str(data.get("state") or ""), str(data.get("note") or "")
        if state not in ("failed", "lost"):
            return []
        code = tr(", exit code {exit_code}", exit_code=data["exit_code"]) if data.get("exit_code") is not None else ""
        return [Change("host", row, f"{data.get('host')} {state}{code}{': ' + note if note else ''}")]


def _row(step: Mapping[str, Any]) -> StepRow:
    return StepRow(
        key=step["key"],
        title=titled(step.get("title") or step["key"]),
        state=step.get("state") or "pending",
        outcome=step.get("outcome") or "",
        progress=float(step.get("progress") or 0),
        note=step.get("note") or "",
        error=step.get("error") or {},
        attempt=int(step.get("attempt") or 1),
        started=moment(step.get("started_at")),
        finished=moment(step.get("finished_at")),
        last_output=moment(step.get("last_output_at")),
    )
