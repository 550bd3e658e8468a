"""The plan of a rollback."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.plan import PlanError
from tasks.plans import make
from tests.tasks.plans.sites import cluster

GOOD: dict[str, Any] = {"component": "kruise", "revision": 2, "confirm": "demo"}


def test_the_release_goes_back_and_is_verified() -> None:
    rollback, verify = make("rollback", cluster(), GOOD).steps
    assert rollback.hosts == ("master1",)
    assert verify.after == ("rollback",)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"component": "kruse"}, "component"),
        ({"component": "volcano-development"}, "component"),
        ({"revision": None}, "revision"),
        ({"confirm": "other"}, "confirm"),
    ],
)
def test_what_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(PlanError) as caught:
        make("rollback", cluster(), {**GOOD, **change})
    assert caught.value.field == field
