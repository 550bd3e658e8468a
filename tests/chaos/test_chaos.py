"""Operations on the lab's hosts while every few seconds something breaks: nothing is lost, and everything ends."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

import pytest
from django.db.models.functions import Now

from clusters.models import AccessKey
from lab.hosts import Lab
from sanqian_service.embedded import Embedded
from tasks import jobs
from tasks.models import ACTIVE, HostJob, Operation
from tests.chaos import checks
from tests.chaos.conftest import Size
from tests.chaos.faults import Chaos
from tests.chaos.load import Load
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab, pytest.mark.timeout(1200)]
TAKE_OVER_SECONDS = 30.0
END_SECONDS = 120.0


def test_everything_ends_and_nothing_is_lost(
    size: Size, chaos_lab: Lab, access_key: AccessKey, broker: Embedded, database: Embedded, workers: Fleet
) -> None:
    what = f"{size.operations} operations at once, {size.seconds:.0f} s of faults"
    sys.stdout.write(f"\nSANQIAN_CHAOS_SEED={size.seed}: {what}\n")
    dice = random.Random(size.seed)
    load = Load(chaos_lab, access_key, dice, rounds=size.rounds)
    chaos = Chaos(chaos_lab, workers, broker, database, random.Random(size.seed), size.pause)
    chaos.begin()
    load.begin(size.operations)
    until(lambda: HostJob.objects.exclude(boot_id="").exists(), what="the first job starts")
    try:
        over = time.monotonic() + size.seconds
        while time.monotonic() < over:
            chaos.turn()
            load.go_on()
            time.sleep(0.1)
    finally:
        chaos.end()
    since = time.monotonic()

    def ended() -> bool:
        chaos.watch()
        return not Operation.objects.filter(state__in=ACTIVE).exists()

    try:
        until(ended, END_SECONDS, "all operations end")
    finally:
        _report(size, chaos, load, time.monotonic() - since)
    wrong = checks.wrong(
        checks.all_ends(load, chaos.cancelled),
        checks.nothing_stuck(),
        checks.logs(load),
        checks.numbers(load),
        checks.effects(load),
        (f"a step was taken over after {taken.seconds} s" for taken in chaos.take_overs if not _in_time(taken.seconds)),
    )
    assert not wrong, "\n".join([f"SANQIAN_CHAOS_SEED={size.seed}", *wrong, workers.log()[-8000:]])
    # As if their time had come: what could not be removed when a job ended.
    HostJob.objects.filter(not_before__isnull=False).update(not_before=Now())
    jobs.clear_hosts()
    left = checks.wrong(checks.hosts_are_clean(chaos_lab))
    assert not left, "\n".join([f"SANQIAN_CHAOS_SEED={size.seed}", *left, workers.log()[-8000:]])


def _in_time(seconds: float | None) -> bool:
    return seconds is not None and seconds <= TAKE_OVER_SECONDS


def _report(size: Size, chaos: Chaos, load: Load, drained: float) -> None:
    """A table of what happened."""
    operations = load.operations()
    ends = Counter(operation.state for operation in operations)
    reasons = Counter(f"failed: {op.error.get('kind')}" for op in operations if op.state == "failed")
    states = Counter(f"jobs {state}" for state in HostJob.objects.values_list("state", flat=True))
    rows = [*sorted(chaos.done.items()), ("operations in all", len(operations))]
    rows += [*sorted(ends.items()), *sorted(reasons.items()), *sorted(states.items())]
    text = "".join(f"  {name:<24} {count:>5}\n" for name, count in rows)
    if taken := sorted(take.seconds for take in chaos.take_overs if take.seconds is not None):
        text += f"  steps of killed workers taken over: {len(taken)}, after {taken[len(taken) // 2]:.1f} s (median), "
        text += f"{taken[-1]:.1f} s (most)\n"
    sys.stdout.write(f"{text}  all had ended {drained:.1f} s after the last fault (seed {size.seed})\n")
