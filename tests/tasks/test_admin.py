"""Operators see everything but secrets, and change things by POST alone."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clusters.models import AccessKey, CephReading, Cluster, Customer, Node, SSHCredential
from tasks import engine
from tasks.models import AuditEvent, Operation, OperationState
from tasks.webhooks.models import WebhookDelivery, WebhookEndpoint
from tasks.webhooks.signing import new_secret
from tests.clusters.ceph.captured import captured
from tests.tasks.conftest import plan, step

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
SECRETS = (
    *("PRIVATE-KEY-TEXT", "ssh-pass-word", "sudo-pass-word", "registry-pass-word", "kubeconfig-token"),
    *("ceph-key-word", "whsec_", "the-hooks-path-word"),
)


@pytest.fixture
def operation() -> Operation:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(
        access_key=key,
        name="c1",
        registry_password="registry-pass-word",
        kubeconfig="token: kubeconfig-token",
        ceph_key="ceph-key-word",
    )
    credential = SSHCredential.objects.create(
        cluster=cluster, private_key="PRIVATE-KEY-TEXT", password="ssh-pass-word", sudo_password="sudo-pass-word"
    )
    Node.objects.create(cluster=cluster, name="host1", address="10.0.0.1", credential=credential)
    state, now = captured("osd-down").to_json(), timezone.now()
    CephReading.objects.create(cluster=cluster, source="toolbox", state=state, taken_at=now, tried_at=now)
    WebhookEndpoint.objects.create(
        access_key=key, url="https://hooks.example.com/the-hooks-path-word", secret=new_secret()
    )
    return engine.create(cluster, plan(step("one", "true")), {})


@pytest.fixture
def operator() -> Client:
    User.objects.create_superuser("op", password="long enough for this")
    client = Client()
    assert client.login(username="op", password="long enough for this")
    return client


def test_every_model_has_pages_and_none_shows_a_secret(operator: Client, operation: Operation) -> None:
    key = AccessKey.objects.get()
    shown = 0
    for model in [*apps.get_app_config("clusters").get_models(), *apps.get_app_config("tasks").get_models()]:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if model.__name__ in (
            "Observation",
            "IdempotentRequest",
            "LogChunk",
            "Event",
            "OperationSecret",
            "WebhookEvent",
            "WebhookAttempt",
        ):
            continue
        pages = [reverse(f"admin:{name}_changelist")]
        pages += [reverse(f"admin:{name}_change", args=[row.pk]) for row in model._default_manager.all()]
        for page in pages:
            answer = operator.get(page)
            assert answer.status_code == 200, page
            text = answer.content.decode()
            assert not [secret for secret in (*SECRETS, key.value, key.hash) if secret in text], page
            shown += 1
    assert shown > 12


def test_a_delivery_is_sent_again_by_who_may(operator: Client, operation: Operation) -> None:
    WebhookDelivery.objects.update(state="failed", tries=9)
    form = {"action": "replay", "_selected_action": [row.pk for row in WebhookDelivery.objects.all()]}
    answer = operator.post(reverse("admin:tasks_webhookdelivery_changelist"), form, follow=True)
    assert "1 sent again." in answer.content.decode()
    row = WebhookDelivery.objects.get()
    assert (row.state, row.tries) == ("pending", 0)
    assert AuditEvent.objects.get(action="webhook.replay").actor == "operator op"


def test_a_reading_of_ceph_is_shown_in_words(operator: Client, operation: Operation) -> None:
    page = reverse("admin:clusters_cephreading_change", args=[operation.cluster_id])
    text = operator.get(page).content.decode()
    for said in ("host1: 1 up, 2 in, of 2", "3 / 3", "of 12.0", "active+clean"):
        assert said in text


def test_a_new_access_key_is_shown_once(operator: Client) -> None:
    customer = Customer.objects.create(name="another")
    form = {"customer": customer.pk, "scope": "operate", "active": "on"}
    form |= {"max_clusters": 3, "max_hosts": 4, "max_operations": 5}
    answer = operator.post(reverse("admin:clusters_accesskey_add"), form, follow=True)
    key = AccessKey.objects.get(customer=customer)
    assert key.value in answer.content.decode()
    assert (key.scope, key.max_clusters, key.max_hosts, key.max_operations) == ("operate", 3, 4, 5)
    assert key.value not in operator.get(reverse("admin:clusters_accesskey_change", args=[key.pk])).content.decode()


def test_cancel_and_retry_ask_first(operator: Client, operation: Operation) -> None:
    cancel, retry = (reverse(f"admin:tasks_operation_{verb}", args=[operation.pk]) for verb in ("cancel", "retry"))
    assert "Its commands are ended" in operator.get(cancel).content.decode()
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    operator.post(cancel)
    operation.refresh_from_db()
    assert operation.state == OperationState.CANCELLING
    assert "only a failed or cancelled one" in operator.post(retry, follow=True).content.decode()
    engine.advance(operation.pk)
    operator.post(retry)
    operation.refresh_from_db()
    assert (operation.state, operation.attempt) == (OperationState.QUEUED, 2)
    assert list(AuditEvent.objects.values_list("actor", "action").order_by("id")) == [
        ("operator op", "operation.cancel"),
        ("service", "operation.cancelled"),
        ("operator op", "operation.retry"),
    ]


def test_a_failed_step_is_skipped_with_a_reason_that_is_kept(operator: Client, operation: Operation) -> None:
    engine.advance(operation.pk)
    step = operation.steps.get()
    lease = engine.claim(step.pk, "me")
    assert lease is not None
    engine.fail(lease, {"message": "no"})
    engine.advance(operation.pk)
    page = reverse("admin:tasks_operation_skip", args=[operation.pk])
    asked = operator.get(page).content.decode()
    assert "taken for done" in asked and 'value="one"' in asked
    assert "for a reason" in operator.post(page, {"step": "one", "reason": " "}, follow=True).content.decode()
    assert "no step" in operator.post(page, {"step": "two", "reason": "so"}, follow=True).content.decode()
    operator.post(page, {"step": "one", "reason": "done by hand"})
    step.refresh_from_db()
    assert (step.state, step.note) == ("skipped", "Skipped by operator op: done by hand")
    assert AuditEvent.objects.get(action="operation.skip").detail == {"step": "one", "reason": "done by hand"}


def test_who_may_only_look_may_not_cancel(operation: Operation) -> None:
    from django.contrib.auth.models import Permission

    viewer = User.objects.create_user("viewer", password="long enough for this", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_operation"))
    client = Client()
    client.force_login(viewer)
    assert client.post(reverse("admin:tasks_operation_cancel", args=[operation.pk])).status_code == 403
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED


def test_an_operation_is_started_as_by_rest(operator: Client, operation: Operation) -> None:
    Node.objects.update(role_groups=["control-plane", "etcd", "worker"])
    page = reverse("admin:tasks_operation_add")
    form = {"cluster": operation.cluster_id, "kind": "upgrade", "params": '{"version": "v9.9.9"}'}
    assert "renew-certificates: Renew the certificates" in operator.get(page).content.decode()
    assert "skips a minor version" in operator.post(page, form).content.decode()
    busy = operator.post(page, {**form, "kind": "renew-certificates", "params": "{}"}, follow=True)
    assert "of this cluster is queued (operation" in busy.content.decode()
    assert Operation.objects.count() == 1
    asked = {**form, "kind": "check", "params": ""}
    assert operator.post(page, asked, follow=True).status_code == 200
    made = Operation.objects.get(kind="check")
    assert made.requested_by == "operator op"
    assert AuditEvent.objects.filter(action="operation.create", operation=str(made.pk), actor="operator op").exists()


@pytest.mark.parametrize("kind", ["rotate-ssh-key", "rotate-host-password", "rotate-registry-password"])
def test_a_rotation_is_started_without_secrets_and_a_typed_one_is_refused(
    operator: Client, operation: Operation, kind: str
) -> None:
    engine.request_cancel(operation.pk)
    engine.advance(operation.pk)
    Node.objects.update(role_groups=["control-plane", "etcd", "registry", "worker"])
    page = reverse("admin:tasks_operation_add")
    form = {"cluster": operation.cluster_id, "kind": kind, "params": '{"password": "a typed word"}'}
    told = operator.post(page, form).content.decode()
    assert f"3kctl {kind.replace('-', ' ', 1)}" in told and "a typed word" not in told
    assert Operation.objects.filter(kind=kind).count() == 0
    assert operator.post(page, {**form, "params": ""}, follow=True).status_code == 200
    assert Operation.objects.get(kind=kind).requested_by == "operator op"
