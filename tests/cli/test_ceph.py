from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService

TIB = 1 << 40


def osd(number: int, **other: Any) -> dict[str, Any]:
    sizes = {"size_bytes": TIB, "used_bytes": TIB // 4, "free_bytes": TIB * 3 // 4}
    known = {"id": number, "up": True, "inside": True, "device_class": "ssd", **sizes, "placement_groups": 33}
    return {**known, **other}


def report(**other: Any) -> dict[str, Any]:
    hosts = [
        {"name": "w1", "up": 2, "inside": 2, "osds": [osd(0), osd(1)]},
        {"name": "w2", "up": 0, "inside": 0, "osds": [osd(2, up=False, inside=False, size_bytes=0, used_bytes=0)]},
    ]
    check = {
        "code": "OSD_DOWN",
        "severity": "HEALTH_WARN",
        "message": "1 osds down",
        "details": ["osd.2 is down"],
        "muted": False,
        "advice": "Replace the disk.",
    }
    pool = {"name": "data", "size": 3, "min_size": 2, "failure_domain": "host", "erasure_coded": False}
    known = {
        "taken_at": "2026-01-01T00:00:00Z",
        "origin": "toolbox",
        "error": "",
        "health": "HEALTH_WARN",
        "state": "degraded",
        "reason": "HEALTH_WARN",
        "checks": [check],
        "slow_ops": 0,
        "capacity": {
            "total_bytes": 2 * TIB,
            "used_bytes": TIB // 2,
            "free_bytes": TIB * 3 // 2,
            "used_percent": 25.0,
            "nearfull_percent": 85.0,
            "full_percent": 95.0,
        },
        "hosts": hosts,
        "mons": [{"name": "a", "in_quorum": True}, {"name": "b", "in_quorum": False}],
        "manager": "x",
        "standbys": 1,
        "placement_groups": {"total": 33, "clean": 30, "states": {"active+clean": 30, "active+undersized": 3}},
        "pools": [{**pool, "stored_bytes": TIB // 8, "available_bytes": TIB // 2}],
        "versions": {"osd": {"17.2.6 quincy": 3}, "mon": {"17.2.6 quincy": 2}},
        "flags": [],
        "unread": {},
    }
    return {**known, **other}


def serve(service: PlayedService, **other: Any) -> dict[str, Any]:
    cluster = service.add_cluster("demo")
    said = report(**other)
    service.answers[f"GET clusters/{cluster['id']}/ceph"] = said
    return said


def test_status(run: Run, service: PlayedService) -> None:
    said = serve(service)
    lines = run("ceph", "status").out.splitlines()
    assert lines[0] == "demo  HEALTH_WARN  (degraded)"
    assert lines[1].startswith("read ")
    assert "OSD_DOWN: 1 osds down" in lines
    assert "  fix: Replace the disk." in lines
    assert "  osd.2 is down" not in lines
    assert "capacity: [########......................] 25%  512GiB of 2TiB, 1.5TiB free" in lines
    assert "monitors: 1 of 2 in quorum, without b; manager: x, 1 standing by" in lines
    assert "placement groups: 30 of 33 active+clean; 3 active+undersized" in lines
    assert "version: 17.2.6 quincy" in lines
    rows = [line.split() for line in lines]
    assert ["w1", "2", "2", "2", "2TiB", "512GiB", "1.5TiB", "25%"] in rows
    assert ["w2", "1", "0", "0", "-", "-", "768GiB", "-"] in rows
    assert ["data", "3", "2", "host", "128GiB", "512GiB"] in rows
    assert run("ceph", "status", "-o", "json").json() == said


def test_details(run: Run, service: PlayedService) -> None:
    serve(service)
    out = run("ceph", "status", "--details").out
    assert "  osd.2 is down" in out.splitlines()
    assert ["w1", "1", "ssd", "yes", "yes", "1TiB", "256GiB", "768GiB", "25%", "33"] in [
        line.split() for line in out.splitlines()
    ]


def test_what_is_mixed_slow_or_unread_is_said(run: Run, service: PlayedService) -> None:
    versions = {"osd": {"17.2.6 quincy": 2, "16.2.15 pacific": 1}}
    serve(service, versions=versions, slow_ops=7, flags=["noout"], unread={"osd-df": "no answer in time"})
    out = run("ceph", "status").out
    assert "versions: osd 17.2.6 quincy (2), osd 16.2.15 pacific (1)" in out
    for line in ("slow requests: 7", "flags: noout", "not read: osd-df: no answer in time"):
        assert line in out.splitlines()


def test_by_rooks_resource_alone(run: Run, service: PlayedService) -> None:
    nothing: dict[str, Any] = {"hosts": [], "mons": [], "pools": [], "versions": {}}
    serve(service, origin="resource", error="the toolbox does not answer", state="unknown", reason="too old", **nothing)
    out = run("ceph", "status").out
    assert "from Rook's resource alone" in out
    for line in ("the toolbox does not answer", "too old"):
        assert line in out.splitlines()
    assert "monitors" not in out.splitlines()[3:]


def test_ceph_that_is_not_there(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    result = run("ceph", "status")
    assert result.code == 5
    assert "fix: Install it first." in result.err


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1)])
def test_now(run: Run, service: PlayedService, state: str, code: int) -> None:
    serve(service)
    service.events, service.final = [("end", {"state": state})], {"state": state}
    result = run("ceph", "status", "--now")
    assert result.code == code
    assert ("capacity:" in result.out) == (code == 0)
    assert service.bodies("POST", "operations")[0]["kind"] == "ceph-status"
