"""Ceph over REST: as last read, judged at the moment of the question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clusters.api.ceph import CephSerializer
from clusters.ceph import state_from_answers
from clusters.models import CephReading, Cluster, Component
from tests.api import Api, problem, register
from tests.clusters.ceph.captured import answers

pytestmark = pytest.mark.integration


def keep(cluster: Cluster, name: str, age: float = 0, **other: Any) -> None:
    """A recorded state, as read `age` seconds ago."""
    at = timezone.now() - timedelta(seconds=age)
    state = state_from_answers(answers(name), at)
    CephReading.objects.create(
        cluster=cluster,
        taken_at=at,
        tried_at=at,
        source=state.source,
        health=state.health,
        state=state.to_json(),
        **other,
    )


def test_an_osd_that_is_down(api: Api) -> None:
    cluster = register(api)
    keep(cluster, "osd-down", age=30)
    said = api.get(f"clusters/{cluster.pk}/ceph").json()
    assert set(said) == set(CephSerializer().fields)
    assert (said["health"], said["state"], said["origin"]) == ("HEALTH_WARN", "degraded", "toolbox")
    assert said["age_seconds"] >= 30
    assert said["checks"][0]["code"] == "OSD_DOWN"
    assert said["checks"][0]["advice"] == said["advice"][0]
    capacity = said["capacity"]
    assert capacity["total_bytes"] == 12 << 30
    assert capacity["used_percent"] == round(100 * capacity["used_bytes"] / capacity["total_bytes"], 1)
    assert [(host["name"], len(host["osds"]), host["up"], host["inside"]) for host in said["hosts"]] == [
        ("host1", 2, 1, 2),
        ("host2", 2, 2, 2),
        ("host3", 2, 2, 2),
    ]
    assert said["hosts"][0]["osds"][0]["size_bytes"] == 2 << 30
    assert said["placement_groups"]["total"] == 33
    assert {pool["name"]: pool["min_size"] for pool in said["pools"]}["data"] == 2
    assert all(mon["in_quorum"] for mon in said["mons"])


def test_an_old_reading_is_not_taken_for_the_present(api: Api) -> None:
    cluster = register(api)
    keep(cluster, "healthy", age=900, error="the toolbox does not answer")
    said = api.get(f"clusters/{cluster.pk}/ceph").json()
    assert (said["health"], said["state"], said["error"]) == ("HEALTH_OK", "unknown", "the toolbox does not answer")
    assert "15 min old" in said["reason"]


def test_without_ceph_it_is_said_what_to_do(api: Api) -> None:
    cluster = register(api)
    said = problem(api.get(f"clusters/{cluster.pk}/ceph"), 404, "not-found")
    assert said["detail"] == f"Ceph is not installed on {cluster.name}."
    assert "3kctl deploy install ceph" in said["hint"]
    Component.objects.create(cluster=cluster, name="rook-ceph-cluster", kind="helm", state="healthy")
    said = problem(api.get(f"clusters/{cluster.pk}/ceph"), 404, "not-found")
    assert "has not been read yet" in said["detail"]
    assert "ceph-status" in said["hint"]
