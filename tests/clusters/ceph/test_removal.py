from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clusters.ceph import CephState, Osd, Pool, purge_refusals, removal_refusals, state_from_resource
from tests.clusters.ceph.captured import AT, captured

GIB = 1 << 30


def cluster(hosts: int = 4, used: int = 10, domain: str = "host", size: int = 3) -> CephState:
    """Healthy, with one OSD of 100 GiB a host, each `used` GiB full."""
    osds = tuple(
        Osd(number, f"host{number}", True, True, "hdd", 100 * GIB, used * GIB, (100 - used) * GIB, 32)
        for number in range(hosts)
    )
    return replace(captured("healthy"), osds=osds, pools=(Pool("data", size, size - 1, domain),))


def only(refusals: list[str]) -> str:
    assert len(refusals) == 1, refusals
    return refusals[0]


def test_one_of_two_osds_of_a_host_may_go() -> None:
    assert removal_refusals(captured("healthy"), [5]) == []
    assert removal_refusals(captured("osd-out-empty"), [5]) == []


def test_both_osds_of_one_of_three_hosts_may_not() -> None:
    said = only(removal_refusals(captured("healthy"), [4, 5])[:1])
    assert said.startswith("The pool device_health_metrics keeps 3 copies, each on a host of its own.")
    assert "Without osd.4, osd.5 there would be 2: host1, host2. Add a host with a disk first." in said


def test_a_host_more_than_copies_may_go() -> None:
    assert removal_refusals(cluster(4), [3]) == []
    assert "there would be 2: host2, host3" in only(removal_refusals(cluster(4), [0, 1]))


def test_a_failed_disk_may_go_while_its_copies_are_missing() -> None:
    assert removal_refusals(captured("osd-down"), [0]) == []


def test_the_only_disk_of_a_third_host_may_go_when_it_has_failed() -> None:
    failed = captured("host-down")
    assert removal_refusals(failed, [0, 1]) == []
    assert "osd.1 on host1 is down as well" in removal_refusals(failed, [0])[0]
    out = replace(failed, osds=tuple(replace(osd, inside=osd.up, groups=0) for osd in failed.osds))
    assert purge_refusals(out, [0, 1]) == []
    full = replace(failed, osds=tuple(replace(osd, used=osd.size * 4 // 5) for osd in failed.osds))
    assert removal_refusals(full, [0, 1]) == []


def test_where_others_can_take_the_copies_a_failed_disk_is_purged_only_then() -> None:
    failed = captured("osd-down")
    out = replace(failed, osds=tuple(replace(osd, inside=osd.up, groups=0) for osd in failed.osds))
    assert "not active+clean" in only(purge_refusals(out, [0]))


def test_while_an_osd_is_down_no_other_may_go() -> None:
    refusals = removal_refusals(captured("osd-down"), [5])
    assert refusals[0] == "osd.0 on host1 is down as well. Bring it back first, or remove it first."
    assert "placement groups are not active+clean" in refusals[1]


def test_while_data_moves_none_may_go() -> None:
    assert "placement groups are not active+clean" in only(removal_refusals(captured("osd-out-moving"), [0]))
    both = removal_refusals(captured("osd-out-moving"), [4])
    assert "Without osd.4 there would be 2: host1, host2." in both[-1]


def test_a_full_cluster_gives_none_away() -> None:
    assert any(said.startswith("OSD_FULL: ") for said in removal_refusals(captured("full"), [5]))


def test_the_rest_must_hold_the_data() -> None:
    assert removal_refusals(cluster(5, used=60), [4]) == []
    said = only(removal_refusals(cluster(5, used=70), [4]))
    assert "the cluster would be 88% full (350.0 of 400.0 GiB); the limit is 85%" in said


def test_with_as_many_hosts_as_copies_the_data_stays_on_its_host() -> None:
    full = cluster(3, used=10)
    second = replace(full.osds[0], id=3, used=80 * GIB, free=20 * GIB)
    state = replace(full, osds=(*full.osds, second))
    assert "the host host0, which keeps a copy of everything, would be 90% full" in only(removal_refusals(state, [0]))
    wider = replace(state, osds=(*state.osds, replace(full.osds[1], id=4, host="host4")))
    assert removal_refusals(wider, [0]) == []


def test_a_single_node_counts_osds() -> None:
    assert removal_refusals(cluster(4, domain="osd"), [3]) == []
    assert "each on an osd of its own" in only(removal_refusals(cluster(3, domain="osd"), [2]))


def test_an_unknown_failure_domain_is_left_to_a_human() -> None:
    assert "spreads its copies over each rack" in only(removal_refusals(cluster(5, domain="rack"), [0]))


def test_flags_that_hold_data_back() -> None:
    state = replace(cluster(4), flags=("sortbitwise", "norebalance"))
    assert "The flag norebalance is set" in only(removal_refusals(state, [0]))


@pytest.mark.parametrize("ask", [removal_refusals, purge_refusals])
def test_what_is_not_known_is_refused(ask: object) -> None:
    assert callable(ask)
    state = captured("healthy")
    assert only(ask(state, [9])) == ("There is no osd.9; the cluster has osd.0, osd.1, osd.2, osd.3, osd.4, osd.5.")
    assert only(ask(state, [])) == "No OSD is named."
    assert "6 min old" in only(ask(state, [5], AT + timedelta(minutes=6)))
    assert "did not answer osd-df: timed out" in only(ask(replace(state, unread={"osd-df": "timed out"}), [5]))
    assert "Start the toolbox" in only(ask(state_from_resource({}, AT), [5]))


def test_an_osd_is_purged_when_it_is_empty() -> None:
    assert purge_refusals(captured("osd-out-empty"), [5]) == []
    assert "osd.5 is still in" in only(purge_refusals(captured("healthy"), [5]))
    assert "not active+clean" in purge_refusals(captured("osd-out-moving"), [5])[-1]
    empty = captured("osd-out-empty")
    mapped = replace(empty, osds=tuple(replace(osd, groups=3) for osd in empty.osds))
    assert only(purge_refusals(mapped, [5])) == "osd.5 still holds 3 placement groups. Wait until they have moved."
