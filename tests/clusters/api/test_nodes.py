"""Hosts over REST."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from clusters.models import Node, Observation, SSHCredential
from tests.api import KEY, Api, customer_api, private_key, problem, register

pytestmark = pytest.mark.integration
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Z0Jm0T4wq5o1xQk0r1d8o6k2G2pXb9m0xKQe8mZpA"
NEW = {"name": "host4", "address": "10.0.0.4", "roles": ["worker"], "private_key": KEY}


def test_hosts_are_listed_in_the_customers_order_with_what_was_read(api: Api) -> None:
    cluster = register(api)
    seen = {
        "name": "host2",
        "ready": True,
        "roles": ["worker"],
        "kubelet_version": "v1.24.3",
        "cpu": 8.0,
        "memory": 1 << 34,
        "gpus": {"product": "A100", "count": 8, "allocatable": 8},
    }
    Observation.objects.create(cluster=cluster, taken_at=timezone.now(), reachable=True, nodes=[seen])
    rows = api.get(f"clusters/{cluster.pk}/nodes").json()["results"]
    assert [row["name"] for row in rows] == ["host1", "host2", "host3"]
    assert rows[0]["status"] is None
    assert rows[1]["status"]["gpus"] == {"product": "A100", "count": 8}
    assert rows[1]["role_groups"] == ["worker"]
    assert rows[1]["credential"] == {"kind": "key", "sudo_password": False}
    assert rows[1]["host_key_fingerprint"] is None
    assert len(api.get(f"clusters/{cluster.pk}/nodes?limit=2").json()["results"]) == 2


def test_add_change_and_take_out(api: Api) -> None:
    cluster = register(api)
    path = f"clusters/{cluster.pk}/nodes"
    answer = api.post(path, {**NEW, "host_key": HOST_KEY, "jump": "host1"})
    assert answer.status_code == 201, answer.content
    assert answer.json()["findings"] == []
    assert answer.json()["host_key_fingerprint"].startswith("SHA256:")
    changed = api.patch(f"{path}/host4", {"port": 2222, "host_key": ""}).json()
    assert (changed["port"], changed["host_key_fingerprint"], changed["jump"]) == (2222, None, "host1")
    said = problem(api.delete(f"{path}/host1"), 409, "conflict")
    assert "host1" in said["detail"]
    assert api.delete(f"{path}/host4").status_code == 204
    problem(api.get(f"{path}/host4"), 404, "not-found")
    assert SSHCredential.objects.count() == 1


def test_a_new_login_replaces_the_old_one(api: Api) -> None:
    cluster = register(api)
    path = f"clusters/{cluster.pk}/nodes/host2"
    other = private_key("word")
    problem(api.patch(path, {"private_key": other}), 400, "invalid")
    assert api.patch(path, {"private_key": other, "passphrase": "word"}).status_code == 200
    assert Node.objects.get(name="host2").credential.private_key == other
    assert Node.objects.get(name="host1").credential.private_key == KEY
    assert api.patch(path, {"private_key": "", "password": "secret-word"}).json()["credential"]["kind"] == "password"
    assert SSHCredential.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "host1"}, "name"),
        ({"address": "10.0.0.2"}, "address"),
        ({"port": 70000}, "port"),
        ({"private_key": "rubbish"}, "private_key"),
        ({"private_key": ""}, "private_key"),
        ({"host_key": "rubbish"}, "host_key"),
        ({"jump": "nowhere"}, "jump"),
        ({"rolls": ["worker"]}, "rolls"),
    ],
)
def test_a_host_that_cannot_be_is_refused_by_field(api: Api, change: dict[str, object], field: str) -> None:
    cluster = register(api)
    answer = api.post(f"clusters/{cluster.pk}/nodes", {**NEW, **change})
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert cluster.nodes.count() == 3


def test_a_host_that_others_are_reached_through_stays(api: Api) -> None:
    cluster = register(api)
    path = f"clusters/{cluster.pk}/nodes"
    assert api.patch(f"{path}/host3", {"jump": "host2"}).json()["jump"] == "host2"
    assert "host3" in problem(api.delete(f"{path}/host2"), 409, "conflict")["detail"]
    circle = problem(api.patch(f"{path}/host2", {"jump": "host3"}), 400, "invalid-configuration")
    assert circle["errors"][0]["field"] == "jump"


def test_the_limit_of_hosts(db: None) -> None:
    api = customer_api(max_hosts=3)
    cluster = register(api)
    problem(api.post(f"clusters/{cluster.pk}/nodes", NEW), 403, "limit-reached")


def test_a_list_takes_the_same_queries_for_few_and_for_many(api: Api, django_assert_max_num_queries: Any) -> None:
    few, many = register(api, "few", 1), register(api, "many", 60)
    api.get("whoami")
    for cluster in (few, many):
        with django_assert_max_num_queries(4):
            assert api.get(f"clusters/{cluster.pk}/nodes").status_code == 200
        for path, most in (("components", 3), ("health-events", 3), ("health", 4), ("pods", 3)):
            with django_assert_max_num_queries(most):
                assert api.get(f"clusters/{cluster.pk}/{path}").status_code == 200


CONFIGURATION = """
spec:
  hosts:
  - {name: host1, address: 10.0.0.1}
  - {name: host4, address: 10.0.0.4, internalAddress: 192.168.0.4, labels: {rack: b}}
  - {name: host5, address: 10.0.0.5}
  roleGroups:
    worker: ["host[4:5]"]
    etcd: [host5]
"""


def test_the_new_hosts_of_a_configuration_are_added_together(api: Api) -> None:
    cluster = register(api)
    path = f"clusters/{cluster.pk}/new-nodes"
    body = {"configuration": CONFIGURATION, "private_key": KEY}
    answer = api.post(path, body)
    assert answer.status_code == 201, answer.content
    # A file of the new hosts alone lacks a control plane, which the cluster has.
    assert [row["name"] for row in answer.json()["added"]] == ["host4", "host5"]
    added = {node.name: node for node in cluster.nodes.select_related("credential")}
    assert (added["host4"].internal_address, added["host4"].labels) == ("192.168.0.4", {"rack": "b"})
    assert added["host5"].role_groups == ["etcd", "worker"]
    assert [node.name for node in cluster.nodes.all()] == ["host1", "host2", "host3", "host4", "host5"]
    assert added["host4"].credential == added["host5"].credential != added["host1"].credential
    again = api.post(path, body)
    assert (again.status_code, again.json()["added"]) == (200, [])


def test_a_configuration_that_is_wrong_adds_nothing(api: Api) -> None:
    cluster = register(api)
    path = f"clusters/{cluster.pk}/new-nodes"
    moved = CONFIGURATION.replace("10.0.0.1}", "10.9.9.9}")
    assert (
        "10.9.9.9" in problem(api.post(path, {"configuration": moved, "private_key": KEY}), 409, "conflict")["detail"]
    )
    twice = CONFIGURATION.replace("10.0.0.5", "10.0.0.2")
    said = problem(api.post(path, {"configuration": twice, "private_key": KEY}), 400, "invalid-configuration")
    assert "10.0.0.2" in said["detail"]
    problem(api.post(path, {"configuration": CONFIGURATION}), 400, "invalid-configuration")
    assert cluster.nodes.count() == 3
