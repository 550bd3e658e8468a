"""The install plan's phases on hosts, driven by real workers, as far as they need no cluster tools."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tasks.models import Operation, Outcome
from tasks.plans.site import PACKAGES
from tasks.services import request_operation
from tests.tasks.actions.conftest import Site
from tests.tasks.conftest import fleet  # noqa: F401 - a fixture
from tests.tasks.test_driving import finish
from tests.workers import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.lab]
PHASES = ["preflight", "ssh-trust", "artifact", "configuration", "packages"]
TOOL = '#!/bin/sh\necho "SIMULATED $0 $*"\n'


def build(directory: Path) -> Path:
    """An artifact of the real layout whose tools and packages do nothing."""
    root = directory / "root"
    for name in ("bin", "conf", "packages", "helm-charts", "deploy/values", "deploy/yaml_apps"):
        (root / name).mkdir(parents=True)
    for tool in ("kk", "helm"):
        (root / "bin" / tool).write_text(TOOL)
        (root / "bin" / tool).chmod(0o755)
    for name in PACKAGES:
        tree = directory / name / "DEBIAN"
        tree.mkdir(parents=True)
        (tree / "control").write_text(
            f"Package: {name}\nVersion: 9.9\nArchitecture: amd64\nMaintainer: none\nDescription: SIMULATED {name}\n"
        )
        file = root / "packages" / f"{name}_9.9_amd64.deb"
        subprocess.run(["dpkg-deb", "--build", str(tree.parent), str(file)], check=True, capture_output=True)
    path = directory / "small.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for entry in sorted(root.iterdir()):
            tar.add(entry, entry.name)
    return path


@pytest.fixture
def artifact(site: Site, settings: Any, tmp_path: Path, put_back: Callable[[str, str], None]) -> str:
    path = build(tmp_path)
    artifacts = Path(settings.ARTIFACT_DIR)
    artifacts.mkdir(parents=True, exist_ok=True)
    path.rename(artifacts / path.name)
    put_back("master1", "rm -rf /root/3k")
    for host in ("master1", "master2", "worker1"):
        put_back(host, f"dpkg -P {' '.join(PACKAGES)}; rm -rf /var/lib/sanqian/packages")
    return path.name


def run(site: Site, fleet: Fleet, **params: Any) -> Operation:  # noqa: F811
    operation = request_operation(site.cluster, "install", {"phases": PHASES, **params}, actor="test")
    state = finish(operation, fleet, 60)
    assert state == "succeeded", (operation.error, list(operation.steps.values_list("key", "error")), fleet.log())
    return operation


def test_hosts_are_prepared_once(site: Site, fleet: Fleet, artifact: str) -> None:  # noqa: F811
    fleet.worker()
    operation = run(site, fleet, artifact={"file": artifact})
    outcomes = dict(operation.steps.values_list("key", "outcome"))
    assert outcomes.pop("preflight") == Outcome.CHECKED
    assert set(outcomes.values()) == {Outcome.CHANGED}
    for host in ("master1", "master2", "worker1"):
        said = site.on(host, f"dpkg-query -W -f '${{Package}} ${{Status}}\\n' {' '.join(PACKAGES)}")
        assert said.count("install ok installed") == len(PACKAGES)
    assert site.on("master1", "stat -c %a /root/3k/artifact/cluster.yaml") == "600"
    written = YAML(typ="safe").load(site.on("master1", "cat /root/3k/artifact/cluster.yaml"))
    hosts = {host["name"]: host for host in written["spec"]["hosts"]}
    assert list(hosts) == ["master1", "master2", "worker1"]
    assert {host["privateKeyPath"] for host in hosts.values()} == {"/root/.ssh/id_sanqian"}
    assert written["spec"]["roleGroups"]["worker"] == ["worker1"]

    again = run(site, fleet, artifact={"file": artifact})
    outcomes = dict(again.steps.values_list("key", "outcome"))
    assert outcomes.pop("preflight") == Outcome.CHECKED
    assert set(outcomes.values()) == {Outcome.ALREADY}


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    site: Site,
    fleet: Fleet,  # noqa: F811
    artifact: str,
) -> None:
    fleet.worker()
    operation = request_operation(
        site.cluster, "install", {"phases": PHASES, "artifact": {"file": artifact}}, dry_run=True, actor="test"
    )
    assert finish(operation, fleet, 60) == "succeeded", (operation.error, fleet.log())
    outcomes = dict(operation.steps.values_list("key", "outcome"))
    assert set(outcomes.values()) <= {Outcome.WOULD_CHANGE, Outcome.UNKNOWN, Outcome.CHECKED}
    assert outcomes["packages"] == outcomes["ssh-trust"] == Outcome.WOULD_CHANGE
    assert site.on("master1", "ls /root/3k 2>/dev/null || echo none") == "none"
