"""Holds on to the leases of all slices of this process, and hears for them whether they are to be cancelled.

One thread asks once a second for all of them; a slice of its own would ask as often as there are slices.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from tasks import engine
from tasks.database import release
from tasks.engine import Lease

log = logging.getLogger(__name__)
ASK_SECONDS = 1.0


class Hold:
    """One slice's lease. `cancelling`: its operation is; `lost`: somebody else has the step.

    `news` is set when either comes true, or when `stop` is set: nobody need look for that again and again.
    """

    def __init__(self, lease: Lease, claimed: float, stop: threading.Event) -> None:
        self.lease = lease
        self.news = threading.Event()
        self._stop = stop
        self.cancelling = lease.cancelling
        self.lost = False
        self.renewed(claimed)

    @property
    def sure(self) -> bool:
        """Whether the lease cannot have run out, also where this process stood still."""
        return not self.lost and time.monotonic() < self._sure_until

    def tell(self) -> None:
        if self.cancelling or self.lost or self._stop.is_set():
            self.news.set()

    def renewed(self, at: float) -> None:
        """It lasts from `at` (monotonic) on."""
        self._sure_until = at + settings.LEASE_SECONDS
        self.renew_at = at + settings.LEASE_SECONDS / 4


class _Holder:
    """The thread runs while there is something to hold.

    It keeps its database connection: in the queue for one, behind hundreds of slices, it would come too late.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holds: set[Hold] = set()
        self._thread: threading.Thread | None = None

    def add(self, hold: Hold) -> None:
        with self._lock:
            self._holds.add(hold)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()

    def remove(self, hold: Hold) -> None:
        with self._lock:
            self._holds.discard(hold)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(min(ASK_SECONDS, settings.LEASE_SECONDS / 4)):
            with self._lock:
                holds = list(self._holds)
                if not holds:
                    self._thread = None
                    release()
                    return
            try:
                self._ask(holds)
            except Exception:
                # Each slice hears it from its own next statement; what cannot be held runs out.
                log.exception("leases cannot be held just now")
                release()
            finally:
                for hold in holds:
                    hold.tell()

    def _ask(self, holds: list[Hold]) -> None:
        began = time.monotonic()
        told = engine.held([hold.lease for hold in holds])
        for hold in holds:
            if (cancelling := told.get(hold.lease.step.pk)) is None:
                hold.lost = True
            elif cancelling and not hold.cancelling:
                # A cancel leaves the lease only so long that its holder can take it up again.
                hold.cancelling, hold.renew_at = True, began
        if due := [hold for hold in holds if not hold.lost and hold.renew_at <= began]:
            renewed = engine.renew([hold.lease for hold in due])
            for hold in due:
                if hold.lease.step.pk in renewed:
                    hold.renewed(began)


_holder = _Holder()


@contextmanager
def holding(lease: Lease, claimed: float, stop: threading.Event) -> Iterator[Hold]:
    """Hold the lease for the length of the block; `claimed` is the monotonic time just before it was claimed."""
    hold = Hold(lease, claimed, stop)
    _holder.add(hold)
    try:
        yield hold
    finally:
        _holder.remove(hold)
