"""An access key shows only what is its own, and no usable key shows nothing: every address, every kind of caller."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clusters.models import AccessKey, Cluster
from clusters.secrets import new_access_key
from tasks.models import Operation
from tests.api import Api, customer_api, problem, register

# The event stream reads on a thread of its own, so what is there must be committed.
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
OF_CLUSTER = [
    ("get", ""),
    ("patch", ""),
    ("delete", ""),
    *(("get", f"/{word}") for word in ("nodes", "nodes/host1", "configuration", "kubeconfig", "components")),
    *(("get", f"/{word}") for word in ("health-events", "health", "pods", "operations")),
    ("post", "/nodes"),
    ("patch", "/nodes/host1"),
    ("delete", "/nodes/host1"),
    ("post", "/operations"),
    ("post", "/access-key"),
]
OF_OPERATION = [
    *(("get", word) for word in ("", "/steps", "/log", "/events")),
    ("post", "/cancel"),
    ("post", "/retry"),
]
OF_NOBODY = [
    *(("get", word) for word in ("whoami", "service", "events", "clusters", "operations")),
    *(("get", word) for word in ("operation-kinds", "components")),
    ("post", "clusters"),
    ("post", "clusters/validate"),
]


def ask(api: Api, method: str, path: str) -> Any:
    bodies = {"post": {"kind": "check"}, "patch": {}}
    return getattr(api, method)(path, bodies[method]) if method in bodies else getattr(api, method)(path)


@pytest.fixture
def ours(api: Api) -> tuple[Cluster, Operation]:
    cluster = register(api)
    return cluster, Operation.objects.create(cluster=cluster, kind="check", mutating=False, state="succeeded")


def paths(cluster: object, operation: object) -> list[tuple[str, str]]:
    return [
        *((method, f"clusters/{cluster}{path}") for method, path in OF_CLUSTER),
        *((method, f"operations/{operation}{path}") for method, path in OF_OPERATION),
    ]


def test_anothers_is_as_unknown_as_none(ours: tuple[Cluster, Operation]) -> None:
    cluster, operation = ours
    stranger = customer_api()
    for method, path in paths(cluster.pk, operation.pk):
        theirs = problem(ask(stranger, method, path), 404, "not-found")
        missing = path.replace(str(cluster.pk), str(uuid.uuid4())).replace(str(operation.pk), str(uuid.uuid4()))
        nobodys = problem(ask(stranger, method, missing), 404, "not-found")
        assert {**theirs, "instance": ""} == {**nobodys, "instance": ""}, path
    assert stranger.get("clusters").json()["results"] == []
    assert stranger.get("operations").json()["results"] == []
    assert stranger.get(f"operations?cluster={cluster.pk}").json()["results"] == []
    cluster.refresh_from_db()


def test_ones_own_is_there(api: Api, ours: tuple[Cluster, Operation]) -> None:
    cluster, operation = ours
    for method, path in paths(cluster.pk, operation.pk):
        if method == "get" and "kubeconfig" not in path:
            assert ask(api, method, path).status_code == 200, path


@pytest.mark.parametrize("kind", ["none", "unknown", "malformed", "off", "expired"])
def test_no_usable_key_opens_nothing(api: Api, ours: tuple[Cluster, Operation], kind: str) -> None:
    cluster, operation = ours
    value, slug = api.value, "not-authenticated"
    if kind == "none":
        value = ""
    elif kind == "unknown":
        value = new_access_key()[1]
    elif kind == "malformed":
        value = "sq_' OR 1=1"
    elif kind == "off":
        AccessKey.objects.update(active=False)
    else:
        AccessKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        slug = "access-key-expired"
    caller = Api(value)
    for method, path in [*OF_NOBODY, *paths(cluster.pk, operation.pk)]:
        answer = ask(caller, method, path)
        said = problem(answer, 401, slug)
        assert said["detail"], path
        assert said["hint"], path
        assert answer["WWW-Authenticate"].startswith("Bearer")
    assert Cluster.objects.count() == 1
