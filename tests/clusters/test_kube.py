"""The Kubernetes client against a real HTTPS server (the lab's SIMULATED API)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clusters import catalog, health, kube
from clusters.kube import Kube, KubeUnauthorized, KubeUnreachable
from clusters.kubeconfig import KubeconfigError, KubeError
from lab.toolchain.apiserver.server import server_tls
from tests.clusters.api_objects import container, node, pod, release, warning, workload
from tests.clusters.api_server import NAME, Api

pytestmark = pytest.mark.integration


def fill(api: Api) -> None:
    api.put("nodes", node("master1", labels={"node-role.kubernetes.io/control-plane": ""}))
    api.put("deployments", workload("deployment", "coredns", namespace="kube-system", app="dns", desired=2, ready=2))
    api.put("pods", *(pod(f"coredns-{n}", namespace="kube-system", app="dns") for n in range(2)))
    api.put("deployments", workload("deployment", "cert-manager", namespace="cert-manager", ready=0))
    api.put("pods", pod("cert-manager-1", container(waiting="ImagePullBackOff"), namespace="cert-manager"))
    api.put("events", warning("Pod", "cert-manager-1", "Failed", "not found", namespace="cert-manager"))
    api.put("events", {**warning("Pod", "x", "Started", "fine"), "type": "Normal"})
    api.put("secrets", release("kruise", "pending-install", age=5))
    api.put("secrets", {"metadata": {"name": "other", "namespace": "default"}, "data": {"a": "cGxhaW4="}})
    subsets = [{"addresses": [{"ip": "10.0.0.1"}]}]
    api.put(
        "endpoints", {"metadata": {"name": "cert-manager-webhook", "namespace": "cert-manager"}, "subsets": subsets}
    )
    api.put("persistentvolumes", {"metadata": {"name": "shared-pv"}, "status": {"phase": "Bound"}})
    api.put("clusterroles", {"metadata": {"name": "downloader"}})


def test_a_snapshot(api: Api) -> None:
    fill(api)
    with Kube(api.kubeconfig()) as client:
        seen = client.snapshot(catalog.load())
    assert (seen.version, [n.name for n in seen.nodes], len(seen.pods)) == ("v1.24.3", ["master1"], 3)
    assert {(w.namespace, w.name) for w in seen.workloads} == {
        ("kube-system", "coredns"),
        ("cert-manager", "cert-manager"),
    }
    assert [event.reason for event in seen.events] == ["Failed"]
    assert [(r.name, r.status) for r in seen.releases] == [("kruise", "pending-install")]
    assert seen.endpoints == {"cert-manager/cert-manager-webhook": 1}
    assert seen.unread == {}
    assert seen.clock is not None
    assert seen.clock.tzinfo is not None
    found = health.judge(seen, catalog.load(), ["coredns", "cert-manager", "shared-pv", "downloader-rbac"])
    assert {n: found[n].state for n in ("coredns", "cert-manager", "shared-pv", "downloader-rbac", "kserve")} == {
        "coredns": "healthy",
        "cert-manager": "unhealthy",
        "shared-pv": "healthy",
        "downloader-rbac": "healthy",
        "kserve": "absent",
    }
    assert "CRD certificates.cert-manager.io is missing" in "".join(found["cert-manager"].details["problems"])


def test_definitions_are_known_by_what_is_served(api: Api) -> None:
    api.put(
        "customresourcedefinitions",
        {
            "metadata": {"name": "mpijobs.kubeflow.org"},
            "spec": {
                "group": "kubeflow.org",
                "scope": "Namespaced",
                "names": {"plural": "mpijobs", "kind": "MPIJob"},
                "versions": [{"name": "v1", "served": True, "storage": True}],
            },
            "status": {"conditions": [{"type": "Established", "status": "True"}]},
        },
    )
    with Kube(api.kubeconfig()) as client:
        crds = client.snapshot(catalog.load()).crds
    assert crds["mpijobs.kubeflow.org"]
    assert not crds["pytorchjobs.kubeflow.org"]


def test_long_lists_come_in_pages(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "PAGE", 3)
    api.put("pods", *(pod(f"p{n:02}") for n in range(10)))
    with Kube(api.kubeconfig()) as client:
        assert [p.name for p in client.snapshot(catalog.load()).pods] == [f"p{n:02}" for n in range(10)]


def test_another_address_and_name(api: Api) -> None:
    config = api.kubeconfig(server=f"https://{NAME}:6443")
    with Kube(config, server=api.url) as client:
        assert client.version() == "v1.24.3"
    with Kube(config, server=api.url, tls_server_name="127.0.0.1") as client:
        assert client.version() == "v1.24.3"


def refused(config: str, **more: str) -> KubeUnreachable:
    with Kube(config, **more) as client, pytest.raises(KubeUnreachable) as caught:
        client.snapshot(catalog.load())
    assert caught.value.fix
    return caught.value


def test_a_certificate_for_another_name_is_refused(api: Api) -> None:
    error = refused(api.kubeconfig(), server=api.url, tls_server_name="other.example")
    assert error.kind == "tls"
    assert "other.example" in error.message


def test_a_certificate_of_another_authority_is_refused(api: Api) -> None:
    stranger = Api()
    try:
        assert refused(stranger.kubeconfig(server=api.url)).kind == "tls"
    finally:
        stranger.remove()


def test_a_key_that_does_not_belong_to_the_certificate(api: Api) -> None:
    stranger = Api()
    try:
        key = [line for line in stranger.kubeconfig().splitlines() if "client-key-data" in line]
        mixed = [key[0] if "client-key-data" in line else line for line in api.kubeconfig().splitlines()]
        with pytest.raises(KubeconfigError, match="no certificate and its key"):
            Kube("\n".join(mixed))
    finally:
        stranger.remove()


def test_a_user_whom_the_api_does_not_know(api: Api) -> None:
    with Kube(api.kubeconfig(token="expired.token")) as client, pytest.raises(KubeUnauthorized) as caught:
        client.snapshot(catalog.load())
    assert caught.value.status == 401
    assert "expired.token" not in str(caught.value)


def test_nobody_listens(api: Api) -> None:
    api.stop()
    assert refused(api.kubeconfig()).kind == "refused"


def test_a_name_that_does_not_exist(api: Api) -> None:
    assert refused(api.kubeconfig(server="https://api.invalid:6443")).kind == "dns"


def test_no_answer_in_time(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = api.kubeconfig(server=f"https://127.0.0.1:{silent.getsockname()[1]}")
        with Kube(config, connect=0.3, read=0.3) as client, pytest.raises(KubeUnreachable) as caught:
            client.version()
    assert caught.value.kind == "timeout"


@contextmanager
def answering(api: Api, answer: bytes) -> Iterator[str]:
    """A TLS server with the API's certificate that gives `answer` to whatever it is asked; its URL."""
    at = Path(api._directory.name)
    tls = server_tls(at / "server.crt", at / "server.key", api.authority[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client, tls.wrap_socket(client, server_side=True) as conversation:
                    conversation.recv(65536)
                    conversation.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_redirects_are_not_followed(api: Api) -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with answering(api, away) as url, Kube(api.kubeconfig(), server=url) as client:
        with pytest.raises(KubeError) as caught:
            client.version()
        assert caught.value.status == 302


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"<html>", "protocol"), (b"[]", "protocol"), (b'{"gitVersion": ' + b"1" * 200 + b"}", "too-large")],
)
def test_answers_of_no_api_server(api: Api, body: bytes, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "LARGEST_ANSWER", 100)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    with answering(api, head + body) as url, Kube(api.kubeconfig(), server=url) as client:
        with pytest.raises(KubeError) as caught:
            client.version()
        assert caught.value.kind == kind


def test_an_answer_that_breaks_off(api: Api) -> None:
    with answering(api, b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{") as url:
        assert refused(api.kubeconfig(), server=url).kind == "dropped"


def test_an_object_of_another_shape(api: Api) -> None:
    api.put("pods", {**pod("odd"), "status": "running"})
    with Kube(api.kubeconfig()) as client, pytest.raises(KubeError) as caught:
        client.snapshot(catalog.load())
    assert caught.value.kind == "protocol"


def test_the_end_of_a_pods_log(api: Api) -> None:
    api.put("pods", pod("agent-1", container(ready=True)))
    with Kube(api.kubeconfig()) as client:
        text = client.pod_log_tail("cpod-system", "agent-1", lines=2)
        with pytest.raises(KubeError) as caught:
            client.pod_log_tail("cpod-system", "agent-9")
    assert len(text.splitlines()) == 2
    assert text.endswith('msg="ready"\n')
    assert caught.value.status == 404
