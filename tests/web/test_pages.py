"""All pages in a browser: what they show changes by itself, everybody can use them, and they complain of nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clusters.models import AccessKey, CephReading, Cluster, ClusterState, Component
from tasks import engine
from tasks.health import check_cluster
from tests.clusters.api_server import Api
from tests.clusters.ceph.captured import captured
from tests.clusters.conftest import api  # noqa: F401 - a fixture
from tests.tasks.conftest import plan, step
from tests.tasks.test_health import broken, fill
from tests.web.conftest import PHONE, WIDE, Visitor

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
CHINESE = {"locale": "zh-CN"}


@pytest.fixture
def watched(access_key: AccessKey, api: Api) -> Cluster:  # noqa: F811
    """A cluster whose health is read from a real HTTPS server (SIMULATED Kubernetes)."""
    fill(api)
    made = Cluster.objects.create(
        access_key=access_key, name="watched", state=ClusterState.READY, kubeconfig=api.kubeconfig()
    )
    Component.objects.create(cluster=made, name="mpi-operator", kind="manifest", chosen=True)
    reading, now = captured("osd-down").to_json(), timezone.now()
    CephReading.objects.create(cluster=made, source="toolbox", state=reading, taken_at=now, tried_at=now)
    engine.create(made, plan(step("one", "true"), mutating=False), {}, requested_by="a customer")
    check_cluster(made.pk)
    return made


def look_again(page: Page) -> None:
    """As when somebody comes back to the page: it is read anew without waiting for its next turn."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_component_is_seen_to_become_unhealthy_and_well_again(
    watched: Cluster,
    key_value: str,
    operator: User,
    api: Api,  # noqa: F811
    visitor: Callable[..., Visitor],
) -> None:
    customer, staff = visitor(), visitor()
    customer.log_in(key_value).goto(f"/console/clusters/{watched.pk}")
    staff.log_in_as_operator(operator.username).goto(reverse("admin:clusters_cluster_change", args=[watched.pk]))
    rows = [one.page.get_by_role("row").filter(has_text="mpi-operator").first for one in (customer, staff)]
    for row in rows:
        expect(row).to_contain_text("Healthy")
    broken(api)
    check_cluster(watched.pk)
    for one, row in zip((customer, staff), rows, strict=True):
        look_again(one.page)
        expect(row).to_contain_text("Unhealthy")
        expect(row).to_contain_text("ImagePullBackOff")
    customer.picture("cluster-unhealthy")
    staff.picture("admin-cluster-unhealthy")
    fill(api)
    check_cluster(watched.pk)
    for one, row in zip((customer, staff), rows, strict=True):
        look_again(one.page)
        expect(row).to_contain_text("Healthy")
        one.picture(f"{'admin-' if one is staff else ''}cluster-healthy")


@pytest.mark.parametrize(("name", "how"), [("wide", {"viewport": WIDE}), ("phone", {"viewport": PHONE, **CHINESE})])
def test_everybody_can_use_the_pages(
    watched: Cluster, key_value: str, operator: User, visitor: Callable[..., Visitor], name: str, how: dict[str, object]
) -> None:
    operation = watched.operations.get()
    customer = visitor(**how)
    customer.page.goto("/console/")
    customer.is_accessible()
    customer.picture(f"console-login-{name}")
    customer.log_in(key_value)
    for what, address in (
        ("clusters", "/console/"),
        ("cluster", f"/console/clusters/{watched.pk}"),
        ("operation", f"/console/operations/{operation.pk}"),
    ):
        customer.page.goto(address)
        if what == "operation":
            expect(customer.page.locator("[data-value=connection][data-state=following]")).to_be_visible()
        customer.is_accessible()
        customer.picture(f"console-{what}-{name}")
    customer.log_out()
    staff = visitor(**how)
    staff.page.goto("/admin/login/")
    staff.is_accessible()
    staff.log_in_as_operator(operator.username)
    for what, address in (
        ("dashboard", reverse("admin:index")),
        ("clusters", reverse("admin:clusters_cluster_changelist")),
        ("cluster", reverse("admin:clusters_cluster_change", args=[watched.pk])),
    ):
        staff.page.goto(address)
        staff.is_accessible()
        staff.picture(f"admin-{what}-{name}")


def test_dark_pages_can_be_read_and_the_documentation_works(
    watched: Cluster, key_value: str, visitor: Callable[..., Visitor]
) -> None:
    who = visitor(color_scheme="dark")
    page = who.log_in(key_value)
    for what, address in (
        ("cluster", f"/console/clusters/{watched.pk}"),
        ("operation", f"/console/operations/{watched.operations.get().pk}"),
    ):
        page.goto(address)
        who.is_accessible()
        who.picture(f"console-{what}-dark")
    page.goto("/api/docs/")
    expect(page.get_by_text("List clusters").first).to_be_visible()
