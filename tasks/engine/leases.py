"""Leases that one process holds, looked at and held on together: one statement each, however many they are."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import connection

from tasks.database import patient
from tasks.engine.steps import Lease
from tasks.models import OperationState, Step, StepState

# A row that a transition holds just now is left out: waiting for several rows at once could end in a deadlock.
_RENEW = """
UPDATE tasks_step SET lease_until = statement_timestamp() + %s * interval '1 second'
WHERE id IN (
    SELECT id FROM tasks_step JOIN unnest(%s::bigint[], %s::bigint[]) AS held (step, epoch)
        ON id = held.step AND lease_epoch = held.epoch
    WHERE state = %s AND lease_until IS NOT NULL
    FOR NO KEY UPDATE OF tasks_step SKIP LOCKED
)
RETURNING id
"""


@patient
def renew(leases: Sequence[Lease]) -> set[int]:
    """Hold these leases on: the steps for which that was done. The others are lost, or in a transition just now."""
    steps, epochs = [lease.step.pk for lease in leases], [lease.epoch for lease in leases]
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [settings.LEASE_SECONDS, steps, epochs, StepState.RUNNING])
        return {pk for (pk,) in cursor.fetchall()}


@patient
def held(leases: Sequence[Lease]) -> dict[int, bool]:
    """The steps whose lease is still this one, and whether their operation is being cancelled."""
    epochs = {lease.step.pk: lease.epoch for lease in leases}
    rows = Step.objects.filter(pk__in=epochs, lease_until__isnull=False, state=StepState.RUNNING).order_by()
    found = rows.values_list("pk", "lease_epoch", "operation__state")
    return {pk: state == OperationState.CANCELLING for pk, epoch, state in found if epoch == epochs[pk]}
