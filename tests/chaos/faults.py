"""Faults at random, from a seed: what is done next, to whom, and after how long."""

from __future__ import annotations

import random
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection

from lab.hosts import Lab
from sanqian_service.embedded import Embedded
from tasks import jobs, services
from tasks.models import ACTIVE, Operation, OperationState, Step, StepState
from tests.chaos.disks import FILLER, small_disks
from tests.workers import Fleet

WORKERS = 3
PAUSES = (1.0, 3.0)  # seconds between two faults
CUT = (2.0, 6.0)  # seconds for which a host stays cut
HALF_OPEN = (18.0, 25.0)  # seconds: longer than it takes to notice that nothing comes back
BROKER_AWAY = (0.0, 2.0)  # seconds
BROKER_LONG_AWAY = (8.0, 20.0)  # seconds
FULL = (3.0, 8.0)  # seconds for which a host's disk is full
RECONNECT_SECONDS = 12.0  # in which workers find the broker again
RETRYABLE = (OperationState.FAILED, OperationState.CANCELLED)
DOUBLING = ("-I", "tests.tasks.doubling")  # a worker that sends each of its messages twice
# Rarer ones come once a round, the others twice: each round holds every kind.
EVERY_ROUND = ["worker stopped", "worker paused", "broker emptied", "host rebooted", "cancelled", "retried"]
EVERY_ROUND += ["database restarted", "database crashed", "broker away", "host half-open", "disk full"]
EVERY_ROUND += ["worker killed", "messages doubled", "host cut", "sessions killed"] * 2


@dataclass
class TakeOver:
    """A step whose driver was killed at `at` (monotonic), and how long it took until another one drove it."""

    step: int
    epoch: int
    at: float
    seconds: float | None = None


