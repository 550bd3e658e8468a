"""The admin's pages of ours in a browser: they follow without being loaded anew, fit on a phone, and ask first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from clusters.models import AccessKey, Cluster, Component, HealthEvent
from tasks import engine
from tasks.models import AuditEvent, Operation
from tests.tasks.conftest import plan, register, step
from tests.web.conftest import PHONE, SERIOUS, WIDE, Visitor

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def looks_well(visitor: Visitor, name: str) -> None:
    """Of what is ours on the page: nothing serious for axe, and nothing beside the window, at a desk and on a phone."""
    for size, where in ((WIDE, "wide"), (PHONE, "phone")):
        visitor.page.set_viewport_size(size)  # type: ignore[arg-type]
        visitor.picture(f"admin-{name}-{where}")
        found = Axe().run(visitor.page, context=".pages").response["violations"]
        assert [f"{one['id']}: {one['help']}" for one in found if one["impact"] in SERIOUS] == []
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visitor.page.evaluate(wider) <= 0, f"{name} is wider than its window ({where})"
    visitor.page.set_viewport_size(WIDE)  # type: ignore[arg-type]


@pytest.fixture
def cluster(access_key: AccessKey) -> Cluster:
    made = register(access_key, [], state="degraded", state_reason="coredns is unhealthy")
    Component.objects.create(cluster=made, name="coredns", kind="helm", chosen=True, state="unhealthy", reason="OOM")
    HealthEvent.objects.create(cluster=made, name="coredns", old_state="healthy", new_state="unhealthy", reason="OOM")
    return made


def fail(cluster: Cluster, message: str) -> Operation:
    error = {"step": "kubernetes", "host": "worker3", "message": message, "fix": "Make room."}
    now = timezone.now()
    return Operation.objects.create(cluster=cluster, kind="install", state="failed", error=error, finished_at=now)


def test_the_dashboard_and_the_page_of_a_cluster_follow(
    visitor: Callable[..., Visitor], operator: User, cluster: Cluster
) -> None:
    someone = visitor()
    page: Page = someone.log_in_as_operator("op")
    expect(page.get_by_role("heading", name="Failures of the last day")).to_be_visible()
    expect(page.get_by_text("No worker answers.")).to_be_visible()
    page.evaluate("window.loaded = 'once'")
    fail(cluster, "the disk is full")
    expect(page.get_by_text("the disk is full")).to_be_visible()
    assert page.evaluate("window.loaded") == "once"
    looks_well(someone, "dashboard")

    page.locator("#troubled a").first.click()
    expect(page.get_by_role("heading", name="Components")).to_be_visible()
    page.get_by_text("Change the cluster").click()
    page.evaluate("window.loaded = 'once'")
    Component.objects.update(state="healthy", reason="as it should be")
    expect(page.get_by_text("as it should be")).to_be_visible()
    expect(page.locator("#changing")).to_have_attribute("open", "")
    assert page.evaluate("window.loaded") == "once"
    looks_well(someone, "cluster")

    page.get_by_role("link", name="Back up etcd").click()
    expect(page.get_by_role("button", name="Show the steps")).to_be_visible()
    looks_well(someone, "start")


def test_an_operation_is_cancelled_and_retried_from_its_page(
    visitor: Callable[..., Visitor], operator: User, cluster: Cluster
) -> None:
    operation = engine.create(cluster, plan(step("one", "true"), step("two", "true", after=("one",))), {})
    someone = visitor(locale="zh-CN")
    page = someone.log_in_as_operator("op")
    page.goto(f"/admin/tasks/operation/{operation.pk}/change/")
    page.get_by_role("button", name="取消操作").click()
    expect(page.get_by_role("dialog")).to_contain_text("将终止它在所有主机上的命令")
    page.locator("[data-dialog-yes]").click()
    expect(page.get_by_text("操作正在取消")).to_be_visible()
    engine.advance(operation.pk)
    expect(page.locator("[data-value=state][data-state=cancelled]").first).to_be_visible()
    looks_well(someone, "operation")

    page.get_by_role("button", name="从此步骤重试").nth(1).click()
    page.locator("[data-dialog-yes]").click()
    expect(page.get_by_text("操作从已完成处继续")).to_be_visible()
    assert AuditEvent.objects.get(action="operation.retry").detail == {"from_step": "two"}
