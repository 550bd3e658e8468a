"""Which snapshots fit which hosts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.plans.restorable import Member, initial_cluster, judge, member

SAID = """name=etcd-m1
peer=https://10.0.0.1:2380
version=3.4.13
room=900000
stage_room=800000
peers=https://10.0.0.1:2380 https://10.0.0.2:2380 """
ONE = Member("m1", "etcd-m1", "https://10.0.0.1:2380", "3.4.13", 900000, 800000, ())
TWO = replace(ONE, host="m2", name="etcd-m2", peer="https://10.0.0.2:2380")
FITS: dict[str, Any] = {
    "members": [ONE, TWO],
    "kubernetes": {"m1": "v1.24.3"},
    "size": 1 << 20,
    "etcd_version": "3.4.13",
    "kubernetes_version": "v1.24.3",
    "then": [ONE.peer, TWO.peer],
}


def judged(**changed: Any) -> list[str]:
    given = {**FITS, **changed}
    return [one.message for one in judge(given.pop("members"), given.pop("kubernetes"), **given)]


def test_what_a_host_says_is_read() -> None:
    assert member("m1", SAID) == replace(ONE, peers=(ONE.peer, TWO.peer))
    assert initial_cluster([ONE, TWO]) == "etcd-m1=https://10.0.0.1:2380,etcd-m2=https://10.0.0.2:2380"


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"etcd_version": "3.4.1"},
        {"kubernetes_version": "v1.24.9"},
        {"then": [ONE.peer, "https://10.0.0.9:2380"]},  # members have come and gone since
        {"etcd_version": "", "kubernetes_version": "", "then": []},  # nothing was noted of it
    ],
)
def test_what_fits(changed: dict[str, Any]) -> None:
    assert judged(**changed) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"members": [replace(ONE, name="")]}, "etcd on m1 is not laid out as kk does it"),
        ({"members": [replace(ONE, version="")]}, "etcd on m1 is not laid out as kk does it"),
        ({"members": [replace(ONE, peers=(ONE.peer, TWO.peer))]}, f"not registered: {TWO.peer}"),
        ({"members": [replace(ONE, stage_room=1000)]}, "m1 has 1000 KiB left"),
        ({"etcd_version": "3.5.0"}, "etcd 3.5.0, newer than 3.4.13 on m1"),
        ({"kubernetes": {"m1": "v1.25.0"}}, "of Kubernetes v1.24.3, and m1 has v1.25.0"),
        ({"then": ["https://192.0.2.9:2380"]}, "None of the members of then"),
    ],
)
def test_what_does_not(changed: dict[str, Any], says: str) -> None:
    assert says in judged(**changed)[0]