@dataclass
class Chaos:
    """Does a fault whenever one is due. `mends` are what is to be healed, and when (monotonic)."""

    lab: Lab
    fleet: Fleet
    broker: Embedded
    database: Embedded
    dice: random.Random
    pause: float  # seconds for which a worker stands still: longer than a lease
    done: Counter[str] = field(default_factory=Counter)
    cancelled: set[uuid.UUID] = field(default_factory=set)
    take_overs: list[TakeOver] = field(default_factory=list)
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _mends: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _round: list[str] = field(default_factory=list)
    _next: float = 0.0
    _broker_is_away: bool = False

    def begin(self) -> None:
        self.fleet.beat()
        for _ in range(WORKERS):
            self._new_worker()

    def turn(self) -> None:
        """Do what is due now."""
        self.watch()
        now = time.monotonic()
        due = [mend for at, mend in self._mends if at <= now]
        self._mends = [(at, mend) for at, mend in self._mends if at > now]
        for mend in due:
            mend()
        if now >= self._next:
            if not self._round:
                self._round = self.dice.sample(EVERY_ROUND, len(EVERY_ROUND))
            kind = self._round.pop()
            self.done[kind] += FAULTS[kind](self) is not False
            self._next = time.monotonic() + self.dice.uniform(*PAUSES)

    def end(self) -> None:
        """Heal everything."""
        for _, mend in self._mends:
            mend()
        self._mends = []
        for host in self.lab.hosts:
            self.lab.heal(host.name)
        self.lab.up()

    def watch(self) -> None:
        """Note which steps of killed workers are driven again."""
        open_ones = {taken.step: taken for taken in self.take_overs if taken.seconds is None}
        for pk, epoch, state in Step.objects.filter(pk__in=open_ones).values_list("pk", "lease_epoch", "state"):
            if epoch > open_ones[pk].epoch or state != StepState.RUNNING:
                open_ones[pk].seconds = time.monotonic() - open_ones[pk].at

    def _new_worker(self) -> None:
        self._workers.append(self.fleet.worker(16, *(DOUBLING if self.dice.random() < 0.5 else ())))

    def _any_worker(self) -> subprocess.Popen[bytes]:
        """The one that has lived longest, so that it is not killed before it has begun."""
        return self._workers.pop(0)

    def kill_worker(self) -> None:
        worker = self._any_worker()
        worker.kill()
        worker.wait()
        held = Step.objects.filter(
            state=StepState.RUNNING, lease_until__isnull=False, lease_owner__contains=f":{worker.pid}:"
        )
        now = time.monotonic()
        if not self._broker_is_away:
            self.take_overs += [TakeOver(pk, epoch, now) for pk, epoch in held.values_list("pk", "lease_epoch")]
        self._new_worker()

    def stop_worker(self) -> None:
        self._any_worker().send_signal(signal.SIGTERM)
        self._new_worker()

    def pause_worker(self) -> None:
        """It wakes when its steps are driven by others."""
        worker = self._any_worker()
        worker.send_signal(signal.SIGSTOP)
        self._new_worker()

        def wake() -> None:
            worker.send_signal(signal.SIGCONT)
            self._workers.append(worker)

        self._mends.append((time.monotonic() + self.pause, wake))

    def empty_broker(self) -> bool:
        if self._broker_is_away:
            return False
        self.broker.stop_valkey()
        time.sleep(self.dice.uniform(*BROKER_AWAY))
        self.broker.start_valkey()
        return True

    def take_broker_away(self) -> bool:
        """Who was killed before that is taken over when it is back, however long that is."""
        if self._broker_is_away:
            return False
        self._broker_is_away = True
        self.take_overs = [taken for taken in self.take_overs if taken.seconds is not None]
        self.broker.stop_valkey()
        back = time.monotonic() + self.dice.uniform(*BROKER_LONG_AWAY)
        self._mends += [(back, self.broker.start_valkey), (back + RECONNECT_SECONDS, self._broker_is_back)]
        return True

    def _broker_is_back(self) -> None:
        self._broker_is_away = False

    def restart_database(self) -> None:
        self._restart_database("fast")

    def crash_database(self) -> None:
        self._restart_database("immediate")

    def _restart_database(self, mode: str) -> None:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        self.database.stop_postgres(mode)
        self.database.start_postgres()

    def fill_disk(self) -> None:
        name = self.dice.choice(small_disks(self.lab))
        self.lab.exec(name, ["sh", "-c", f"cat /dev/zero > {FILLER}"])
        end = time.monotonic() + self.dice.uniform(*FULL)
        self._mends.append((end, lambda: _make_room(self.lab, name)))

    def double_messages(self) -> None:
        steps = Step.objects.filter(operation__state__in=ACTIVE, state__in=[StepState.READY, StepState.RUNNING])
        messages = [(jobs.drive, pk) for pk in steps.values_list("pk", flat=True)] * 2
        going = Operation.objects.filter(state__in=ACTIVE).values_list("pk", flat=True)
        messages += [(jobs.advance, str(pk)) for pk in going] * 2
        self.dice.shuffle(messages)
        for task, argument in messages:
            jobs.send(task, argument)

    def cut_host(self) -> None:
        self._cut_for(self.dice.uniform(*CUT))

    def leave_half_open(self) -> None:
        self._cut_for(self.dice.uniform(*HALF_OPEN))

    def _cut_for(self, seconds: float) -> None:
        name = self._any_host()
        self.lab.cut(name)
        self._mends.append((time.monotonic() + seconds, lambda: self.lab.heal(name)))

    def kill_sessions(self) -> None:
        self.lab.exec(self._any_host(), ["pkill", "-KILL", "-f", "^sshd: [a-z]+( |@)"])

    def reboot_host(self) -> None:
        self.lab.reboot(self._any_host())

    def cancel(self) -> bool:
        if found := list(Operation.objects.filter(state=OperationState.RUNNING).order_by("created_at")):
            chosen = self.dice.choice(found)
            self.cancelled.add(chosen.pk)
            services.request_cancel(chosen, actor="chaos")
        return bool(found)

    def retry(self) -> bool:
        """Retry all that can be."""
        ended = list(Operation.objects.filter(state__in=RETRYABLE).order_by("created_at"))
        for operation in ended:
            services.request_retry(operation, actor="chaos")
        return bool(ended)

    def _any_host(self) -> str:
        return self.dice.choice(self.lab.hosts).name


def _make_room(lab: Lab, name: str) -> None:
    lab.exec(name, ["rm", "-f", FILLER], check=True)


FAULTS: dict[str, Callable[[Chaos], bool | None]] = {
    "worker killed": Chaos.kill_worker,
    "worker stopped": Chaos.stop_worker,
    "worker paused": Chaos.pause_worker,
    "broker emptied": Chaos.empty_broker,
    "broker away": Chaos.take_broker_away,
    "database restarted": Chaos.restart_database,
    "database crashed": Chaos.crash_database,
    "messages doubled": Chaos.double_messages,
    "host cut": Chaos.cut_host,
    "host half-open": Chaos.leave_half_open,
    "disk full": Chaos.fill_disk,
    "sessions killed": Chaos.kill_sessions,
    "host rebooted": Chaos.reboot_host,
    "cancelled": Chaos.cancel,
    "retried": Chaos.retry,
}
