from __future__ import annotations

import json

import pytest

from clusters.ceph import COMMANDS, CephAnswerError, CephState, state_from_answers
from tests.clusters.ceph.captured import AT, STATES, answers, captured

GIB = 1 << 30


@pytest.mark.parametrize("name", STATES)
def test_every_recorded_state_is_read_whole(name: str) -> None:
    assert set(answers(name)) == set(COMMANDS)
    state = captured(name)
    assert state.health == answers(name)["status"]["health"]["status"]
    assert len(state.osds) == 6
    assert [mon.name for mon in state.mons] == ["a", "b", "c"]
    assert state.used + state.free == state.total
    assert state.group_count == answers(name)["status"]["pgmap"]["num_pgs"]
    assert CephState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_healthy_cluster() -> None:
    state = captured("healthy")
    assert (state.health, state.checks) == ("HEALTH_OK", ())
    assert {host: [osd.id for osd in osds] for host, osds in state.hosts.items()} == {
        "host1": [0, 1],
        "host2": [2, 3],
        "host3": [4, 5],
    }
    assert all(osd.up and osd.inside and osd.size == 2 * GIB and osd.groups for osd in state.osds)
    assert state.total == 12 * GIB
    assert state.used > 3 * 400 << 20
    assert state.clean == state.group_count == 33
    assert state.manager in ("x", "y")
    assert state.standbys == 1
    assert state.versions == {
        "mon": {"16.2.15 pacific": 3},
        "mgr": {"16.2.15 pacific": 2},
        "osd": {"16.2.15 pacific": 6},
    }
    pool = next(pool for pool in state.pools if pool.name == "data")
    assert (pool.size, pool.min_size, pool.failure_domain, pool.erasure_coded) == (3, 2, "host", False)
    assert pool.stored >= 400 << 20
    assert (round(state.nearfull_ratio, 2), round(state.full_ratio, 2)) == (0.85, 0.95)


def test_an_osd_that_is_down() -> None:
    state = captured("osd-down")
    assert [osd.id for osd in state.osds if not osd.up] == [0]
    assert all(osd.inside for osd in state.osds)
    check = state.check("OSD_DOWN")
    assert check is not None
    assert (check.severity, check.message, check.muted) == ("HEALTH_WARN", "1 osds down", False)
    assert check.details == ("osd.0 (root=default,host=host1) is down",)
    assert 0 < state.clean < state.group_count


def test_an_osd_that_is_out_counts_in_no_capacity() -> None:
    state = captured("osd-out-empty")
    out = next(osd for osd in state.osds if not osd.inside)
    assert (out.id, out.up, out.size, out.groups) == (5, True, 0, 0)
    assert state.total == 10 * GIB


def test_a_monitor_that_is_down() -> None:
    state = captured("mon-down")
    assert [(mon.name, mon.active) for mon in state.mons] == [("a", True), ("b", True), ("c", False)]


def test_a_muted_check_is_kept_apart() -> None:
    state = captured("muted")
    assert state.health == "HEALTH_OK"
    assert [(check.code, check.muted) for check in state.checks] == [("OSDMAP_FLAGS", True)]
    assert state.raised == ()
    assert "noout" in state.flags


def test_slow_requests_are_counted() -> None:
    assert captured("slow-ops").slow_ops > 0
    assert captured("healthy").slow_ops == 0


def test_the_status_alone_gives_what_it_holds() -> None:
    state = state_from_answers({"status": answers("osd-down")["status"]}, AT, {"osd-df": "timed out"})
    assert [check.code for check in state.checks] == ["OSD_DOWN", "PG_DEGRADED"]
    assert [mon.name for mon in state.mons] == ["a", "b", "c"]
    assert (state.osds, state.pools, state.unread) == ((), (), {"osd-df": "timed out"})
    assert state.total == 12 * GIB
    assert state.manager


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"status": {"pgmap": {}}}, "`ceph status -f json` answered what cannot be read: no field 'health'"),
        ({"osd-tree": {"nodes": [{"id": 1}]}}, "`ceph osd tree -f json` answered what cannot be read: no field 'type'"),
        ({"df": []}, "`ceph df -f json` answered what cannot be read"),
        ({"osd-dump": {"pools": [{"pool_name": "p"}]}}, "`ceph osd dump -f json` answered"),
    ],
)
def test_what_is_no_answer_of_ceph_is_told(broken: dict[str, object], said: str) -> None:
    with pytest.raises(CephAnswerError, match="^" + said.replace("(", r"\(")):
        state_from_answers({**answers("healthy"), **broken}, AT)


def test_without_a_status_nothing_is_known() -> None:
    with pytest.raises(CephAnswerError, match="no answer"):
        state_from_answers({}, AT)
