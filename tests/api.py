"""Fixtures for tests of the REST API: a customer with a key, and a client that speaks JSON."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from clusters import registry
from clusters.access import Access, Login
from clusters.inventory import from_mapping
from clusters.models import AccessKey, Cluster, Customer
from tests.conformance import assert_conforms

BASE = "/api/v1/"
SAMPLE = Path(__file__).resolve().parent.parent / "conf" / "config-sample.conf"
_count = itertools.count(1)


def private_key(passphrase: str = "") -> str:
    """A fresh private key in OpenSSH's form."""
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, locked).decode()


KEY = private_key()


class Api:
    """A customer's client. Answers are Django's, with `json()`."""

    def __init__(self, value: str, key: AccessKey | None = None) -> None:
        self.value, self.key = value, key
        self._client = Client(raise_request_exception=True)

    def get(self, path: str, **headers: str) -> Any:
        return self._send("get", path, None, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", path, body if body is not None else {}, headers)

    def patch(self, path: str, body: Any) -> Any:
        return self._send("patch", path, body, {})

    def delete(self, path: str) -> Any:
        return self._send("delete", path, None, {})

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.value:
            sent["Authorization"] = f"Bearer {self.value}"
        url = path if path.startswith("/") else BASE + path
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(self._client, method)(url, headers=sent, **data)
        body = b"" if answer.streaming else answer.content
        assert_conforms(method, url.partition("?")[0], answer.status_code, answer.headers, body)
        return answer


def customer_api(**fields: Any) -> Api:
    """A fresh customer's client."""
    key, value = AccessKey.objects.issue(Customer.objects.create(name=f"customer {next(_count)}"), **fields)
    return Api(value, key)


def hosts(number: int = 3) -> list[dict[str, Any]]:
    """JSON of so many hosts; the first is the control plane."""
    made = [
        {"name": f"host{n}", "address": f"10.0.0.{n}", "roles": ["worker"], "private_key": KEY}
        for n in range(1, number + 1)
    ]
    made[0]["roles"] = ["control-plane", "etcd"]
    return made


def register(api: Api, name: str = "demo", number: int = 3, **fields: Any) -> Cluster:
    """A cluster of `api`'s key, without going through REST."""
    inventory = from_mapping({"hosts": hosts(number)}).inventory
    assert inventory is not None
    assert api.key is not None
    return registry.create(api.key, name, inventory, Access(login=Login(private_key=KEY)), **fields)


def problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    """The problem document that `answer` must be."""
    assert answer.status_code == status, answer.content[:2000]
    assert answer["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["title"]
    assert set(document) >= {"detail", "instance", "hint", "errors"}
    return document


@pytest.fixture
def api(db: None) -> Api:
    """A customer with an access key; nothing counted against it yet."""
    cache.clear()
    return customer_api()
