"""Each table is kept word for word, as it is and with -o wide. UPDATE_HELP=1 writes it anew."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.api.client import Api
from cli.config import Config, Context
from tests.cli.conftest import Run
from tests.cli.played_service import KEY, PlayedService
from tests.cli.test_ceph import report as ceph_report
from tests.cli.test_events import change
from tests.cli.test_fleet import SEEN

KEPT = Path(__file__).parent / "tables"
AT = "2026-01-01T00:00:00Z"
TABLES = [
    "clusters",
    "nodes",
    "components",
    "pods",
    "ops",
    "status",
    "health",
    "events",
    "certificates",
    "drift",
    "backups",
    "ceph status",
    "clusters show",
    "context list",
]
WITH_WIDE = ("clusters", "nodes", "components", "ops")


@pytest.fixture
def site(service: PlayedService, monkeypatch: pytest.MonkeyPatch) -> PlayedService:
    """A cluster of which everything is known, at a time that stands still."""
    monkeypatch.setattr(Api, "now", lambda self: datetime(2026, 1, 1, 3, tzinfo=UTC))
    monkeypatch.setenv("COLUMNS", "240")
    demo = service.add_cluster("demo", state="degraded", kubernetes_version="v1.24.3", backup_hours=24, drift_hours=12)
    failure = {"step": "kubernetes", "host": "m1", "message": "etcd did not start"}
    service.add_operation(
        demo, "install", state="failed", progress=40, error=failure, finished_at="2026-01-01T00:03:12Z"
    )
    service.add_operation(demo, "check", state="running", dry_run=True)
    seen = {
        "ready": True,
        "roles": ["worker"],
        "kubelet_version": "v1.24.3",
        "cpu": 64,
        "memory": 512 << 30,
        "gpus": {"count": 8, "product": "A100"},
    }
    node: dict[str, Any] = {"address": "192.0.2.1", "port": 22, "user": "root", "jump": None}
    service.nodes = [
        {**node, "name": "m1", "role_groups": ["etcd", "control-plane"], "status": None},
        {**node, "name": "w1", "role_groups": ["worker"], "jump": "m1", "status": seen},
    ]
    part = {"namespace": "loki", "state": "unhealthy", "ready": 0, "desired": 1, "version": "2.6", "reason": "0 of 1"}
    more = {"kind": "helm", "chart_version": "2.8.1", "chosen": True, "checked_at": AT, "changed_at": AT}
    steps = [{"step": "packages", "title": "Install", "changed": ["w1"], "silent": ["m1"]}]
    service.components = [
        {"name": "loki-stack", **part, **more},
        {"name": "drift", "state": "degraded", "reason": "it differs", "details": {"steps": steps}},
    ]
    pod = {"namespace": "loki", "name": "loki-0", "ready": "0/1", "status": "Pending", "restarts": 2, "age_seconds": 61}
    ends = {"host": "m1", "path": "/etc/kubernetes/pki/apiserver.crt", "ends_at": "2026-01-06T00:00:00Z", "days": 5}
    kept = {"host": "m1", "store": "host", "directory": "/var/backups/sanqian", "name": "etcd-1.db", "size": 1 << 20}
    changed = {"at": AT, "subject": "component", "name": "loki-stack", "old_state": "healthy", "new_state": "unhealthy"}
    read = {"taken_at": AT, "checked_at": AT, "reachable": True, "error": ""}
    of = f"GET clusters/{demo['id']}"
    service.answers |= {
        "GET whoami": {},
        "GET events": {
            "now": AT,
            "position": "0",
            "results": [change(1), change(2, subject="operation", name="install")],
        },
        "GET fleet": SEEN,
        f"{of}/pods": {**read, "results": [{**pod, "ip": "10.0.0.9", "node": "w1"}]},
        f"{of}/certificates": {**read, "state": "unhealthy", "reason": "it ends", "results": [ends]},
        f"{of}/backups": {
            "next": None,
            "results": [{**kept, "taken_at": AT, "revision": 7, "keys": 9, "sha256": "ab" * 32}],
        },
        f"{of}/health-events": {"next": None, "results": [{**changed, "reason": "0 of 1"}]},
        f"{of}/ceph": ceph_report(),
    }
    context = Context("https://service.example.com", "sq_8b4ac51bdc_" + "x" * 40)
    Config(
        Path(os.environ["SANQIAN_CONFIG"]), "main", {"main": context, "lab": Context("http://127.0.0.1:8300", KEY)}
    ).save()
    return service


def kept(name: str, out: str) -> str:
    path = KEPT / f"{name.replace(' ', '-')}.txt"
    if os.environ.get("UPDATE_HELP"):
        path.write_text(out)
    return path.read_text()


@pytest.mark.parametrize("name", TABLES)
def test_table(run: Run, site: PlayedService, name: str) -> None:
    result = run(*name.split(), *(["--since", "1d"] if name == "events" else []))

    assert result.code == 0, result.err
    assert result.out == kept(name, result.out)
    if name in WITH_WIDE:
        wide = run(*name.split(), "-o", "wide").out
        assert wide == kept(f"{name}-wide", wide)
        assert len(wide.splitlines()[0]) > len(result.out.splitlines()[0])


def test_a_chinese_table(run: Run, site: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    out = run("status", "demo").out
    assert out == kept("status-zh", out)
