"""`deploy add`, `deploy delete` and `deploy uninstall`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService
from tests.cli.test_deploy import DONE, GOOD, conf

__all__ = ["conf"]


@pytest.fixture(autouse=True)
def cluster(service: PlayedService) -> str:
    service.events, service.final = GOOD, DONE
    return str(service.add_cluster("site")["id"])


def test_new_hosts_of_a_file_are_registered_and_join(run: Run, service: PlayedService, conf: Path) -> None:
    service.added = [{"name": "m4"}, {"name": "m5"}]
    result = run("deploy", "add", "nodes", "site", "-f", str(conf), "--node", "m3", "--ignore-preflight", "swap")
    assert result.code == 0, result.err
    (sent,) = service.bodies("POST", "new-nodes")
    assert sent["configuration"] == conf.read_text() and sent["private_keys"]
    assert "name" not in sent
    (asked,) = service.bodies("POST", "operations")
    assert asked["kind"] == "add-nodes"
    assert asked["params"] == {"nodes": ["m3", "m4", "m5"], "ignore_preflight": ["swap"]}
    assert "Registered m4, m5 for site." in result.out


def test_a_file_without_new_hosts_starts_nothing(run: Run, service: PlayedService, conf: Path) -> None:
    result = run("deploy", "add", "nodes", "site", "-f", str(conf))
    assert result.code == 2
    assert "registered already" in result.err and "--node" in result.err
    assert run("deploy", "add", "nodes", "site").code == 2
    assert not service.bodies("POST", "operations")


def test_a_host_leaves(run: Run, service: PlayedService) -> None:
    assert run("deploy", "delete", "node", "w1", "site", "--drain-timeout", "2m", "--force").code == 0
    (asked,) = service.bodies("POST", "operations")
    assert (asked["kind"], asked["params"]) == ("remove-node", {"node": "w1", "drain_timeout": 120, "force": True})
    assert run("deploy", "delete", "node", "w1", "site", "--osd", "3", "--osd", "4").code == 0
    assert service.bodies("POST", "operations")[-1]["params"] == {"node": "w1", "osds": [3, 4]}
    assert run("deploy", "delete", "node", "w1", "site", "--drain-timeout", "soon").code == 2


def test_uninstalling_is_confirmed_with_the_name(
    run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsaid = run("deploy", "uninstall", "platform", "site")
    assert "--confirm site" in unsaid.err
    assert run("deploy", "uninstall", "platform", "site", "--force", "--confirm", "site").code == unsaid.code == 2
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda: "sight")
    assert run("deploy", "uninstall", "platform", "site").code == 2
    assert not service.bodies("POST", "operations")
    monkeypatch.setattr("builtins.input", lambda: "site")
    assert run("deploy", "uninstall", "platform", "site", "--keep-artifact").code == 0
    (asked,) = service.bodies("POST", "operations")
    assert (asked["kind"], asked["params"]) == ("uninstall", {"confirm": "site", "keep_artifact": True})
