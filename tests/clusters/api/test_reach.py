"""Addresses that lead into the service's own machine or network are refused with the field that names them."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import Cluster
from tests.api import KEY, SAMPLE, Api, hosts, problem, register

pytestmark = pytest.mark.integration
METADATA = "169.254.169.254"


@pytest.fixture(autouse=True)
def _strict(settings: Any) -> None:
    settings.ALLOW_NETWORKS = []


def test_hosts(api: Api) -> None:
    body: dict[str, Any] = {"name": "plain", "hosts": hosts()}
    body["hosts"][1]["address"] = METADATA
    (error,) = problem(api.post("clusters", body), 400, "invalid-configuration")["errors"]
    assert error["field"] == "hosts[1].address" and METADATA in error["message"] and "host2" in error["message"]
    assert "SANQIAN_ALLOW_NETWORKS" in error["hint"]
    problem(api.post("clusters/import", {**body, "kubeconfig": ""}), 400, "invalid-configuration")
    text = SAMPLE.read_text().replace("192.168.1.2", "127.0.0.2")
    (error,) = problem(
        api.post("clusters", {"name": "guide", "configuration": text, "private_keys": {"/root/.ssh/id_rsa": KEY}}),
        400,
        "invalid-configuration",
    )["errors"]
    assert error["line"] > 0 and "127.0.0.2" in error["message"]
    # Behind a jump host it is that host's network.
    body["hosts"][1]["jump"] = "host1"
    assert api.post("clusters", body).status_code == 201
    assert Cluster.objects.get().nodes.get(name="host2").address == METADATA


def test_a_host_that_is_added_or_changed(api: Api) -> None:
    path = f"clusters/{register(api).pk}/nodes"
    new = {"name": "host4", "address": "localhost", "internal_address": "10.0.0.4", "private_key": KEY}
    (error,) = problem(api.post(path, new), 400, "invalid-configuration")["errors"]
    assert error["field"] == "address"
    problem(api.patch(f"{path}/host2", {"address": "127.0.0.1"}), 400, "invalid-configuration")
    problem(api.post(f"{path[:-5]}new-nodes", {"hosts": [new]}), 400, "invalid-configuration")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", f"http://{METADATA}/latest", "https://localhost", "ftp://s3.example.com"]
)
def test_a_backup_store(api: Api, url: str) -> None:
    path = f"clusters/{register(api).pk}"
    (error,) = problem(api.patch(path, {"backup_endpoint": url}), 400, "invalid")["errors"]
    assert error["field"] == "backup_endpoint"
    assert api.patch(path, {"backup_endpoint": "https://10.0.0.9:9000"}).status_code == 200
