"""The plan of an upgrade."""

from __future__ import annotations

import pytest

from tasks.plan import Action, PlanError
from tasks.plans import make
from tests.tasks.plans.sites import cluster


def test_a_snapshot_comes_before_anything_is_changed() -> None:
    plan = make("upgrade", cluster(kubernetes_version="v1.24.3"), {"version": "v1.25.3", "confirm": "demo"})
    keys = [step.key for step in plan.steps]
    assert keys == [
        *("upgrade-check", "snapshot", "record-backups", "configuration", "upgrade", "kubeconfig", "record-version"),
    ]
    assert [step.after for step in plan.steps] == [(), *((key,) for key in keys[:-1])]
    written = plan.steps[3].do
    assert isinstance(written, Action) and written.args["kubernetes_version"] == "v1.25.3"
    assert plan.mutating


@pytest.mark.parametrize("version", ["v1.24.3", "v1.24.9", "v1.25.0"])
def test_versions_that_may_follow(version: str) -> None:
    make("upgrade", cluster(kubernetes_version="v1.24.3"), {"version": version, "confirm": "demo"})


@pytest.mark.parametrize(
    ("params", "present", "field", "says"),
    [
        ({"version": "v1.24.2"}, "v1.24.3", "version", "newer than"),
        ({"version": "v1.26.0"}, "v1.24.3", "version", "skips a minor version"),
        ({"version": "v2.0.0"}, "v1.24.3", "version", "skips a minor version"),
        ({"version": "1.25"}, "v1.24.3", "version", "not usable"),
        ({"version": "v1.25.0"}, "latest", "version", "none that an upgrade can begin from"),
        ({}, "v1.24.3", "version", "not said"),
        ({"version": "v1.25.0", "confirm": "demp"}, "v1.24.3", "confirm", "not confirmed"),
        ({"version": "v1.25.0", "confirm": None}, "v1.24.3", "confirm", "not confirmed"),
    ],
)
def test_what_is_refused(params: dict[str, str | None], present: str, field: str, says: str) -> None:
    with pytest.raises(PlanError, match=says) as caught:
        make("upgrade", cluster(kubernetes_version=present), {"confirm": "demo", **params})
    assert caught.value.field == field
