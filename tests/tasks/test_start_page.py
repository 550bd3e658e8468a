"""Starting an operation from the page of its cluster: the form, the steps, the typed name."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from tasks.models import AuditEvent, Operation
from tasks.plans import PLANS
from tests.tasks.role_users import logged_in

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def cluster() -> Cluster:
    key = AccessKey.objects.issue(Customer.objects.create(name="First customer"))[0]
    made = Cluster.objects.create(access_key=key, name="c1", state="ready")
    credential = SSHCredential.objects.create(cluster=made, private_key="key")
    for n, roles in ((1, ["control-plane", "etcd", "worker"]), (2, ["worker"])):
        Node.objects.create(
            cluster=made, position=n, name=f"host{n}", address=f"10.0.0.{n}", role_groups=roles, credential=credential
        )
    return made


@pytest.fixture
def operator() -> Client:
    return logged_in("operator-1", "operator")


def page(cluster: Cluster, kind: str) -> str:
    return reverse("admin:clusters_cluster_start", args=[cluster.pk, kind])


def test_every_kind_has_a_form_that_asks_for_all_it_takes(operator: Client, cluster: Cluster) -> None:
    for kind, plan in PLANS.items():
        text = operator.get(page(cluster, kind)).content.decode()
        assert [name for name in plan.params if f'name="{name}"' not in text] == [], kind


def test_the_steps_are_shown_before_anything_is_started(operator: Client, cluster: Cluster) -> None:
    shown = operator.post(page(cluster, "renew-certificates"), {"do": "preview", "days": "90"}).content.decode()
    assert 'id="plan"' in shown and "No other operation may change" in shown
    shown = operator.post(page(cluster, "backup"), {"do": "preview", "keep": "3"}).content.decode()
    assert 'id="plan"' in shown and "Other operations may run" in shown
    assert Operation.objects.count() == 0


def test_what_is_given_is_what_the_operation_gets(operator: Client, cluster: Cluster) -> None:
    given = {"do": "start", "hosts": ["host1"], "keep": "3", "directory": "", "store": "on"}
    answer = operator.post(page(cluster, "backup"), given)
    made = Operation.objects.get()
    assert answer.headers["Location"] == reverse("admin:tasks_operation_change", args=[made.pk])
    assert (made.kind, made.dry_run, made.requested_by) == ("backup", False, "operator operator-1")
    assert (made.params["hosts"], made.params["keep"]) == (["host1"], 3)
    assert AuditEvent.objects.get(action="operation.create").actor == "operator operator-1"


def test_what_makes_no_plan_is_said_at_its_field(operator: Client, cluster: Cluster) -> None:
    text = operator.post(page(cluster, "upgrade"), {"do": "start", "version": "v9.9.9"}).content.decode()
    assert "skips a minor version" in text.partition('name="version"')[2].partition('class="field"')[0]
    text = operator.post(page(cluster, "remove-node"), {"do": "preview", "node": "host2", "osds": "one"})
    assert "one is no number." in text.content.decode()
    assert Operation.objects.count() == 0


@pytest.mark.parametrize("kind", ["uninstall", "remove-node"])
def test_what_takes_something_away_asks_for_the_name(operator: Client, cluster: Cluster, kind: str) -> None:
    name = "confirm" if "confirm" in PLANS[kind].params else "typed_name"
    given = {"do": "start", "node": "host2", "artifact": '{"path": "/opt/artifact"}'}
    for typed in ("", "c2"):
        text = operator.post(page(cluster, kind), {**given, name: typed}).content.decode()
        assert "c1" in text.partition(f'name="{name}"')[2].partition("</ul>")[0]
    assert Operation.objects.count() == 0
    operator.post(page(cluster, kind), {**given, name: "c1"})
    assert Operation.objects.get().kind == kind


def test_a_busy_cluster_says_so(operator: Client, cluster: Cluster) -> None:
    Operation.objects.create(cluster=cluster, kind="install", state="running")
    text = operator.post(page(cluster, "renew-certificates"), {"do": "start"}).content.decode()
    assert "The install of this cluster is running" in text and Operation.objects.count() == 1


def test_an_unknown_kind_and_an_unknown_cluster_are_not_found(operator: Client, cluster: Cluster) -> None:
    assert operator.get(page(cluster, "nonsense")).status_code == 404
    cluster.pk = "00000000-0000-0000-0000-000000000000"
    assert operator.get(page(cluster, "backup")).status_code == 404
