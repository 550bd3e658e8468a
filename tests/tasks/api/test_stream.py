"""The events of an operation's stream are those that the schema describes."""

from __future__ import annotations

import pytest

from tasks import engine
from tasks.engine.change import changing
from tasks.models import Event, HostJob
from tasks.plan import Action, Plan, StepSpec
from tests.api import Api, register
from tests.conformance import assert_streamed

pytestmark = pytest.mark.integration


def test_what_the_engine_tells_is_what_the_schema_says(api: Api) -> None:
    plan = Plan("check", (StepSpec("read", "Read", Action("check-health")),), mutating=False)
    operation = engine.create(register(api), plan, {})
    step = operation.steps.get()
    failure = {"step": "read", "host": "service", "kind": "exit-code", "message": "It failed.", "fix": "Look."}
    for error in ({}, failure):
        job = HostJob(step=step, host="service", error=error, exit_code=1 if error else None)
        step.error = error
        with changing(operation.pk) as change:
            assert change is not None
            change.operation.error = error
            change.operation_event()
            change.step_event(step)
            change.job_event(step, job)
    told = Event.objects.filter(operation=operation).values_list("kind", "data")
    assert {kind for kind, _ in told} == {"operation", "step", "job"}
    for kind, data in told:
        assert_streamed(kind, data)
    for state in ("succeeded", "deleted"):
        assert_streamed("end", {"state": state})
    with pytest.raises(AssertionError, match="end is not as"):
        assert_streamed("end", {"state": "running"})
