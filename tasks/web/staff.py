"""Operations live for operators: those who may see operations in the admin."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from clusters.api.base import as_uuid
from clusters.api.problems import Problem, not_found
from clusters.models import Cluster
from tasks.models import Operation
from tasks.web.live import Live, Sight

MAY = "tasks.view_operation"
EVERY = 2.0  # seconds between two looks whether a session that watches is still good


def admit(request: HttpRequest, ident: str) -> Sight:
    """Any operation, for staff with the right to view operations. Raises `Problem`."""
    user = request.user
    if not (user.is_authenticated and user.is_active and user.is_staff):
        raise Problem("not-authenticated", "Nobody is logged in.", hint="Log in to the admin.")
    if not user.has_perm(MAY):
        raise Problem("forbidden", "You may not see operations.", hint="Ask for the right to view operations.")
    secrets = (f"cluster__{name}" for name in (*Cluster.SECRETS, "inventory_extra"))
    operation = (
        Operation.objects.select_related("cluster").defer(*secrets).filter(pk=as_uuid(ident, "operation")).first()
    )
    if operation is None:
        raise not_found("operation")
    session, pk = request.session, user.pk

    def still() -> bool:
        if not session.exists(session.session_key or ""):
            return False
        now = get_user_model().objects.filter(pk=pk, is_active=True, is_staff=True).first()
        return now is not None and now.has_perm(MAY)

    return Sight(operation, at_intervals(still))


def at_intervals(ask: Callable[[], bool], every: float = EVERY) -> Callable[[], bool]:
    """`ask`, whose answer is taken for true for `every` seconds; once false, it stays false."""
    answer, asked = True, time.monotonic()

    def still() -> bool:
        nonlocal answer, asked
        if answer and time.monotonic() - asked >= every:
            answer, asked = ask(), time.monotonic()
        return answer

    return still


live = Live("staff-live", admit)
