"""An operator at the admin's operation page: cancels one, retries it, retries it from a step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from clusters.models import Cluster
from tasks.models import AuditEvent, HostJob
from tests.tasks.conftest import plan, step
from tests.tasks.driven import finish, start
from tests.web.conftest import PHONE, Visitor
from tests.workers import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_an_operation_is_cancelled_and_retried(
    cluster: Cluster, fleet: Fleet, operator: User, visitor: Callable[..., Visitor], tmp_path: Path
) -> None:
    fleet.worker()
    fleet.beat()
    hang = f"echo hanging; test -e {tmp_path}/go || sleep 600"
    what = plan(step("first", f"echo x >> {tmp_path}/first"), step("hang", hang, "host1", "host2", after=("first",)))
    operation = start(cluster, what)
    who = visitor()
    page = who.log_in_as_operator(operator.username)
    page.goto(reverse("admin:tasks_operation_change", args=[operation.pk]))
    state = page.locator(".live-summary [data-value=state]")
    expect(page.locator("[data-log]")).to_contain_text("hanging")
    expect(page.locator("form[data-action=retry]")).to_be_hidden()
    who.picture("admin-operation")
    who.is_accessible()

    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Cancel the operation").click()
    expect(dialog).to_contain_text("ended on all hosts")
    who.picture("admin-confirm")
    dialog.get_by_role("button", name="Leave it as it is").click()
    expect(state).to_have_text("running")
    page.get_by_role("button", name="Cancel the operation").click()
    dialog.get_by_role("button", name="Cancel the operation").click()
    expect(state).to_have_text("cancelled")
    assert finish(operation, fleet) == "cancelled"
    assert set(HostJob.objects.filter(step__key="hang").values_list("state", flat=True)) == {"cancelled"}

    (tmp_path / "go").touch()
    page.locator("form[data-action=retry] button").click()
    dialog.get_by_role("button", name="Retry").click()
    expect(state).to_have_text("succeeded")
    expect(page.locator("[data-value=attempt]").first).to_have_text("2")
    assert (tmp_path / "first").read_text() == "x\n"
    asked = AuditEvent.objects.filter(actor="operator op").order_by("id").values_list("action", flat=True)
    assert list(asked) == ["operation.cancel", "operation.retry"]
    page.set_viewport_size(PHONE)
    who.picture("admin-operation-phone")
    who.is_accessible()
