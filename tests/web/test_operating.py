"""An operator at an operation's page: cancels, retries, retries from a step, skips one; a viewer may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from clusters.models import Cluster
from tasks.models import AuditEvent, HostJob
from tests.tasks.conftest import plan, step
from tests.tasks.driven import finish, start
from tests.web.conftest import PHONE, Visitor
from tests.workers import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
ACTIONS = "form[data-action], [data-retry-from], [data-skip]"


def state_of(page: Page) -> Locator:
    return page.locator(".live-summary [data-value=state]")


def confirm(page: Page, verb: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=verb).click()


def test_an_operation_is_cancelled_retried_and_a_step_of_it_skipped(
    cluster: Cluster, fleet: Fleet, operator: User, viewer: User, visitor: Callable[..., Visitor], tmp_path: Path
) -> None:
    fleet.worker()
    fleet.beat()
    hang = f"echo hanging; test -e {tmp_path}/go || sleep 600"
    what = plan(
        step("first", f"echo x >> {tmp_path}/first"),
        step("hang", hang, "host1", "host2", after=("first",)),
        step("beside", "true", after=("first",)),
        step("refuse", "echo 'error: no room'; exit 1", after=("hang", "beside")),
        step("last", "true", after=("refuse",)),
    )
    operation = start(cluster, what)
    address = reverse("admin:tasks_operation_change", args=[operation.pk])
    who = visitor()
    page = who.log_in_as_operator(operator.username)
    page.goto(address)
    state, dialog = state_of(page), page.get_by_role("dialog")
    expect(page.locator("[data-log]")).to_contain_text("hanging")
    expect(page.locator("form[data-action=retry]")).to_be_hidden()
    # What runs side by side stands together, and what waits says for what.
    expect(page.locator(".live-stage .live-step")).to_have_count(2)
    expect(page.locator(".live-stage [data-value=done]")).to_have_text("1 / 2")
    expect(page.locator("[data-step=refuse]")).to_contain_text("waits for: hang")
    expect(page.locator(".live-now button")).to_have_text(["hang"])
    who.picture("admin-operation")
    who.is_accessible()

    page.get_by_role("button", name="Cancel the operation").click()
    expect(dialog).to_contain_text("ended on all hosts")
    who.picture("admin-confirm")
    confirm(page, "Leave it as it is")
    expect(state).to_have_text("running")
    page.get_by_role("button", name="Cancel the operation").click()
    confirm(page, "Cancel the operation")
    expect(state).to_have_text("cancelled")
    assert finish(operation, fleet) == "cancelled"
    assert set(HostJob.objects.filter(step__key="hang").values_list("state", flat=True)) == {"cancelled"}

    (tmp_path / "go").touch()
    page.locator("form[data-action=retry] button").click()
    confirm(page, "Retry")
    expect(state).to_have_text("failed")
    expect(page.locator(".live-head > .live-error")).to_contain_text("no room")
    expect(page.locator("[data-value=attempt]").first).to_have_text("2")
    assert (tmp_path / "first").read_text() == "x\n"
    looks_on_only(visitor(), viewer, address)

    # From a step on it is all done again, what had succeeded as well.
    page.locator("[data-step=first] [data-retry-from]").click()
    expect(dialog).to_contain_text("first")
    confirm(page, "Retry")
    expect(page.locator("[data-value=attempt]").first).to_have_text("3")
    expect(state).to_have_text("failed")
    assert (tmp_path / "first").read_text() == "x\nx\n"

    page.locator("[data-step=refuse] [data-skip]").click()
    confirm(page, "Skip the step")
    expect(dialog).to_be_visible()  # without a reason nothing is skipped
    dialog.get_by_label("Reason").fill("there is room elsewhere")
    confirm(page, "Skip the step")
    expect(state).to_have_text("succeeded")
    expect(page.locator("[data-step=refuse] > .live-step-head [data-value=state]")).to_have_text("skipped")
    assert finish(operation, fleet) == "succeeded"
    asked = AuditEvent.objects.filter(actor="operator op").order_by("id").values_list("action", "detail")
    assert [action for action, _ in asked] == [f"operation.{verb}" for verb in ("cancel", "retry", "retry", "skip")]
    assert asked[3][1] == {"step": "refuse", "reason": "there is room elsewhere"}
    page.set_viewport_size(PHONE)
    who.picture("admin-operation-phone")
    who.is_accessible()


def looks_on_only(who: Visitor, viewer: User, address: str) -> None:
    """A viewer sees the operation, has no button, and is refused where the buttons would lead."""
    page = who.log_in_as_operator(viewer.username)
    page.goto(address)
    expect(state_of(page)).to_have_text("failed")
    expect(page.locator("[data-step=refuse] .live-error")).to_contain_text("no room")
    assert page.locator(ACTIONS).evaluate_all("found => found.filter((one) => one.offsetParent).length") == 0
    token = {"X-CSRFToken": next(one["value"] for one in who.context.cookies() if one["name"] == "csrftoken")}
    for verb in ("cancel", "retry", "skip"):
        target = address.replace("/change/", f"/{verb}/")
        assert who.context.request.post(target, headers=token, form={"step": "refuse"}).status == 403, verb
