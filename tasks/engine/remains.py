"""What ended jobs may have left on their hosts: a directory, and processes that a cancel did not reach.

An ended job's `not_before` says when its host is to be cleared of it; without one nothing of it is left there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from tasks.database import patient
from tasks.models import JOB_LIVE, HostJob

# A driver that lost its lease may still start the job for a while; what is left there keeps it from that (seconds).
KEEP_SECONDS = 60
GIVE_UP = timedelta(days=30)
BATCH = 200


@patient
def remains() -> list[UUID]:
    """Jobs whose hosts are to be cleared of them now. Whoever gets one has it alone for a while.

    A host that stays away is asked ever more rarely, and after `GIVE_UP` no more.
    """
    with transaction.atomic():
        ended = HostJob.objects.exclude(state__in=JOB_LIVE).filter(not_before__lte=Now()).annotate(_now=Now())
        due = list(ended.order_by("not_before").select_for_update(skip_locked=True, no_key=True)[:BATCH])
        for job in due:
            age = job._now - (job.finished_at or job._now)
            wait = max(timedelta(seconds=KEEP_SECONDS), age)
            job.not_before = None if job.node_id is None or age > GIVE_UP else job._now + wait
        HostJob.objects.bulk_update(due, ["not_before"])
    return [job.pk for job in due if job.not_before]


@patient
def removed(jobs: Iterable[UUID]) -> None:
    """Nothing of these ended jobs is left on their hosts."""
    HostJob.objects.filter(pk__in=list(jobs)).exclude(state__in=JOB_LIVE).update(not_before=None)
