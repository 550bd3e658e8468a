"""What must not run beside what: the database refuses it, by partial unique constraints of `Operation`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError

from clusters.models import Cluster
from tasks.models import ACTIVE, Operation

# What one operation at a time of a cluster may be, and the constraint that holds it.
ALONE = {"mutating": "one_mutating_operation_a_cluster", "holds_etcd": "one_operation_holds_etcd_of_a_cluster"}


class Busy(Exception):
    """An operation of the cluster is under way that this one must not run beside."""

    def __init__(self, operation: Operation | None) -> None:
        super().__init__(
            f"The {operation.kind} of this cluster is {operation.state} (operation {operation.pk})."
            if operation
            else "Another operation of this cluster was under way."
        )
        self.operation = operation


@contextmanager
def one_at_a_time(cluster: Cluster) -> Iterator[None]:
    """Turns the database's refusal of a second operation of the kinds of `ALONE` into `Busy`, around a transaction."""
    try:
        yield
    except IntegrityError as error:
        for field, constraint in ALONE.items():
            if constraint in str(error):
                others = Operation.objects.filter(cluster=cluster, state__in=ACTIVE, **{field: True})
                raise Busy(others.first()) from error
        raise
