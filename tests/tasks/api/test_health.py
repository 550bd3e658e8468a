"""Health over REST: what was last read, or that nothing was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from clusters.models import Component, HealthEvent, Observation
from clusters.snapshot import Node
from tests.api import Api, register

pytestmark = pytest.mark.integration


def test_before_the_first_reading(api: Api) -> None:
    cluster = register(api)
    health = api.get(f"clusters/{cluster.pk}/health").json()
    assert (health["state"], health["reachable"], health["nodes"]) == ("registered", None, [])
    assert api.get(f"clusters/{cluster.pk}/pods").json()["taken_at"] is None


def test_what_was_read(api: Api) -> None:
    cluster = register(api)
    pod = {"name": "p", "ready": "1/1", "status": "Running", "restarts": 0, "age_seconds": 60, "ip": "", "node": ""}
    pods = [{"namespace": space, **pod} for space in ("cpod", "rook")]
    nodes = [{**Node("host1", ready=True).to_json(), "state": "healthy"}]
    Observation.objects.create(
        cluster=cluster, taken_at=timezone.now(), reachable=False, error="no way", via="host1", nodes=nodes, pods=pods
    )
    Component.objects.create(
        cluster=cluster, name="kruise", kind="helm", state="degraded", reason="why", details={"announced": "x", "a": 1}
    )
    HealthEvent.objects.create(cluster=cluster, name="kruise", new_state="degraded")
    HealthEvent.objects.create(cluster=cluster, name="kruise", old_state="degraded", new_state="healthy")
    health = api.get(f"clusters/{cluster.pk}/health").json()
    assert (health["reachable"], health["error"]) == (False, "no way")
    assert health["nodes"] == nodes
    assert health["components"][0]["details"] == {"a": 1}
    assert [one["namespace"] for one in api.get(f"clusters/{cluster.pk}/pods").json()["results"]] == ["cpod", "rook"]
    only = api.get(f"clusters/{cluster.pk}/pods?namespace=rook").json()
    assert [one["namespace"] for one in only["results"]] == ["rook"]
    changes = api.get(f"clusters/{cluster.pk}/health-events?limit=1").json()
    assert [one["new_state"] for one in changes["results"]] == ["healthy"]
    assert changes["next"]
    assert len(api.get(f"clusters/{cluster.pk}/components?state=degraded").json()["results"]) == 1


def test_certificates_show_the_days_that_are_left_now(api: Api) -> None:
    cluster = register(api)
    assert api.get(f"clusters/{cluster.pk}/certificates").json() == {
        "state": None,
        "reason": "",
        "checked_at": None,
        "results": [],
    }
    ends = [timezone.now() + timedelta(days=days, hours=1) for days in (300, 5)]
    stored = [{"host": "host1", "path": f"{n}.crt", "ends_at": end.isoformat()} for n, end in enumerate(ends)]
    details = {"certificates": [*stored, {"host": "host2", "path": "broken.crt", "ends_at": None}]}
    Component.objects.create(cluster=cluster, name="certificates", state="unhealthy", reason="why", details=details)
    report = api.get(f"clusters/{cluster.pk}/certificates").json()
    assert (report["state"], report["reason"]) == ("unhealthy", "why")
    assert [(one["path"], one["days"]) for one in report["results"]] == [
        ("broken.crt", None),
        ("1.crt", 5),
        ("0.crt", 300),
    ]


def test_backups_are_listed_the_newest_first(api: Api) -> None:
    cluster = register(api)
    now = timezone.now()
    for age in (2, 0, 1):
        taken = now - timedelta(hours=age)
        cluster.backups.create(
            host="host1", directory="/d", name=f"{age}", size=1, sha256="ab", revision=2, keys=3, taken_at=taken
        )
    listed = api.get(f"clusters/{cluster.pk}/backups?limit=2").json()
    assert [one["name"] for one in listed["results"]] == ["0", "1"]
    assert listed["next"]
