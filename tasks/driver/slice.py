"""One slice of a step: at most so many seconds of driving it, under its lease."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any, Literal

from django.db import Error as DatabaseError
from django.db.models import Q

from clusters.database import LOST
from clusters.models import Cluster
from tasks import engine, secret_values
from tasks.actions.base import Done, Wait
from tasks.database import release
from tasks.driver import attendant, host_script
from tasks.driver.attendant import Attendant, Clock
from tasks.driver.crew import Crew
from tasks.driver.failure import error_of
from tasks.driver.holding import Hold, holding
from tasks.driver.performer import Failed, Performer
from tasks.driver.trace import trace
from tasks.driver.turn import BEAT, Slots, Turn, beat
from tasks.engine import JobUpdate, Lease
from tasks.models import JOB_LIVE, HostJob, JobState, Outcome
from tasks.plan import Script
from tasks.redaction import Redactor

log = logging.getLogger(__name__)

SOON = 2.5  # seconds for which a slot is kept rather than given back
CANCEL_SECONDS = 9.0  # hosts that have not answered by then are named as not reached
LAST_WORDS = 1.0  # seconds for which the output of what was ended is waited for
START_SECONDS = 3.0  # for which a start that is under way is waited for, lest it comes after the end
# Seconds after which a slice looks around without having been called; where hosts are watched, its slot may be wanted.
SILENT, LOOK_AROUND = 30.0, 15.0
# Trying these again without a change by a person leads nowhere.
HOPELESS = frozenset({"auth", "credential", "host-key-changed", "no-host"}) | frozenset(
    {"sudo-failed", "sudo-wrong-password", "sudo-password-required", "sudo-not-allowed", "sudo-requiretty"}
)


Next = Literal["again", "advance", "nothing"]


class Slice:
    """Drives the step of `hold` until it ends, is to be cancelled, or the time is up. `stop` ends it early."""

    def __init__(self, hold: Hold, stop: threading.Event) -> None:
        lease = hold.lease
        self.lease, self.spec, self._hold = lease, lease.spec, hold
        self._stop, self._news = stop, hold.news
        self._leave = threading.Event()  # told to the attendants of this slice alone
        self._crew = Crew(self._leave, self._news)
        self._learnt: queue.SimpleQueue[JobUpdate] = queue.SimpleQueue()
        self._clock = Clock(lease.now)
        self._turn = Turn()
        self._cancelling = False
        cluster = Cluster.objects.select_related("access_key").get(pk=lease.operation.cluster_id)
        self._cluster = cluster
        self._redact = Redactor(secret_values.all_values(cluster))

    def run(self) -> Next:
        """Raises `engine.LeaseLost`; then nothing of this slice is stored any more."""
        jobs = engine.jobs_of(self.lease)
        if self.lease.cancelling:
            return self._cancel(jobs)
        if isinstance(self.spec.do, Script):
            return self._run_script(self.spec.do, jobs)
        return self._run_action(jobs[0])

    def _run_script(self, do: Script, jobs: list[HostJob]) -> Next:
        dry_run = self.lease.operation.dry_run
        if dry_run and not do.probe:
            engine.finish(self.lease, Outcome.WOULD_CHANGE)
            return "advance"
        make = self._attendants(do, jobs)
        try:
            while True:
                for job in self._due(jobs, self._crew.busy):
                    self._crew.send(make(job))
                self._await(jobs)
                if self._over():
                    self._crew.leave()
                self._crew.remove(self._store(), sudo=do.sudo)
                if self._cancel_wanted():
                    return self._cancel(jobs)
                if not self._crew.busy and self._learnt.empty() and not self._due(jobs, set(), within=SOON):
                    break
            what = self._conclude_script(jobs)
            engine.removed(job.pk for job in self._crew.removed())
            return what
        finally:
            self._crew.leave()

    def _begun(self, future: Future[None]) -> Future[None]:
        future.add_done_callback(lambda _: self._news.set())
        return future

    def _await(self, jobs: list[HostJob]) -> None:
        """Hear what is new: wait until something is, the slice is to end, or a host is to be tried again."""
        release()  # whoever attends to a host needs a connection, and there are fewer than slices
        crew, busy, now = self._crew, self._crew.busy, self._clock.now()
        again = [job.not_before for job in jobs if job.state in JOB_LIVE and job.not_before and job not in busy]
        most = min(LOOK_AROUND, max(0.0, self._turn.left())) if busy else SOON if again else 0.0
        self._news.wait(min([most, *(max(0.0, (at - now).total_seconds()) for at in again)]))
        self._news.clear()
        crew.hear()
        # The others may have something to say as well.
        until = time.monotonic() + (min(beat(), SOON) if len(crew.busy) > 1 else 0.0)
        while crew.busy and not self._hold.cancelling and (left := until - time.monotonic()) > 0:
            self._news.wait(left)
            self._news.clear()
            crew.hear()

    def _learn(self, update: JobUpdate) -> None:
        self._learnt.put(update)
        self._news.set()

    def _attendants(self, do: Script, jobs: list[HostJob]) -> Callable[[HostJob], Attendant]:
        secrets = {name: secret_values.resolve(self._cluster, what) for name, what in do.secrets.items()}
        stale: dict[str, list[str]] = {}
        if self.lease.step.attempt > 1:
            earlier = HostJob.objects.filter(
                Q(started_at__isnull=False) | Q(not_before__isnull=False),
                step=self.lease.step,
                attempt__lt=self.lease.step.attempt,
                exit_code=None,
            )
            for job in earlier:
                stale.setdefault(job.host, []).append(str(job.pk))

        def make(job: HostJob) -> Attendant:
            node = job.node
            env = {
                **do.env,
                **secrets,
                "SANQIAN_HOST": job.host,
                "SANQIAN_ADDRESS": node.internal_address if node else "",
                "SANQIAN_CLUSTER": self._cluster.name,
                "SANQIAN_ROLES": " ".join(node.role_groups) if node else "",
            }
            script = host_script.compose(do, str(job.pk), dry_run=self.lease.operation.dry_run)
            return Attendant(
                job=job,
                spec=self.spec,
                script=script,
                env=env,
                redact=self._redact,
                clock=self._clock,
                sure=lambda: self._hold.sure,
                stop=self._leave,
                emit=self._learn,
                news=self._news.set,
                sudo=do.sudo,
                stale=stale.get(job.host, ()),
            )

        return make

    def _due(self, jobs: list[HostJob], busy: set[HostJob], within: float = 0) -> list[HostJob]:
        """The jobs to attend to, now or `within` seconds: those that run first, at most `parallel` at once."""
        if self._over():
            return []
        now = self._clock.now() + timedelta(seconds=within)
        live = [job for job in jobs if job.state in JOB_LIVE]
        free = [job for job in live if job not in busy and (job.not_before is None or job.not_before <= now)]
        free.sort(key=lambda job: job.state != JobState.RUNNING)
        running = {job.pk for job in live if job.state == JobState.RUNNING} | {job.pk for job in busy}
        room = self.spec.parallel - len(running)
        chosen = []
        for job in free:
            if job.state == JobState.RUNNING:
                chosen.append(job)
            elif room > 0:
                chosen.append(job)
                room -= 1
        return chosen

    def _over(self) -> bool:
        return self._stop.is_set() or self._leave.is_set() or self._turn.left() <= 0

    def _store(self) -> list[HostJob]:
        """Write what was learnt: the jobs that have ended by it. Raises `engine.LeaseLost`."""
        updates: list[JobUpdate] = []
        while not self._learnt.empty():
            update = self._learnt.get()
            if self._cancelling and update.state in (JobState.FAILED, JobState.LOST):
                update.state, update.error = JobState.CANCELLED, {}  # it was ended by the cancel itself
            updates.append(update)
        engine.record(self.lease, updates)
        release()
        return [update.job for update in updates if update.job.state not in JOB_LIVE]

    def _cancel_wanted(self) -> bool:
        """Raises `engine.LeaseLost`."""
        if self._hold.lost:
            raise engine.LeaseLost
        return self._hold.cancelling

    def _conclude_script(self, jobs: list[HostJob]) -> Next:
        live = [job for job in jobs if job.state in JOB_LIVE]
        failed = [job for job in jobs if job.state not in (*JOB_LIVE, JobState.SUCCEEDED)]
        dry_run = self.lease.operation.dry_run
        if live:
            waiting = [job.not_before for job in live if job.not_before]
            soonest = min(waiting) if len(waiting) == len(live) else None
            after = max(0.0, (soonest - self._clock.now()).total_seconds()) if soonest else 0.0
            return self._give_back(after)
        if failed and not dry_run:
            return self._fail(error_of(failed), again=self._again(failed))
        if failed:
            names = ", ".join(job.host for job in failed)
            note = f"Could not be told on {names}: {failed[0].error.get('message', '')}"
            engine.finish(self.lease, Outcome.UNKNOWN, note=note)
            return "advance"
        step, outcomes = self.lease.step, {job.outcome for job in jobs}
        if step.tries:
            served = HostJob.objects.filter(step=step, attempt__gte=step.attempt - step.tries, state=JobState.SUCCEEDED)
            outcomes = set(served.values_list("outcome", flat=True))
        unchanged = outcomes <= {Outcome.ALREADY}
        changed = Outcome.WOULD_CHANGE if dry_run else Outcome.CHANGED
        engine.finish(self.lease, Outcome.ALREADY if unchanged else changed)
        return "advance"

    def _give_back(self, after: float, **more: Any) -> Next:
        engine.give_back(self.lease, after=after, **more)
        return "nothing" if after > 0 else "again"

    def _fail(self, error: dict[str, Any], *, again: bool, result: dict[str, Any] | None = None) -> Next:
        return "nothing" if engine.fail(self.lease, error, again=again, result=result) else "advance"

    def _again(self, failed: list[HostJob]) -> bool:
        codes = self.spec.retry.exit_codes
        if any(job.error.get("kind") in HOPELESS for job in failed):
            return False
        return codes is None or all(job.exit_code is None or job.exit_code in codes for job in failed)

    def _run_action(self, job: HostJob) -> Next:
        performer = Performer(self.lease, job, self._redact, self._turn.deadline, self._learn)
        with ThreadPoolExecutor(1, thread_name_prefix="action") as pool:
            while True:
                self._learn(JobUpdate(job, boot_id=""))
                if self._watch(self._begun(pool.submit(performer.perform))):
                    return self._cancel([job])
                came = performer.outcome
                if not isinstance(came, Wait) or self._turn.deadline - time.monotonic() <= came.seconds:
                    break
                # Worth keeping the slot for: it is due again within this slice.
                self.lease.step.memory = performer.memory
                self._learn(JobUpdate(job, note=self._redact(came.note)))
                if self._pause(came.seconds):
                    break
        if isinstance(came, Done):
            engine.record(self.lease, [JobUpdate(job, state=JobState.SUCCEEDED, outcome=came.outcome)])
            engine.finish(self.lease, came.outcome, came.result, self._redact(came.note))
            return "advance"
        if isinstance(came, Wait):
            return self._give_back(came.seconds, note=self._redact(came.note), memory=performer.memory)
        if isinstance(came, Failed):
            return self._action_failed(job, came, performer.memory)
        raise RuntimeError(f"the action of step {self.lease.step.key} ended without an outcome")

    def _pause(self, seconds: float) -> bool:
        """Wait, holding the lease; whether the slice is to end."""
        end = time.monotonic() + seconds
        while not self._over() and time.monotonic() < end:
            if self._cancel_wanted():
                return True
            self._news.wait(max(0.0, end - time.monotonic()))
            self._news.clear()
        return self._over()

    def _watch(self, future: Future[None]) -> bool:
        """Store what the action says until it returns: whether the operation is being cancelled."""
        cancelled = False
        release()
        while True:
            self._news.wait(SILENT)
            self._news.clear()
            wait([future], timeout=beat())
            done = future.done()
            self._store()
            cancelled = cancelled or self._cancel_wanted()
            if done:
                future.result()
                return cancelled

    def _action_failed(self, job: HostJob, came: Failed, memory: dict[str, Any]) -> Next:
        away = (self._clock.now() - (job.unreachable_since or self._clock.now())).total_seconds()
        dry_run = self.lease.operation.dry_run
        if came.away and not dry_run and away <= self.spec.unreachable:
            after = max(attendant.FIRST_WAIT, min(attendant.LONGEST_WAIT, away))
            engine.record(self.lease, [JobUpdate(job, away=self._clock.now(), error=came.error)])
            return self._give_back(after, note=came.error.get("message", ""), memory=memory)
        if dry_run:
            engine.record(self.lease, [JobUpdate(job, state=JobState.SUCCEEDED, outcome=Outcome.UNKNOWN)])
            engine.finish(self.lease, Outcome.UNKNOWN, came.result, note=came.error.get("message", ""))
            return "advance"
        engine.record(self.lease, [JobUpdate(job, state=JobState.FAILED, error=came.error)])
        again = came.again and came.error.get("kind") not in HOPELESS
        return self._fail(came.error, again=again, result=came.result)

    def _cancel(self, jobs: list[HostJob]) -> Next:
        """End what runs on all hosts at once, and name the hosts where that is not certain."""
        self._cancelling = True
        self._leave.set()
        do = self.spec.do
        sudo = do.sudo if isinstance(do, Script) else True
        # What was started but not yet recorded as such is ended too: the job's id is enough.
        live = [job for job in jobs if job.state in JOB_LIVE and job.node is not None]
        pool = ThreadPoolExecutor(max(1, len(live)), thread_name_prefix="cancel")

        def end(job: HostJob) -> str:
            self._crew.wait_for(job, START_SECONDS)
            return attendant.kill(job, sudo=sudo)

        ends = {pool.submit(end, job): job for job in live}
        give_up = time.monotonic() + CANCEL_SECONDS
        release()
        while time.monotonic() < give_up:
            self._news.wait(BEAT)
            self._news.clear()
            self._crew.hear()
            self._store()
            if all(future.done() for future in ends):
                if not self._crew.busy:
                    break
                give_up = min(give_up, time.monotonic() + LAST_WORDS)
        pool.shutdown(wait=False, cancel_futures=True)
        error: dict[str, Any] = {}
        if unsure := _not_ended(ends):
            names, (host, why) = ", ".join(unsure), next(iter(unsure.items()))
            error = {
                "kind": "not-reached",
                "host": host,
                "hosts": unsure,
                "message": f"Cancelled, but on {names} the command may go on: {why}",
                "fix": "When the host answers again, a retry ends it first.",
            }
        engine.cancelled(self.lease, error)
        return "advance"


def _not_ended(ends: dict[Future[str], HostJob]) -> dict[str, str]:
    """The hosts on which a job may still run, and why."""
    told = {job.host: future.result() if future.done() else "did not answer in time" for future, job in ends.items()}
    return {host: why for host, why in told.items() if why}


def drive(lease: Lease, stop: threading.Event, claimed: float) -> Next:
    """One slice of the step, and what message is needed after it.

    `claimed` is the monotonic time just before the lease was claimed.
    """
    try:
        with Slots.taken(), holding(lease, claimed, stop) as hold:
            return Slice(hold, stop).run()
    except engine.LeaseLost:
        log.info("lost the lease of step %s (epoch %s)", lease.step.pk, lease.epoch)
        return "nothing"
    except LOST as error:
        log.warning("step %s lost the database: %s", lease.step.pk, error)
        # What was learnt and could not be stored is read again. Else the lease runs out, which takes longer.
        with contextlib.suppress(DatabaseError, engine.LeaseLost):
            engine.give_back(lease, after=BEAT)
            return "nothing"
        raise
    except DatabaseError:
        raise  # the lease runs out, and the reconciler sends the step again
    except Exception as error:
        log.error("step %s (%s) failed in the service itself\n%s", lease.step.pk, lease.step.key, trace(lease, error))
        told = {
            "kind": "internal",
            "message": f"The service itself failed: {type(error).__name__}.",
            "fix": "Its log has the details. Retry; if it fails again, report it.",
        }
        try:
            return "nothing" if engine.fail(lease, told) else "advance"
        except engine.LeaseLost:
            return "nothing"
