"""Both stores: what is not completed is seen by nobody, what does not read back goes. The S3 server is SIMULATED."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters.models import Backup, Cluster
from tasks import stores
from tasks.actions.store_backup import read_back
from tasks.stores import Store, StoreFailed
from tests.backup.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, free_port, s3_server

NAME = "etcd-20260101T000000Z.db"
DATA = bytes(range(256)) * 40_000  # two parts


def described(**fields: Any) -> Cluster:
    usual = {"backup_store": "s3", "backup_bucket": BUCKET, "backup_prefix": "/etcd/"}
    usual |= {"backup_access_key": ACCESS_KEY, "backup_secret_key": SECRET_KEY}
    return Cluster(name="demo", **{**usual, **fields})


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server(free_port()) as url:
        yield url


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, endpoint: str, tmp_path: Path, settings: Any) -> Store:
    settings.BACKUP_DIR = tmp_path
    return stores.of(described(backup_store=request.param, backup_endpoint=endpoint))


def send(store: Store, data: bytes = DATA) -> dict[str, Any]:
    memory: dict[str, Any] = {}
    for offset in range(0, len(data), 8 << 20):
        store.add(NAME, offset, data[offset : offset + (8 << 20)], memory)
    return memory


def row(data: bytes = DATA) -> Backup:
    return Backup(name=NAME, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def test_a_file_is_there_when_it_is_complete_and_not_before(store: Store) -> None:
    memory = send(store)
    assert list(store.names()) == []
    store.complete(NAME, memory)
    assert list(store.names()) == [NAME]
    assert store.size(NAME) == len(DATA)
    assert store.read(NAME, 8 << 20, 1 << 20) == DATA[8 << 20 : 9 << 20]
    read_back(store, row(), lambda _: None)
    store.put(f"{NAME}.json", b"{}")
    assert sorted(store.names()) == [NAME, f"{NAME}.json"]
    for name in (NAME, f"{NAME}.json", NAME):
        store.delete(name)
    assert list(store.names()) == []


def test_what_is_abandoned_leaves_nothing(store: Store) -> None:
    memory = send(store)
    store.abandon(NAME, memory)
    assert list(store.names()) == []
    with pytest.raises(StoreFailed):
        store.size(NAME)


def test_what_does_not_read_back_is_deleted(store: Store) -> None:
    store.complete(NAME, send(store, DATA[:-1] + b"x"))
    with pytest.raises(StoreFailed, match="does not read back"):
        read_back(store, row(), lambda _: None)
    assert list(store.names()) == []


def test_another_cluster_sees_nothing_of_it(store: Store, endpoint: str) -> None:
    store.complete(NAME, send(store))
    assert list(stores.of(described(backup_store=store.kind, backup_endpoint=endpoint)).names()) == []


def test_what_the_store_refuses_is_told_without_its_keys(endpoint: str) -> None:
    other = stores.of(described(backup_endpoint=endpoint, backup_bucket="other"))
    with pytest.raises(StoreFailed, match=r"in other: NoSuchBucket") as caught:
        other.put(NAME, b"x")
    assert SECRET_KEY not in str(caught.value) and ACCESS_KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"backup_store": ""}, "has no backup store"),
        ({"backup_endpoint": "https://s3.example.org", "backup_secret_key": ""}, "not wholly described"),
        ({"backup_endpoint": "nowhere"}, "cannot be used"),
    ],
)
def test_a_store_that_is_none(fields: dict[str, str], says: str) -> None:
    with pytest.raises(StoreFailed, match=says):
        stores.of(described(**fields))
