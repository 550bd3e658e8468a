"""The OpenAPI document: complete, true to the routes, as it is checked in, served with its page."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern

from clusters.api.problem_documents import ABOUT
from clusters.api.problems import KINDS
from tasks.api.documentation import SCOPES
from tasks.api.urls import urlpatterns
from tasks.plans import PLANS
from tests.tasks.api.completeness import gaps

ROOT = Path(__file__).resolve().parents[3]
CHECKED_IN = ROOT / "docs" / "openapi.yaml"
OPERATORS = {"/api/v1/fleet"}
TAKEN = {"private_key", "private_keys", "password", "passphrase", "passphrases", "registry_password", "ceph_key"}
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The document as it is made: a warning of drf-spectacular fails here."""
    path = tmp_path_factory.mktemp("schema") / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(path))
    return path.read_text()


@pytest.fixture(scope="module")
def schema(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document


def test_the_checked_in_document_is_the_present_one(text: str) -> None:
    same = CHECKED_IN.exists() and CHECKED_IN.read_text() == text
    assert same, "docs/openapi.yaml is not what the code makes. Run `make openapi` and commit the file."


def test_nothing_lacks_a_description_an_example_or_an_error(schema: dict[str, Any]) -> None:
    found = list(gaps(schema))
    assert not found, "\n".join(found)


GAPS = (
    ("components schemas Step properties key", "description", "Step.key: no description"),
    ("components schemas Step properties key", "examples", "Step.key: no example"),
    ("components schemas Step", "description", "Step: no description"),
    ("components headers Location", "example", "Location: no example"),
    ("paths /api/v1/whoami get", "summary", "whoami: no summary"),
    ("paths /api/v1/whoami get", "tags", "its tag '' is not described"),
    ("paths /api/v1/whoami get responses", "401", "no answer 401"),
    ("paths /api/v1/clusters post responses 201", "headers", "answer 201: no header Location"),
    ("components responses Throttled", "headers", "answer 429: no header Retry-After"),
)


def test_a_gap_is_named(schema: dict[str, Any]) -> None:
    document = copy.deepcopy(schema)
    for path, without, gap in GAPS:
        place = document
        for word in path.split():
            place = place[word]
        taken = place.pop(without)
        assert any(gap in found for found in gaps(document)), gap
        place[without] = taken


def test_it_is_3_1_and_has_every_address(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    addresses = {f"/api/v1/{str(one.pattern).replace('<str:', '{').replace('>', '}')}" for one in urlpatterns}
    assert all(isinstance(one, URLPattern) for one in urlpatterns)
    assert set(schema["paths"]) == addresses


def test_each_operation_says_who_may(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            operators = [{"operator": []}, {"cookieAuth": []}]
            needed = operators if path in OPERATORS else [{"accessKey": [SCOPES[method, path]]}]
            assert operation["security"] == needed, path


def test_secrets_are_only_taken(schema: dict[str, Any]) -> None:
    for name, part in schema["components"]["schemas"].items():
        if not name.endswith("Request"):
            assert not TAKEN & set(part.get("properties", {})), name


def test_problems_and_kinds_are_all_there(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    assert set(ABOUT) == set(KINDS)
    assert parts["ProblemType"]["enum"] == [f"/problems/{slug}" for slug in KINDS]
    assert set(parts["NewOperationRequest"]["discriminator"]["mapping"]) == set(PLANS)
    told = (ROOT / "docs" / "api.md").read_text()
    assert not [slug for slug in KINDS if f"`/problems/{slug}`" not in told]


def test_examples_are_what_they_are_examples_of(schema: dict[str, Any]) -> None:
    registry = jsonschema_rs.Registry([("urn:api", schema)])
    wrong = []
    for where, example in _examples(schema, ""):
        validator = jsonschema_rs.Draft202012Validator({"$ref": f"urn:api#{where}"}, registry=registry)
        wrong += [f"{where}: {example!r}: {error.message}" for error in validator.iter_errors(example)]
    assert not wrong, "\n".join(wrong)


def _examples(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Each example with the pointer to its schema."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from _examples(one, f"{where}/{number}")
    elif isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield f"{where}/schema", node["example"]
        if "schema" in node and isinstance(node.get("examples"), dict):
            yield from ((f"{where}/schema", one["value"]) for one in node["examples"].values())
        elif isinstance(node.get("examples"), list):
            yield from ((where, one) for one in node["examples"])
        for name, one in node.items():
            if name != "examples":
                yield from _examples(one, f"{where}/{_pointer(name)}")


def _pointer(name: str) -> str:
    return quote(name.replace("~", "~0").replace("/", "~1"))


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
