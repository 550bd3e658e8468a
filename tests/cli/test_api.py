"""The typed client is what the schema says."""

from __future__ import annotations

import pytest

from scripts import client

pytestmark = pytest.mark.integration


def test_the_client_is_made_from_the_schema() -> None:
    document = client.schema()

    assert client.types_of(document) == client.TYPES.read_text(), "run `make client`"
    assert client.client_of(document) == client.CLIENT.read_text(), "run `make client`"


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        ("clusters", "get", "get_clusters"),
        ("clusters/{cluster_id}", "get", "get_cluster"),
        ("clusters/{cluster_id}/nodes/{name}", "delete", "delete_cluster_node"),
        ("clusters/{cluster_id}/health-events", "get", "get_cluster_health_events"),
        ("operations/{operation_id}/cancel", "post", "post_operation_cancel"),
    ],
)
def test_names_of_methods(path: str, method: str, name: str) -> None:
    assert client._name(path, method) == name
