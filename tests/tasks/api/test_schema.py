"""The OpenAPI document: complete, without warnings, served with its page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, get_resolver

from tasks.api.urls import urlpatterns

FLEET = "/api/v1/fleet"
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(path))
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_it_is_3_1_and_has_every_address(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    assert get_resolver()
    addresses = {f"/api/v1/{str(one.pattern).replace('<str:', '{').replace('>', '}')}" for one in urlpatterns}
    assert all(isinstance(one, URLPattern) for one in urlpatterns)
    assert set(schema["paths"]) == addresses


def test_every_operation_tells_of_problems_and_of_the_key(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            content = operation["responses"]["default"]["content"]
            assert "application/problem+json" in content, path
            operators = [{"operator": []}, {"cookieAuth": []}]
            assert operation["security"] == (operators if path == FLEET else [{"accessKey": []}]), path
            assert operation["summary"], path


def test_fields_are_described_and_secrets_are_only_taken(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    assert parts["Cluster" if "Cluster" in parts else "ClusterWithOperation"]["properties"]["pod_cidr"]["description"]
    for name, part in parts.items():
        if not name.endswith("Request"):
            taken = {
                "private_key",
                "private_keys",
                "password",
                "passphrase",
                "passphrases",
                "registry_password",
                "ceph_key",
            }
            assert not taken & set(part.get("properties", {})), name


def test_an_answer_may_be_a_part_of_what_is_described(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    for path, name in (("clusters", "PaginatedClusterWithOperationList"), ("clusters/{cluster_id}", "")):
        operation = schema["paths"][f"/api/v1/{path}"]["get"]
        said = parts[name]["properties"]["results"]["items"] if name else None
        said = said or operation["responses"]["200"]["content"]["application/json"]["schema"]
        whole, part = (parts[one["$ref"].rpartition("/")[2]] for one in said["anyOf"])
        assert "name" in whole["required"] and "required" not in part
        assert set(whole["properties"]) == set(part["properties"])
        (fields,) = (one for one in operation["parameters"] if one["name"] == "fields")
        assert set(fields["schema"]["items"]["enum"]) == set(part["properties"])


def test_the_page_and_the_document_are_served_without_a_key() -> None:
    client = Client()
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"drf_spectacular_sidecar" in page.content
