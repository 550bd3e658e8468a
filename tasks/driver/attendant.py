"""One host's part in a slice: start its job or attach to it, pass on what it writes, tell how it ended."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tasks import hosts
from tasks.database import release
from tasks.driver.host_script import Heard, Listener
from tasks.driver.turn import beat
from tasks.engine import JobUpdate
from tasks.models import HostJob, JobState, Outcome
from tasks.plan import StepSpec
from tasks.redaction import Redactor
from tasks.remote import Remote, RemoteError, Unreachable
from tasks.remote import job as detached
from tasks.remote.errors import PoolBusy

log = logging.getLogger(__name__)

# Seconds after which a host that has nothing to tell says so.
LOOK_SECONDS = 30.0
DOUBTS = 3  # looks in turn at which a host that answers tells nothing
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds between tries of a host that does not answer


@dataclass
class Clock:
    """The database's clock, without asking it again."""

    at: datetime
    _read: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self._read)


@dataclass(eq=False)
class Attendant:
    """Of one job in one slice. `attend` waits for the host, in a thread of its own; `hear` never waits.

    `stop` is set when the slice is to end, `emit` takes what was learnt, and `news` is called when there may be
    something to hear. `sure` says whether the step is still this slice's. `stale` are earlier jobs of the step on this
    host that may still be running.
    """

    job: HostJob
    spec: StepSpec
    script: str
    env: Mapping[str, str]
    redact: Redactor
    clock: Clock
    sure: Callable[[], bool]
    stop: threading.Event
    emit: Callable[[JobUpdate], None]
    news: Callable[[], None]
    sudo: bool = True
    stale: Sequence[str] = ()
    ended: bool = False  # the job has, or is given up; it has been told
    removed: bool = False  # from the host, after `remove`
    _next: Callable[[Remote], None] | None = None  # what must wait for the host
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _remote: Remote | None = None
    _watch: detached.Watch | None = None
    _listener: Listener = field(init=False)
    _boot_id: str | None = None
    _unstarted: bool = False
    _doubts: int = 0

    def __post_init__(self) -> None:
        self._next = self._begin
        self._listener = Listener(str(self.job.pk), self.job.offset)

    @property
    def must_wait(self) -> bool:
        """Whether `attend` is to be called."""
        return self._next is not None

    @property
    def watching(self) -> bool:
        """Whether `hear` is to be called when there is news."""
        return self._watch is not None

    def attend(self) -> None:
        """Do what waits for the host: reach it and watch the job there, which is started first where it was not.

        Never raises for what a host does: that is an update.
        """
        do, self._next = self._next, None
        try:
            if self.job.node is None:
                self._fail(
                    "no-host", f"The cluster has no host {self.job.host!r} any more.", "Start the operation anew."
                )
            elif do is not None:
                with self._minding_errors():
                    if self._remote is None:
                        self._remote = self._held.enter_context(hosts.connection(self.job.node))
                    release()
                    do(self._remote)
        finally:
            if self._watch is None:
                self.leave()
            release()

    def hear(self) -> None:
        """Pass on what has come."""
        if self._watch is None:
            return
        with self._minding_errors():
            told = self._watch.take()
            if self._watch.started is not None and self._unstarted:
                self._unstarted = False
                self.job.started_at = self.job.started_at or self.clock.now()
                self._boot_id = self._watch.started.boot_id
            for seen in told:
                self._doubts = 0
                if self._heard(seen):
                    return
            if self._watch.over:
                self.removed = self._watch.removed
                self.leave()
            elif self._watch.late and not self.ended:
                self._next = self._doubt

    def remove(self) -> bool:
        """The ended job is stored: have its directory deleted. Whether the host was asked; `hear` hears the answer."""
        if self._watch is None or self._watch.over:
            return False
        self._watch.remove()
        return True

    def leave(self) -> None:
        """Watch no longer. The job goes on."""
        if self._watch is not None:
            self._watch.close()
        self._watch = self._remote = None
        self._held.close()

    @contextlib.contextmanager
    def _minding_errors(self) -> Iterator[None]:
        try:
            yield
        except RemoteError as error:
            self.leave()
            if self.ended:
                log.info("job %s stays on %s: %s", self.job.pk, self.job.host, error.message)
            elif isinstance(error, PoolBusy):
                self._soon_again()  # the host was not even asked, so this says nothing of it
            elif isinstance(error, Unreachable):
                self._away(error)
            else:
                self._tell(JobUpdate(self.job, state=JobState.FAILED, error=error.as_dict()))

    def _soon_again(self) -> None:
        self.job.not_before = self.clock.now() + timedelta(seconds=FIRST_WAIT)

    def _begin(self, remote: Remote) -> None:
        if self.job.state == JobState.PENDING:
            for earlier in self.stale:
                detached.kill(remote, earlier, sudo=self.sudo)
            if not self.sure():
                # A worker that stood still may wake when another one has long run the job and removed it.
                self._soon_again()
                return
            self._unstarted = True
        if self.stop.is_set():
            return
        self._watch = detached.watch(
            remote,
            str(self.job.pk),
            self._listener.reached,
            self.news,
            script=self.script if self._unstarted else None,
            env=self.env,
            # Nobody would notice that a silent command has come to its time's end while he waits for it to speak.
            wait=min(LOOK_SECONDS, self.spec.quiet, self.spec.timeout),
            linger=beat(),
            sudo=self.sudo,
        )

    def _doubt(self, _: Remote) -> None:
        """A host that answers is looked at anew: mostly this process, or the host, stood still for a while."""
        if self._watch is None:
            return
        error = self._watch.doubt()
        self._doubts += 1
        if isinstance(error, Unreachable) or self._doubts >= DOUBTS:
            raise error
        self.leave()
        self._next = self._begin

    def _heard(self, seen: detached.Progress) -> bool:
        """Whether that was all for now."""
        if seen.state == "gone" and seen.reason == "not-started":
            self.leave()
            self._unstarted, self._next = True, self._begin
            return True
        ended = seen.complete or (seen.state == "gone" and not seen.data)
        heard = self._listener.feed(seen.data, last=ended)
        if ended:
            self._ended(seen, heard)
            return True
        if heard.chunks or seen.offset > self.job.seen or self.job.unreachable_since or self._boot_id:
            self._tell(self._update(heard, seen=seen.offset))
        if slow := self._too_slow(seen):
            self._next = partial(self._end, *slow)
        return bool(slow)

    def _end(self, kind: str, what: str, remote: Remote) -> None:
        detached.kill(remote, str(self.job.pk), sudo=self.sudo)
        self.leave()
        self._fail(kind, what, "Look at what it did last on the host, then retry.")

    def _tell(self, update: JobUpdate) -> None:
        """With what the start told: a row is written once for both."""
        update.boot_id, self._boot_id = self._boot_id, None
        if update.error:  # it may quote what a program on the host said
            update.error = self.redact.data(update.error)
        self.ended = self.ended or update.state is not None
        self.emit(update)

    def _update(self, heard: Heard, **more: Any) -> JobUpdate:
        chunks = [(offset, size, self.redact(text)) for offset, size, text in heard.chunks]
        note = self.redact(heard.note) if heard.note else heard.note
        if (reached := more.get("seen", 0)) > self.job.seen:
            self.job.seen, self.job.last_output_at = reached, self.clock.now()
        self.job.phase = heard.phase or self.job.phase
        self.job.outcome = heard.outcome or self.job.outcome
        return JobUpdate(
            self.job,
            chunks=chunks,
            phase=heard.phase,
            progress=heard.progress,
            note=note,
            **{"outcome": heard.outcome, **more},
        )

    def _ended(self, seen: detached.Progress, heard: Heard) -> None:
        update = self._update(heard, exit_code=seen.exit_code)
        if seen.log == "lost":
            update.chunks.append((seen.offset, 0, NOT_STORED))
            update.note = f"{self.job.host} could not store all of its output; see df -h {detached.ROOT} there"
        if seen.state == "exited" and seen.exit_code == 0:
            update.state = JobState.SUCCEEDED
            update.outcome = Outcome(self.job.outcome) if self.job.outcome else Outcome.CHANGED
        elif seen.state == "exited":
            update.state = JobState.FAILED
            update.error = {
                "kind": "exit-code",
                "host": self.job.host,
                "message": f"{self.job.phase or 'The command'} ended with exit code {seen.exit_code}.",
                "fix": "The last lines of its log say why.",
            }
            if seen.log == "lost":
                update.error["message"] += " The host could not store all of its output: its disk may be full."
                update.error["fix"] = f"See df -h {detached.ROOT} on the host, make room, then retry."
        else:
            update.state, update.error = JobState.LOST, {"host": self.job.host, **LOST[seen.reason]}
        self._tell(update)

    def _too_slow(self, seen: detached.Progress) -> tuple[str, str] | None:
        """The kind of error, and its text."""
        now, started = self.clock.now(), self.job.started_at or self.clock.now()
        # What a full disk or the log's limit keeps from the log is no silence.
        last = self.job.last_output_at or started if seen.log == "whole" else now
        if (now - started).total_seconds() > self.spec.timeout:
            return "timeout", f"It took longer than {self.spec.timeout:.0f} s and was ended."
        if (now - last).total_seconds() > self.spec.quiet:
            return "quiet", f"It wrote nothing for {self.spec.quiet:.0f} s and was ended."
        return None

    def _away(self, error: Unreachable) -> None:
        now = self.clock.now()
        away = (now - (self.job.unreachable_since or now)).total_seconds()
        if away > self.spec.unreachable:
            text = f"The host has not answered for {away:.0f} s: {error.message}"
            self._fail("unreachable", text, error.fix or "Bring the host back, then retry.")
            return
        wait = max(FIRST_WAIT, min(LONGEST_WAIT, away))
        note = f"{self.job.host} does not answer ({error.kind}); tried again in {wait:.0f} s"
        self.job.not_before = now + timedelta(seconds=wait)
        self.job.unreachable_since = self.job.unreachable_since or now
        self._tell(JobUpdate(self.job, away=self.job.not_before, note=note, error=error.as_dict()))

    def _fail(self, kind: str, message: str, fix: str) -> None:
        error = {"kind": kind, "host": self.job.host, "message": message, "fix": fix}
        self._tell(JobUpdate(self.job, state=JobState.FAILED, error=error))


