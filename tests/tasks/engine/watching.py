"""What must be true of all operations after every transition, told from pictures of the rows before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.models import (
    ACTIVE,
    JOB_LIVE,
    STEP_DONE,
    STEP_ENDED,
    Event,
    HostJob,
    LogChunk,
    Operation,
    OperationState,
    Step,
    StepState,
)

Row = Mapping[str, Any]
TO_DRIVE = (StepState.READY, StepState.RUNNING)


def output(start: int, end: int) -> str:
    """Bytes `start` to `end` of what every simulated job writes."""
    return "".join(chr(97 + n % 26) for n in range(start, end))


@dataclass(frozen=True)
class Picture:
    """All rows of the engine by primary key, and how many events and log chunks there are."""

    operations: Mapping[Any, Row]
    steps: Mapping[Any, Row]
    jobs: Mapping[Any, Row]
    events: int
    chunks: int

    @staticmethod
    def take() -> Picture:
        def rows(found: Iterable[Row]) -> dict[Any, Row]:
            return {row["id"]: row for row in found}

        return Picture(
            rows(Operation.objects.order_by("created_at").values()),
            rows(Step.objects.order_by("pk").values()),
            rows(HostJob.objects.values()),
            Event.objects.count(),
            LogChunk.objects.count(),
        )

    def steps_of(self, operation: Any) -> list[Row]:
        return [step for step in self.steps.values() if step["operation_id"] == operation]


@dataclass
class Watch:
    """Compares each picture with the one before. `retried` names operations that the last rule retried."""

    last: Picture = field(default_factory=Picture.take)
    retried: set[Any] = field(default_factory=set)
    moves: set[tuple[str, str, str]] = field(default_factory=set)
    _told: dict[tuple[Any, str], str] = field(default_factory=dict)
    _times: dict[Any, Any] = field(default_factory=dict)
    _successes: set[tuple[Any, str, int]] = field(default_factory=set)

    def look(self) -> None:
        """Raises AssertionError for what is not as it must be."""
        now = Picture.take()
        for operation in now.operations.values():
            self._numbers(operation)
            self._operation(now, operation)
        for step in now.steps.values():
            self._step(now, step)
        for job in now.jobs.values():
            self._job(now, job)
        for alone in ("mutating", "holds_etcd"):
            of = [row["cluster_id"] for row in now.operations.values() if row[alone] and row["state"] in ACTIVE]
            assert len(of) == len(set(of)), f"two operations of one cluster that are {alone} are under way"
        self.last = now
        self.retried.clear()

    def _numbers(self, operation: Row) -> None:
        """New numbers follow the last one without gap or double; the newest events tell the rows' states."""
        key = operation["id"]
        seen = self.last.operations[key]["event_seq"] if key in self.last.operations else 0
        events = list(Event.objects.filter(operation=key, seq__gt=seen).order_by("seq"))
        chunks = LogChunk.objects.filter(operation=key, seq__gt=seen).values_list("seq", "at")
        numbered = sorted([*((event.seq, event.at) for event in events), *chunks])
        assert [seq for seq, _ in numbered] == list(range(seen + 1, operation["event_seq"] + 1))
        for _, at in numbered:
            assert at >= self._times.get(key, at), "an event is older than the one before it"
            self._times[key] = at
        for event in events:
            if event.kind == "operation":
                self._told[key, ""] = event.data["state"]
            elif event.kind == "step":
                self._told[key, event.data["key"]] = event.data["state"]
                if event.data["state"] == StepState.SUCCEEDED:
                    success = (key, event.data["key"], event.data["attempt"])
                    assert success not in self._successes, f"{success} succeeded twice"
                    self._successes.add(success)
        assert self._told[key, ""] == operation["state"], "the events tell another state of the operation"

    def _operation(self, now: Picture, operation: Row) -> None:
        steps = now.steps_of(operation["id"])
        if before := self.last.operations.get(operation["id"]):
            self._moved("operation", before, operation, before["state"] in ACTIVE)
            if before["attempt"] == operation["attempt"]:
                assert operation["progress"] >= before["progress"], "the operation's progress fell"
        ended = operation["state"] not in ACTIVE
        assert ended == (operation["finished_at"] is not None)
        if not ended:
            return
        assert not [step for step in steps if step["state"] in TO_DRIVE], "it ended before its steps"
        if operation["state"] == OperationState.SUCCEEDED:
            assert {step["state"] for step in steps} <= set(STEP_DONE)
            assert operation["progress"] == 100 and not operation["error"]
        if operation["state"] == OperationState.CANCELLED and operation["error"]:
            stopped = (StepState.FAILED, StepState.CANCELLED)
            assert operation["error"]["step"] in {s["key"] for s in steps if s["state"] in stopped}
        if operation["state"] == OperationState.FAILED:
            assert operation["error"]["step"] in {s["key"] for s in steps if s["state"] == StepState.FAILED}

    def _step(self, now: Picture, step: Row) -> None:
        before = self.last.steps.get(step["id"])
        if before:
            self._moved("step", before, step, before["state"] not in STEP_ENDED)
            operation = step["operation_id"]
            if self.last.operations[operation]["attempt"] == now.operations[operation]["attempt"]:
                assert step["progress"] >= before["progress"], "a step's progress fell"
        states = {other["key"]: other["state"] for other in now.steps_of(step["operation_id"])}
        if step["state"] in TO_DRIVE:
            assert {states[key] for key in step["after"]} <= set(STEP_DONE), "it runs before what it waits for"
        if step["state"] != StepState.RUNNING:
            assert step["lease_until"] is None, "a lease on a step that does not run"
        if step["state"] == StepState.SUCCEEDED:
            assert not step["error"], "a success with an error"
        told = self._told.get((step["operation_id"], step["key"]), StepState.PENDING)
        assert told == step["state"], f"the events tell {told}, the row {step['state']}"

    def _job(self, now: Picture, job: Row) -> None:
        step = now.steps[job["step_id"]]
        if before := self.last.jobs.get(job["id"]):
            assert before["state"] in JOB_LIVE or job == before, "a job that has ended was changed"
            if before["state"] != job["state"]:
                self.moves.add(("job", before["state"], job["state"]))
        if job["state"] in JOB_LIVE:
            assert step["state"] in TO_DRIVE and job["attempt"] == step["attempt"], "nothing will end this job"
        chunks = list(LogChunk.objects.filter(job=job["id"]).order_by("offset").values_list("offset", "size", "text"))
        reached = 0
        for offset, size, text in chunks:
            assert offset == reached and text == output(offset, offset + size)
            reached += size
        assert reached == job["offset"]

    def _moved(self, what: str, before: Row, after: Row, free: bool) -> None:
        if before["state"] == after["state"]:
            return
        self.moves.add((what, before["state"], after["state"]))
        operation = after.get("operation_id", after["id"])
        assert free or operation in self.retried, f"the {what} left {before['state']} for {after['state']}"
