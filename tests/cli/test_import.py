"""`import`: a cluster that exists already."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService
from tests.cli.test_deploy import DONE, GOOD, conf

__all__ = ["conf"]
MATCH = {
    "record": {
        "settings": {"kubernetes_version": "v1.26.1", "network_plugin": "cilium"},
        "hosts": {"m1": ["etcd", "control-plane"]},
        "nodes": {"m1": ["control-plane"], "w9": ["worker"]},
        "parts": [{"name": "loki-stack", "chart_version": "2.8.1", "version": ""}],
        "charts": [
            {"namespace": "apps", "release": "web", "chart": "nginx", "version": "15.1.0", "status": "deployed"}
        ],
        "ceph": [{"namespace": "rook-ceph", "name": "rook-ceph", "hosts": ["w9"], "classes": ["fast", "shared"]}],
    },
    "changes": {"kubernetes_version": ["v1.24.3", "v1.26.1"]},
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "admin.conf"
    file.write_text("apiVersion: v1\nkind: Config\n")
    return file


def play(service: PlayedService, path: str) -> None:
    cluster = service.add_cluster("other")
    operation = service.add_operation(cluster, "import")
    service.events = GOOD
    service.final = {**DONE, "steps": [{"key": "match", "title": "Compare", "state": "succeeded", "result": MATCH}]}
    service.once[f"POST {path}"] = [(202, {}, operation)]


def test_hosts_and_a_kubeconfig_are_sent_and_what_is_recorded_is_shown(
    run: Run, service: PlayedService, conf: Path, kubeconfig: Path
) -> None:
    play(service, "clusters/import")
    result = run("import", "theirs", "-f", str(conf), "--kubeconfig", str(kubeconfig))
    assert result.code == 0, result.err
    (sent,) = service.bodies("POST", "clusters/import")
    assert sent["configuration"] == conf.read_text() and sent["private_keys"]
    assert (sent["name"], sent["kubeconfig"], sent["dry_run"]) == ("theirs", kubeconfig.read_text(), False)
    lines = [line.split() for line in result.out.splitlines()]
    assert ["setting", "kubernetes_version", "v1.26.1", "(was", "v1.24.3)"] in lines
    assert ["host", "m1", "etcd,", "control-plane"] in lines
    assert ["node", "w9", "worker;", "no", "SSH", "access"] in lines
    assert ["component", "loki-stack", "2.8.1"] in lines
    assert ["ceph", "rook-ceph/rook-ceph", "w9;", "fast,", "shared"] in lines
    assert ["release", "apps/web", "nginx", "15.1.0", "(deployed)"] in lines


def test_a_cluster_that_is_known_is_read_again(run: Run, service: PlayedService) -> None:
    known = service.add_cluster("theirs")
    play(service, f"clusters/{known['id']}/import")
    assert run("import", "theirs", "--dry-run").code == 0
    assert service.bodies("POST", "/import") == [{"dry_run": True}]


def test_what_is_missing_is_named(run: Run, service: PlayedService, tmp_path: Path) -> None:
    nothing = run("import", "theirs")
    assert nothing.code == 2 and "--kubeconfig FILE" in nothing.err
    assert "3kctl import NAME" in run("import").err
    absent = run("import", "theirs", "--kubeconfig", str(tmp_path / "absent"))
    assert absent.code == 2 and "cannot be read" in absent.err
    assert not service.bodies("POST", "/import")
