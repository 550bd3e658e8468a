"""The plan of a backup."""

from __future__ import annotations

import pytest

from tasks.plan import Action, PlanError, Script
from tasks.plans import make
from tests.tasks.plans.sites import cluster


def test_every_member_of_etcd_keeps_one_and_takes_it_alone() -> None:
    snapshot, record = make("backup", cluster(), {"keep": 3, "directory": "/srv/etcd/"}).steps
    assert snapshot.hosts == ("master1", "master2", "master3")
    assert snapshot.parallel == 1
    assert isinstance(snapshot.do, Script) and isinstance(record.do, Action)
    assert (snapshot.do.env["DIRECTORY"], snapshot.do.env["KEEP"]) == ("/srv/etcd", "3")
    assert record.do.args == {"hosts": list(snapshot.hosts), "directory": "/srv/etcd"}


def test_the_newest_is_copied_where_the_cluster_has_a_store() -> None:
    stored = cluster(backup_store="s3", backup_endpoint="http://store.example.org")
    plan = make("backup", stored, {"keep": 3})
    step = plan.steps[-1]
    assert (step.key, step.after) == ("store-backup", ("record-backups",))
    assert isinstance(step.do, Action) and step.do.args["keep"] == 3
    assert "plain HTTP" in plan.notes[0]
    assert not make("backup", cluster(backup_store="s3", backup_endpoint="https://store.example.org"), {}).notes
    assert make("backup", stored, {"store": False}).steps[-1].key == "record-backups"
    assert make("backup", cluster(), {}).steps[-1].key == "record-backups"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"hosts": ["worker1"]}, "hosts[0]"),
        ({"hosts": []}, "hosts"),
        ({"directory": "/"}, "directory"),
        ({"keep": 0}, "keep"),
    ],
)
def test_what_makes_no_backup_is_refused(params: dict[str, object], field: str) -> None:
    with pytest.raises(PlanError) as caught:
        make("backup", cluster(), params)
    assert caught.value.field == field
