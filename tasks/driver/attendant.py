"""One host's part in a slice: start its job or attach to it, pass on what it writes, tell how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tasks import hosts
from tasks.database import release
from tasks.driver.host_script import Heard, Listener
from tasks.driver.turn import Leave, beat
from tasks.engine import JobUpdate
from tasks.models import HostJob, JobState, Outcome
from tasks.plan import StepSpec
from tasks.redaction import Redactor
from tasks.remote import Remote, RemoteError, Unreachable
from tasks.remote import job as detached
from tasks.remote.errors import Interrupted, PoolBusy

log = logging.getLogger(__name__)

# One look at a host waits there so long for output (seconds).
LOOK_SECONDS = 15.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds between tries of a host that does not answer


@dataclass
class Clock:
    """The database's clock, without asking it again."""

    at: datetime
    _read: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self._read)


@dataclass
class Attendant:
    """`left` (the slice's seconds) and `stop` end the attendance, not the job; `emit` takes what was learnt.

    `sure` says whether the step is still this slice's.

    `stale` are earlier jobs of the step on this host that may still be running.
    """

    job: HostJob
    spec: StepSpec
    script: str
    env: Mapping[str, str]
    redact: Redactor
    clock: Clock
    left: Callable[[], float]
    sure: Callable[[], bool]
    stop: Leave
    emit: Callable[[JobUpdate], None]
    sudo: bool = True
    stale: Sequence[str] = ()
    _boot_id: str | None = None
    _unstarted: bool = False

    def attend(self) -> None:
        """Never raises for what a host does: that is an update."""
        try:
            if self.job.node is None:
                self._fail(
                    "no-host", f"The cluster has no host {self.job.host!r} any more.", "Start the operation anew."
                )
                return
            with hosts.connection(self.job.node) as remote:
                release()
                with self.stop.calling(remote.interrupt):
                    self._attend(remote)
        except PoolBusy:
            self._soon_again()  # the host was not even asked, so this says nothing of it
        except Unreachable as error:
            self._away(error)
        except RemoteError as error:
            self._tell(JobUpdate(self.job, state=JobState.FAILED, error=error.as_dict()))
        finally:
            release()

    def _soon_again(self) -> None:
        self.job.not_before = self.clock.now() + timedelta(seconds=FIRST_WAIT)

    def _attend(self, remote: Remote) -> None:
        name = str(self.job.pk)
        if self.job.state == JobState.PENDING:
            for earlier in self.stale:
                detached.kill(remote, earlier, sudo=self.sudo)
            if not self.sure():
                # A worker that stood still may wake when another one has long run the job and removed it.
                self._soon_again()
                return
            if self.stop.is_set():
                return
            self._unstarted = True
        listener = Listener(name, self.job.offset)
        while True:
            left = self.left()
            try:
                seen = self._look(remote, name, listener.reached, left)
            except Interrupted:
                if self._unstarted:
                    return  # started or not: whoever drives the step next, or ends it, calls the job by the same name
                continue
            if seen.state == "gone" and seen.reason == "not-started":
                self._unstarted = True
                continue
            ended = seen.complete or (seen.state == "gone" and not seen.data)
            heard = listener.feed(seen.data, last=ended)
            if ended:
                self._ended(seen, heard)
                return
            if heard.chunks or seen.offset > self.job.seen or self.job.unreachable_since or self._boot_id:
                self._tell(self._update(heard, seen=seen.offset))
            if self._too_slow(remote, seen):
                return
            if (left <= 0 or self.stop.is_set()) and seen.offset >= seen.size:
                return

    def _look(self, remote: Remote, name: str, offset: int, left: float) -> detached.Progress:
        """What there is after `offset`, of a job that is started first where it was not.

        Once the slice is to end, without waiting for more.
        """
        # Nobody would notice that a silent command has come to its time's end while he waits for it to speak.
        wait = max(0.0, min(LOOK_SECONDS, left, self.spec.quiet, self.spec.timeout))
        if self._unstarted:
            linger = beat()
            started, seen = detached.begin(
                remote, name, self.script, env=self.env, wait=wait, linger=linger, sudo=self.sudo
            )
            self._unstarted = False
            self.job.started_at = self.job.started_at or self.clock.now()
            self._boot_id = started.boot_id
            return seen
        if self.stop.is_set():
            return detached.follow(remote, name, offset, wait=0, linger=0, sudo=self.sudo)
        return detached.follow(remote, name, offset, wait=wait, linger=beat(), interruptible=True, sudo=self.sudo)

    def _tell(self, update: JobUpdate) -> None:
        """With what the start told: a row is written once for both."""
        update.boot_id, self._boot_id = self._boot_id, None
        if update.error:  # it may quote what a program on the host said
            update.error = self.redact.data(update.error)
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

    def _too_slow(self, remote: Remote, seen: detached.Progress) -> bool:
        now, started = self.clock.now(), self.job.started_at or self.clock.now()
        # What a full disk or the log's limit keeps from the log is no silence.
        last = self.job.last_output_at or started if seen.log == "whole" else now
        if (now - started).total_seconds() > self.spec.timeout:
            kind, what = "timeout", f"It took longer than {self.spec.timeout:.0f} s and was ended."
        elif (now - last).total_seconds() > self.spec.quiet:
            kind, what = "quiet", f"It wrote nothing for {self.spec.quiet:.0f} s and was ended."
        else:
            return False
        detached.kill(remote, str(self.job.pk), sudo=self.sudo)
        self._fail(kind, what, "Look at what it did last on the host, then retry.")
        return True

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
