"""What `tasks` refuses, as problem documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clusters.api.problems import Problem, field_error
from clusters.models import Cluster
from tasks.models import ACTIVE, Operation
from tasks.plan import PlanError
from tasks.services import Busy, LimitReached, NotRetryable


@contextmanager
def as_problems() -> Iterator[None]:
    """Turns what the services refuse into `Problem`."""
    try:
        yield
    except PlanError as error:
        field = error.field or "params"
        own = field in ("kind", "params", "from_step") or field.startswith("secrets.")
        where = field if own else f"params.{field}"
        raise Problem(
            "invalid", str(error), hint=error.fix, errors=[field_error(where, str(error), error.fix)]
        ) from error
    except Busy as error:
        raise busy(error.operation) from error
    except LimitReached as error:
        hint = "Wait for one of them to end, or cancel one."
        raise Problem("limit-reached", error.message, hint=hint, limit=error.limit) from error
    except NotRetryable as error:
        raise Problem("conflict", str(error), hint="Start a new operation instead.") from error


def busy(operation: Operation | None) -> Problem:
    """The refusal because of another operation."""
    if operation is None:
        return Problem("busy", "Another operation of this cluster was under way.", hint="Try again.", operation=None)
    why = "Backups and what replaces etcd or stops its members exclude one another. " if operation.holds_etcd else ""
    return Problem(
        "busy",
        f"The {operation.kind} of this cluster is {operation.state}.",
        hint=f"{why}Wait for operation {operation.pk}, or cancel it.",
        operation=str(operation.pk),
    )


def refuse_while_active(cluster: Cluster, *, mutating_only: bool) -> None:
    """Lock the cluster for the transaction and refuse while an operation is under way. Raises `Problem`.

    The lock holds up the start of an operation, which refers to the cluster's row.
    """
    Cluster.objects.select_for_update().only("pk").get(pk=cluster.pk)
    under_way = Operation.objects.filter(cluster=cluster, state__in=ACTIVE)
    if mutating_only:
        under_way = under_way.filter(mutating=True)
    if (operation := under_way.order_by("-mutating").first()) is not None:
        raise busy(operation)
