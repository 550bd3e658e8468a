"""Mirror pods, against the lab's own API server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.toolchain.apiserver.main import bootstrap
from lab.toolchain.apiserver.server import ApiServer
from lab.toolchain.apiserver.store import Store
from lab.toolchain.common.client import Access, Client
from lab.toolchain.common.objects import Obj
from lab.toolchain.kubelet import static_pods

POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}, namespace: {1}}}\n"
    "spec: {{containers: [{{name: c, image: {2}}}]}}\n"
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    store = Store(tmp_path / "store")
    bootstrap(store)
    server = ApiServer(("127.0.0.1", 0), store, None)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    made = Client(Access(f"http://127.0.0.1:{server.server_address[1]}", None), timeout=5)
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def node(client: Client) -> Obj:
    return client.post("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "master1"}})


@pytest.fixture
def manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "manifests"
    directory.mkdir()
    monkeypatch.setattr(static_pods, "DIRECTORY", directory)
    return directory


def images(client: Client) -> dict[str, str]:
    """Of the pods that are not ending, which nobody ends here."""
    pods = client.get("/api/v1/pods")["items"]
    return {
        pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"]
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
    }


def test_pods_follow_their_files(client: Client, node: Obj, manifests: Path) -> None:
    (manifests / "etcd.yaml").write_text(POD.format("etcd", "kube-system", "one"))
    static_pods.reconcile(client, node)
    pod = client.get("/api/v1/namespaces/kube-system/pods/etcd-master1")
    assert pod["spec"]["nodeName"] == "master1"
    assert pod["metadata"]["ownerReferences"][0]["uid"] == node["metadata"]["uid"]

    static_pods.reconcile(client, node)
    assert client.get("/api/v1/namespaces/kube-system/pods/etcd-master1")["metadata"]["uid"] == pod["metadata"]["uid"]

    (manifests / "etcd.yaml").write_text(POD.format("etcd", "kube-system", "two"))
    static_pods.reconcile(client, node)
    static_pods.reconcile(client, node)
    assert images(client) == {"etcd-master1": "two"}

    (manifests / "etcd.yaml").unlink()
    static_pods.reconcile(client, node)
    assert images(client) == {}


def test_a_deleted_mirror_pod_comes_back(client: Client, node: Obj, manifests: Path) -> None:
    (manifests / "etcd.yaml").write_text(POD.format("etcd", "kube-system", "one"))
    static_pods.reconcile(client, node)
    client.delete("/api/v1/namespaces/kube-system/pods/etcd-master1", {"gracePeriodSeconds": 0})
    static_pods.reconcile(client, node)
    assert images(client) == {"etcd-master1": "one"}


def test_other_pods_and_missing_namespaces_are_no_hindrance(client: Client, node: Obj, manifests: Path) -> None:
    plain = {"metadata": {"name": "own"}, "spec": {"nodeName": "master1", "containers": [{"name": "c", "image": "i"}]}}
    client.post("/api/v1/namespaces/default/pods", plain)
    (manifests / "a.yaml").write_text(POD.format("early", "not-yet", "one"))
    (manifests / "b.yaml").write_text(POD.format("etcd", "kube-system", "one"))
    static_pods.reconcile(client, node)
    assert images(client) == {"own": "i", "etcd-master1": "one"}
