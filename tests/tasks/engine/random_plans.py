"""Random plans, acyclic graphs of two to seven steps, and random news of their jobs."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tasks.engine import JobUpdate, Lease
from tasks.models import HostJob, JobState
from tasks.plan import Action, Plan, Retry, Script, StepSpec
from tests.tasks.engine.watching import output

HOSTS = ("h1", "h2")
LONG = 3600.0  # seconds, longer than any run: what waits so long is only freed by the rules that say so


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    keys = [f"s{n}" for n in range(draw(st.integers(2, 7)))]
    steps = []
    for place, key in enumerate(keys):
        script = Script("true", probe=draw(st.sampled_from(["", "true"])))
        kinds: list[Script | Action] = [script, Action("simulated")]
        do = draw(st.sampled_from(kinds))
        steps.append(
            StepSpec(
                key,
                key,
                do,
                hosts=HOSTS[: draw(st.integers(1, 2))] if isinstance(do, Script) else (),
                after=tuple(draw(st.lists(st.sampled_from(keys[:place]), max_size=2, unique=True))) if place else (),
                expected=draw(st.integers(1, 30)),
                retry=Retry(attempts=draw(st.integers(1, 3)), delay=draw(st.sampled_from([0, LONG])), cap=LONG),
            )
        )
    kind = {"mutating": draw(st.booleans()), "holds_etcd": draw(st.booleans())}
    return Plan("test", tuple(steps), during="installing", success="ready", **kind).validate(HOSTS)


@dataclass(frozen=True)
class News:
    """What a driver learns of the job on one of a step's hosts; `behind` is where its reading begins."""

    host: int
    behind: int
    size: int
    progress: int | None
    end: JobState | None
    away: bool

    def of(self, job: HostJob, lease: Lease) -> JobUpdate:
        if self.away:
            return JobUpdate(job, away=lease.now, error={"kind": "timeout"})
        if job.state == JobState.PENDING:
            gone = self.end == JobState.FAILED  # a host that the cluster has no more
            return JobUpdate(job, state=JobState.FAILED if gone else None, boot_id=None if gone else "boot")
        # All that is stored already, once more; then a stretch that begins before, at or behind it.
        start = max(0, job.offset - self.behind)
        cuts = [(0, job.offset), (start, start + self.size), (start + self.size, start + self.size + 1)]
        chunks = [(begin, end - begin, output(begin, end)) for begin, end in cuts]
        return JobUpdate(job, chunks=chunks, progress=self.progress, state=self.end)


news = st.builds(
    News,
    host=st.integers(0, 1),
    behind=st.sampled_from([0, 0, 0, 1, 7, -3]),
    size=st.integers(0, 20),
    progress=st.none() | st.integers(0, 100),
    end=st.sampled_from([None, None, None, JobState.SUCCEEDED, JobState.FAILED, JobState.LOST]),
    away=st.sampled_from([False, False, False, True]),
)
