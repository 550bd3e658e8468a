"""The service connects to the address that was judged, and to none that is refused."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from clusters import reach
from clusters.kube import Kube, KubeUnreachable
from clusters.reach import Names, Refused, check, check_url, resolve
from tests.clusters.api_server import Api

PRIVATE, OTHER, LOOPBACK = "10.0.0.7", "10.0.0.8", "127.0.0.1"


@pytest.fixture(autouse=True)
def _strict(settings: Any) -> None:
    settings.ALLOW_NETWORKS = settings.REFUSE_NETWORKS = []


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """A resolver: for each name its answers one after another, the last for good; none is an unknown name."""
    told: dict[str, list[list[str]]] = {}

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
        left = told.get(host, [[]])
        found = left.pop(0) if len(left) > 1 else left[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(reach.socket, "getaddrinfo", getaddrinfo)
    return told


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "localhost", "LOCALHOST.", "db.localhost", "localhost.localdomain", "169.254.169.254"]
)
def test_what_is_written_is_judged_without_a_resolver(host: str, answers: dict[str, list[list[str]]]) -> None:
    with pytest.raises(Refused, match="SANQIAN_ALLOW_NETWORKS"):
        check(host, 22)
    for good in ("10.0.0.1", "s3.example.com", "server1.localdomain", "localhost.example.com"):
        check(good, 22)


def test_addresses_within_urls() -> None:
    for url in ("http://127.0.0.1/", "https://[::1]:9000", "http://localhost:9000/", "https://h.example.com:99999"):
        with pytest.raises(Refused):
            check_url(url)
    check_url("https://10.0.0.9:9000")


def test_a_name_is_connected_to_where_it_was_judged(answers: dict[str, list[list[str]]]) -> None:
    answers["both"], answers["bad"] = [[LOOPBACK, PRIVATE]], [["169.254.169.254"]]
    assert resolve("both", 22) == [PRIVATE]
    with pytest.raises(Refused, match=r"bad \(169.254.169.254\) leads into"):
        resolve("bad", 22)
    names = Names()
    answers["turns"] = [[PRIVATE], [LOOPBACK]]
    assert [names.address_of("turns", 22) for _ in range(2)] == [PRIVATE] * 2
    assert names.address_of(OTHER, 22) == OTHER


def test_the_last_address_holds_while_it_may(
    answers: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "REMEMBERED", 0.0)
    names = Names()
    answers["host"] = [[PRIVATE], [OTHER, PRIVATE], [], [OTHER], [LOOPBACK]]
    assert [names.address_of("host", 22) for _ in range(4)] == [PRIVATE, PRIVATE, PRIVATE, OTHER]
    with pytest.raises(Refused):
        names.address_of("host", 22)
    with pytest.raises(OSError, match="unknown"):
        names.address_of("nobody", 22)


def test_the_services_own_data_is_refused_though_its_network_is_not(
    answers: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    answers["postgres"], answers["valkey"] = [[PRIVATE]], [[OTHER]]
    monkeypatch.setitem(settings.DATABASES, "default", {"HOST": "postgres", "PORT": 5432})
    settings.BROKER_URL = "redis://valkey:6379/0"
    check(PRIVATE, 22)
    for host, port in ((PRIVATE, 5432), (OTHER, 6379)):
        with pytest.raises(Refused, match="keeps its own data"):
            check(host, port)


@pytest.mark.integration
def test_an_api_server_is_spoken_to_only_where_it_may_be(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        with Kube(api.kubeconfig(server=url)) as client, pytest.raises(KubeUnreachable) as caught:
            client.version()
        assert caught.value.kind == "refused-address" and "SANQIAN_ALLOW_NETWORKS" in caught.value.fix

    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.setblocking(False)
        url = f"https://{LOOPBACK}:{listener.getsockname()[1]}"
        refused()
        with pytest.raises(BlockingIOError):  # nobody has connected
            listener.accept()
        # A name that means another address when it is connected to than it did when it was judged.
        monkeypatch.setattr(reach, "resolve", lambda host, port: [PRIVATE])
        refused()
        client, _ = listener.accept()
        with client:
            assert client.recv(1) == b""  # nothing was said
    # A tunnel's end is the service's own.
    with Kube(api.kubeconfig(), server=api.url) as tunnelled:
        assert tunnelled.version()
