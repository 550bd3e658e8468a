"""The attendants of one slice, and the threads in which they wait for their hosts.

A job that is watched needs no thread; only reaching a host, and ending or removing a job there, does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from functools import partial
from typing import TypeVar

from tasks.driver import attendant as attendants
from tasks.driver.attendant import Attendant
from tasks.models import HostJob

T = TypeVar("T")
REMOVAL_SECONDS = 5.0  # what has not been removed by then is cleared later


class Crew:
    """`stop` tells those who wait for hosts that the slice ends; `news` is set when there may be something to hear."""

    def __init__(self, stop: threading.Event, news: threading.Event) -> None:
        self._stop, self._news = stop, news
        self._at: dict[HostJob, Attendant] = {}
        self._acts: dict[HostJob, Future[None]] = {}
        self._ended: dict[HostJob, Attendant] = {}
        self._asked: dict[HostJob, Attendant] = {}
        self._removals: dict[HostJob, Future[bool]] = {}

    @property
    def busy(self) -> set[HostJob]:
        """The jobs that somebody attends to."""
        return set(self._at)

    def send(self, one: Attendant) -> None:
        """Attend to its job."""
        self._at[one.job] = one
        self._act(one)

    def hear(self) -> None:
        """Pass on what has come, without waiting. Raises what went wrong in the service itself."""
        for job, one in list(self._at.items()):
            if act := self._acts.get(job):
                if not act.done():
                    continue
                del self._acts[job]
                act.result()
            one.hear()
            if one.ended:
                self._ended[job] = self._at.pop(job)
            elif one.must_wait and not self._stop.is_set():
                self._act(one)
            elif one.must_wait or not one.watching:
                one.leave()
                del self._at[job]

    def wait_for(self, job: HostJob, seconds: float) -> None:
        """Until nobody is about to start the job, at most so long."""
        if act := self._acts.get(job):
            wait([act], seconds)

    def leave(self) -> None:
        """Attend to nothing any more; who waits for a host is waited for. What they have learnt has been passed on."""
        self._stop.set()
        wait(self._acts.values())
        for one in (*self._at.values(), *self._ended.values(), *self._asked.values()):
            one.leave()
        # Attendants know their slice, which knows this crew: who lets go frees them at once.
        for known in (self._at, self._acts, self._ended, self._asked, self._removals):
            known.clear()

    def remove(self, jobs: Iterable[HostJob], *, sudo: bool) -> None:
        """Have these ended jobs' directories deleted."""
        for job in jobs:
            one = self._ended.pop(job, None)
            if one is not None and one.remove():
                self._asked[job] = one
            else:
                self._removals[job] = self._thread(partial(attendants.remove, job, sudo=sudo))

    def removed(self) -> list[HostJob]:
        """The jobs of which nothing is left on their hosts. Waits a little for those that are being removed."""
        end = time.monotonic() + REMOVAL_SECONDS
        while (left := end - time.monotonic()) > 0:
            for one in self._asked.values():
                one.hear()
            if not any(one.watching for one in self._asked.values()):
                break
            self._news.wait(left)
            self._news.clear()
        wait(self._removals.values(), max(0.0, end - time.monotonic()))
        # Without an exit code some of its processes may have outlived it.
        done = [job for job, one in self._asked.items() if one.removed and job.exit_code is not None]
        return done + [job for job, future in self._removals.items() if future.done() and future.result()]

    def _act(self, one: Attendant) -> None:
        self._acts[one.job] = self._thread(one.attend)

    def _thread(self, do: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(do())
            except BaseException as error:
                future.set_exception(error)
            self._news.set()

        threading.Thread(target=run, name="host", daemon=True).start()
        return future
