from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clusters.ceph import state_from_resource, with_reading
from clusters.ceph.rules import ADVICE, STALE, judge
from clusters.health import ComponentHealth
from tests.clusters.ceph.captured import AT, STATES, captured


def resource(health: str = "HEALTH_WARN", phase: str = "Ready", **details: str) -> dict[str, Any]:
    ceph = {
        "health": health,
        "details": {code: {"severity": health, "message": text} for code, text in details.items()},
        "lastChecked": AT.isoformat(),
        "capacity": {"bytesTotal": 300, "bytesUsed": 100, "bytesAvailable": 200},
        "versions": {"osd": {"ceph version 17.2.6 (d7ff) quincy (stable)": 3}, "overall": {}},
        "fsid": "f",
    }
    return {"status": {"phase": phase, "ceph": ceph if health else {}}}


@pytest.mark.parametrize(
    ("name", "state", "said"),
    [
        ("healthy", "healthy", ""),
        ("muted", "healthy", ""),
        ("osd-out-empty", "healthy", ""),
        ("osd-down", "degraded", "HEALTH_WARN; OSD_DOWN: 1 osds down; PG_DEGRADED: Degraded data redundancy"),
        ("host-down", "degraded", "HEALTH_WARN; OSD_DOWN: 2 osds down; OSD_HOST_DOWN: 1 host (2 osds) down"),
        ("mon-down", "degraded", "HEALTH_WARN; MON_DOWN: 1/3 mons down, quorum a,b"),
        ("nearfull", "degraded", "OSD_NEARFULL"),
        ("full", "unhealthy", "HEALTH_ERR; OSD_FULL"),
        ("slow-ops", "degraded", "SLOW_OPS"),
    ],
)
def test_the_health_of_recorded_states(name: str, state: str, said: str) -> None:
    verdict = judge(captured(name), AT)
    assert verdict.state == state
    assert said in verdict.reason
    assert bool(verdict.advice) == (state != "healthy")


@pytest.mark.parametrize("name", STATES)
def test_each_check_that_was_recorded_has_an_advice(name: str) -> None:
    for check in captured(name).checks:
        assert ADVICE.get(check.code), check.code


def test_an_old_reading_says_nothing_of_the_present() -> None:
    verdict = judge(captured("healthy"), AT + timedelta(seconds=STALE + 60))
    assert verdict.state == "unknown"
    assert "6 min old" in verdict.reason
    assert judge(captured("healthy"), AT + timedelta(seconds=STALE)).state == "healthy"


def test_data_that_cannot_be_reached_is_worse_than_a_warning() -> None:
    state = state_from_resource(resource(PG_AVAILABILITY="Reduced data availability: 3 pgs inactive"), AT)
    assert judge(state, AT).state == "unhealthy"


def test_rooks_resource_alone() -> None:
    state = state_from_resource(resource(OSD_DOWN="1 osds down"), AT)
    assert (state.total, state.used, state.free, state.fsid) == (300, 100, 200, "f")
    assert state.versions == {"osd": {"17.2.6 quincy": 3}}
    assert judge(state, AT).reason == "HEALTH_WARN; OSD_DOWN: 1 osds down"
    assert "Rook's operator" in judge(state, AT + timedelta(hours=1)).reason


def test_a_cluster_that_rook_still_makes() -> None:
    verdict = judge(state_from_resource(resource("", "Progressing"), AT), AT)
    assert (verdict.state, verdict.reason) == ("progressing", "Rook is Progressing")
    assert judge(state_from_resource({}, AT), AT).state == "progressing"


def test_the_component_gets_numbers_and_is_as_bad_as_ceph() -> None:
    rook = ComponentHealth("rook-ceph-cluster", "healthy", 5, 5, details={"parts": []})
    well = with_reading(rook, captured("healthy"), AT)
    assert (well.state, well.reason) == ("healthy", "")
    assert well.details["parts"] == []
    numbers = well.details["ceph"]
    assert (numbers["osds"], numbers["osds_up"], numbers["mons_in_quorum"]) == (6, 6, 3)
    full = with_reading(rook, captured("full"), AT)
    assert full.state == "unhealthy"
    assert full.details["problems"] == [full.reason]


def test_the_component_is_not_made_better_nor_judged_by_the_past() -> None:
    rook = ComponentHealth("rook-ceph-cluster", "unhealthy", reason="HEALTH_ERR")
    assert with_reading(rook, captured("healthy"), AT).reason == "HEALTH_ERR"
    assert with_reading(rook, captured("full"), AT + timedelta(hours=1)) is rook
    absent = ComponentHealth("rook-ceph-cluster", "absent")
    assert with_reading(absent, captured("healthy"), AT) is absent
