"""`doctor`: what it finds, and what it says to do."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.checks import cluster as of_cluster
from cli.checks import service as of_service
from cli.checks.finding import Finding, Level
from cli.config import Config, Context
from cli.verb import own_version
from tests.cli.conftest import Run
from tests.cli.played_service import KEY, OPERATOR, PlayedService
from tests.cli.test_fleet import SEEN

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
READY = {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "broker": "ok"}}
QUEUES = [{"name": name, "served": True} for name in ("control", "provision", "health")]
WORKING = {"version": "", "broker": True, "queues": QUEUES, "waiting": 0, "oldest_seconds": None}


def who(**fields: Any) -> dict[str, Any]:
    key = {"prefix": "8b4ac51bdc", "expires_at": None}
    limits = {"limits": {"clusters": 20, "operations": 10}, "usage": {"clusters": 1, "operations": 0}}
    return {"access_key": key, "customer": {"name": "First"}, "version": own_version(), **limits, **fields}


def levels(findings: list[Finding]) -> dict[str, str]:
    return {one.check: one.level.value for one in findings}


@pytest.fixture
def well(service: PlayedService) -> PlayedService:
    service.answers |= {"GET whoami": who(), "GET service": WORKING}
    service.beside = {"livez": (200, {"status": "ok"}), "readyz": (200, READY)}
    return service


def test_nothing_is_wrong(run: Run, well: PlayedService) -> None:
    now = datetime.now(UTC).isoformat()
    cluster = well.add_cluster("demo", checked_at=now)
    well.components = [
        {"name": name, "state": "healthy", "chosen": True} for name in ("coredns", "certificates", "backups", "drift")
    ]
    report = {"checked_at": now, "reachable": True, "nodes": [{"name": "m1", "ready": True}]}
    well.answers[f"GET clusters/{cluster['id']}/health"] = {**report, "components": well.components}

    result = run("doctor", "demo", "-o", "json")

    assert result.code == 0, result.out
    assert {one["level"] for one in result.json()["findings"]} == {"ok"}
    checks = {one["check"] for one in result.json()["findings"]}
    assert checks >= {"service", "database", "broker", "workers", "clock", "versions", "access-key", "configuration"}
    assert checks >= {"state", "reading-age", "nodes", "components", "certificates", "backups", "drift"}
    assert "Nothing is wrong." in run("doctor").out


def test_each_fault_is_said_with_what_to_do(run: Run, well: PlayedService) -> None:
    checks = {"database": "ok", "migrations": "ok", "broker": "does not answer"}
    well.beside["readyz"] = (503, {"type": "/problems/unavailable", "checks": checks})
    well.answers["GET service"] = {**WORKING, "broker": False}

    result = run("doctor")

    assert result.code == 1
    lines = result.out.splitlines()
    at = lines.index("error   Broker: does not answer.")
    assert lines[at + 1].startswith("        fix: Bring the broker back")
    assert lines[-1] == "Errors: 2, warnings: 0."


def test_a_service_that_is_away_or_does_not_know_the_key(
    run: Run, local: Run, well: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = local("doctor", "--server", "http://127.0.0.1:1", "--access-key", KEY)
    unknown = run("doctor", "--access-key", "sq_wrong", "-o", "json")

    assert (away.code, unknown.code) == (1, 1)
    assert "3kctl up" in away.out
    assert "command line, where other users see it" in away.out
    assert unknown.json()["findings"][-1]["check"] == "access-key"
    monkeypatch.delenv("SANQIAN_ACCESS_KEY")
    assert "Log in: 3kctl login" in local("doctor").out


def test_a_file_that_was_open_to_others(run: Run, well: PlayedService) -> None:
    path = Path(os.environ["SANQIAN_CONFIG"])
    Config(path, "", {"a": Context(well.address, KEY)}).save()
    path.chmod(0o640)

    result = run("doctor")

    assert result.code == 0
    assert f"warning {path} could be read by others until now" in result.out


def test_an_operator_sees_the_fleet(run: Run, well: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANQIAN_PASSWORD", OPERATOR[1])
    well.answers["GET fleet"] = SEEN

    result = run("doctor", "--user", OPERATOR[0])

    assert result.code == 0
    assert "1 workers answer; 3 of 8 slots are busy." in result.out
    assert "Worker h:9 does not answer and holds 1 steps." in result.out


def test_an_older_service_does_not_tell_of_workers(run: Run, well: PlayedService) -> None:
    del well.answers["GET service"]
    assert "too old to tell" in run("doctor").out


def test_the_hosts_are_checked_when_asked(run: Run, well: PlayedService) -> None:
    well.add_cluster("demo")
    well.events = [("end", {"state": "failed"})]
    well.final = {"state": "failed", "error": {"message": "4 GiB", "fix": "Add memory."}}

    result = run("doctor", "demo", "--preflight")

    assert result.code == 1
    assert "error   4 GiB\n        fix: Add memory." in result.out
    assert run("doctor", "--preflight").code == 2


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (-20, "warning"), (600, "error")])
def test_clocks(seconds: int, level: str) -> None:
    assert of_service.of_clock(timedelta(seconds=seconds)).level == level


@pytest.mark.parametrize(("days", "level"), [(90, "ok"), (20, "warning"), (3, "error"), (-1, "error")])
def test_the_end_of_the_key(days: int, level: str) -> None:
    ends = (NOW + timedelta(days=days)).isoformat()
    findings = list(of_service.of_key(who(access_key={"expires_at": ends}), KEY, NOW))
    assert levels(findings) == {"access-key": level}


def test_limits_versions_workers_and_waiting() -> None:
    full = who(usage={"clusters": 20, "operations": 0})
    assert levels(list(of_service.of_key(full, KEY, NOW)))["limits"] == "warning"
    assert of_service.of_versions("1", "2").level is Level.WARNING
    idle = {**WORKING, "queues": [{"name": "health", "served": False}], "waiting": 3, "oldest_seconds": 90.0}
    assert levels(list(of_service.of_work(idle))) == {"workers": "error", "waiting": "warning"}
    nobody = {**SEEN, "workers": [], "oldest_seconds": 1.0}
    assert levels(list(of_service.of_fleet(nobody))) == {"workers": "error", "beat": "warning", "waiting": "ok"}
    assert levels(list(of_service.of_fleet({**SEEN, "broker": False}))) == {"broker": "error"}
    assert levels(list(of_service.of_readiness(200, {}))) == {"ready": "error"}


def cluster_findings(row: dict[str, Any], health: dict[str, Any], last: Any = None) -> list[Finding]:
    return list(of_cluster.of_cluster({"name": "demo", **row}, health, last, NOW))


def test_a_cluster_that_is_ill() -> None:
    failed = {
        "id": "7",
        "kind": "install",
        "state": "failed",
        "error": {"step": "images", "message": "no", "fix": "Do."},
    }
    components = [
        {"name": "loki", "state": "unhealthy", "reason": "0 of 1", "namespace": "loki"},
        {"name": "kruise", "state": "absent", "chosen": True},
        {"name": "rook-ceph-cluster", "state": "degraded"},
        {"name": "certificates", "state": "unhealthy", "reason": "5 days"},
        {"name": "drift", "state": "healthy"},
    ]
    nodes = [{"name": "m1", "ready": True}, {"name": "w1", "ready": False, "reason": "silent"}]
    read = (NOW - timedelta(minutes=40)).isoformat()
    health = {"checked_at": read, "reachable": False, "error": "refused", "nodes": nodes, "components": components}

    findings = cluster_findings({"state": "degraded", "state_reason": "loki"}, health, failed)

    said = {one.message: one for one in findings}
    assert levels(findings) == {
        "state": "warning",
        "operation": "warning",
        "reading": "error",
        "reading-age": "error",
        "nodes": "error",
        "component": "error",
        "certificates": "error",
        "backups": "unknown",
        "drift": "ok",
    }
    assert said["loki is unhealthy. 0 of 1"].fix == "3kctl pods demo -n loki"
    assert said["kruise is absent."].fix.endswith("--software kruise")
    assert said["rook-ceph-cluster is degraded."].fix == "3kctl ceph status demo --details"
    assert said["The last operation, install, failed. images: no"].fix == "Do. Then go on: 3kctl retry 7"
    assert said["1 of 2 nodes are not ready: w1 (silent)."].fix
    assert all(one.fix for one in findings if not one.ok)


@pytest.mark.parametrize("state", ["registered", "failed", "installing"])
def test_a_cluster_that_was_never_read(state: str) -> None:
    active = {"kind": "install", "progress": 40.7} if state == "installing" else None

    findings = cluster_findings({"state": state, "active_operation": active}, {"checked_at": None})

    assert all(one.fix for one in findings if not one.ok)
    assert levels(findings)["reading"] == "unknown"