NOT_STORED = "\n[the host could not store what follows: its disk may be full]\n"
LOST = {
    "reboot": {
        "kind": "job-lost",
        "message": "The host was rebooted while the command ran.",
        "fix": "Retry; what is done already is not repeated.",
    },
    "killed": {
        "kind": "job-killed",
        "message": "The command's processes were killed on the host, by something else than the service.",
        "fix": "Look for the out-of-memory killer in the host's kernel log, then retry.",
    },
    "cancelled": {
        "kind": "job-killed",
        "message": "The command was ended before it had started.",
        "fix": "Retry.",
    },
    "no-directory": {
        "kind": "job-lost",
        "message": "The job's directory on the host was deleted while the command ran.",
        "fix": f"Keep {detached.ROOT} until the operation has ended, then retry.",
    },
}


def kill(target: HostJob, *, sudo: bool = True) -> str:
    """End the job on its host: what is left to say of it, empty where it has certainly ended."""
    try:
        if target.node is None:
            return "is not a host of the cluster any more"
        with hosts.connection(target.node) as remote:
            release()
            done = detached.kill(remote, str(target.pk), grace=2, sudo=sudo)
            return "" if done else f"did not end the processes {', '.join(map(str, done.survivors))}"
    except RemoteError as error:
        return error.message
    finally:
        release()


def remove(target: HostJob, *, sudo: bool = True) -> bool:
    """Delete an ended job's directory: whether nothing of it is left. What is left is cleared later."""
    try:
        if target.node is not None:
            with hosts.connection(target.node) as remote:
                release()
                detached.remove(remote, str(target.pk), sudo=sudo)
        # Without an exit code some of its processes may have outlived it.
        return target.exit_code is not None
    except RemoteError as error:
        log.info("job %s stays on %s: %s", target.pk, target.host, error.message)
        return False
    finally:
        release()
