"""The thread that calls every controller whenever something changed or something is due."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

from lab.toolchain.apiserver.kinds import Kinds
from lab.toolchain.apiserver.rest import Rest
from lab.toolchain.apiserver.store import Store
from lab.toolchain.controllers import housekeeping, operators, pods, scheduler, workloads
from lab.toolchain.controllers.world import World

CONTROLLERS: tuple[Callable[[World], None], ...] = (
    operators.reconcile,
    workloads.reconcile,
    scheduler.reconcile,
    pods.reconcile,
    housekeeping.reconcile,
)
IDLE = 30.0
# heartbeats and events are written all the time and no controller follows from them
IGNORED = {("coordination.k8s.io", "leases"), ("", "events")}


class Loop(threading.Thread):
    def __init__(self, store: Store, registry: str = "") -> None:
        super().__init__(name="controllers", daemon=True)
        self.store = store
        self.world = World(store, Kinds(store), Rest(store), registry)
        self.ending = threading.Event()

    def run(self) -> None:
        seen = 0
        while not self.ending.is_set():
            with self.store.lock:
                while not self._changed(seen) and time.monotonic() < self.world.due and not self.ending.is_set():
                    self.store.changed.wait(min(max(self.world.due - time.monotonic(), 0.001), 0.5))
                seen = self.store.version
            self.round()

    def _changed(self, seen: int) -> bool:
        for event in reversed(self.store.history):
            if event.version <= seen:
                return False
            if (event.key.group, event.key.plural) not in IGNORED:
                return True
        return seen == 0

    def round(self) -> None:
        """Call each controller once; one that fails is reported and does not hold up the others."""
        self.world.due = time.monotonic() + IDLE
        for controller in CONTROLLERS:
            self.world.refresh()
            try:
                controller(self.world)
            except Exception:
                traceback.print_exc()
                self.world.due = min(self.world.due, time.monotonic() + 1)

    def stop(self) -> None:
        self.ending.set()
        with self.store.lock:
            self.store.changed.notify_all()
