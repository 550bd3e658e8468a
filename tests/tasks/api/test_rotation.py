"""What rotations need of REST: secrets that are taken and never shown, and clusters that change their access key."""

from __future__ import annotations

import pytest

from clusters.models import AccessKey, Cluster
from clusters.secrets import new_access_key
from tasks.models import AuditEvent, OperationSecret
from tests.api import Api, customer_api, hosts, private_key, problem, register

pytestmark = pytest.mark.integration


@pytest.fixture
def cluster(api: Api) -> Cluster:
    return register(api)


def test_a_secret_is_kept_with_the_operation_and_never_shown(api: Api, cluster: Cluster) -> None:
    pem = private_key()
    body = {"kind": "rotate-ssh-key", "secrets": {"private_key": pem}}
    answer = api.post(f"clusters/{cluster.pk}/operations", {**body, "dry_run": True})
    assert answer.status_code == 202 and not OperationSecret.objects.exists()
    answer = api.post(f"clusters/{cluster.pk}/operations", body, idempotency_key="once")
    assert answer.status_code == 202
    assert OperationSecret.objects.get(operation=answer.json()["id"]).value == pem
    line = pem.splitlines()[1]
    shown = api.get(f"operations/{answer.json()['id']}").content.decode()
    assert line not in answer.content.decode() and line not in shown and "secrets" not in shown
    assert not any(line in str(event.detail) for event in AuditEvent.objects.all())


def test_an_unusable_secret_is_named_and_not_repeated(api: Api, cluster: Cluster) -> None:
    body = {"kind": "rotate-ssh-key", "secrets": {"private_key": "such a secret"}}
    told = problem(api.post(f"clusters/{cluster.pk}/operations", body), 400, "invalid")
    assert [error["field"] for error in told["errors"]] == ["secrets.private_key"]
    assert "such a secret" not in str(told)


def test_a_cluster_is_handed_over_to_another_key_of_the_customer(api: Api, cluster: Cluster) -> None:
    assert api.key is not None
    path = f"clusters/{cluster.pk}/access-key"
    problem(api.post(path, {"access_key": new_access_key()[1]}), 400, "invalid")
    told = problem(api.post(path, {"access_key": customer_api().value}), 400, "invalid")
    assert "another customer's" in told["detail"]
    _full, value = AccessKey.objects.issue(api.key.customer, max_clusters=0)
    problem(api.post(path, {"access_key": value}), 403, "limit-reached")
    second, value = AccessKey.objects.issue(api.key.customer, scope="read")
    assert api.post(path, {"access_key": value}).json() == {"access_key": second.prefix}
    for one in (api, Api(value)):
        assert one.get(f"clusters/{cluster.pk}").status_code == 200
    problem(Api(value).post("clusters", {"name": "more", "hosts": hosts()}), 403, "insufficient-scope")
    problem(api.post("clusters", {"name": "demo", "hosts": hosts()}), 409, "name-taken")
    event = AuditEvent.objects.get(action="cluster.access-key")
    assert event.detail == {"from": api.key.prefix, "to": second.prefix}
