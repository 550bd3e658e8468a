"""Plans that let hosts join and leave: their order, and what they refuse."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from typing import Any

import pytest

from tasks.plan import Action, Plan, PlanError, Script
from tasks.plans import make
from tasks.plans.scripting import FILES
from tests.tasks.plans.sites import ROLES, cluster

ARTIFACT = {"artifact": {"file": "3k.tar.gz"}}
THREE = ("etcd", "control-plane")
LARGE = {**ROLES, "master2": THREE, "master3": THREE, "worker3": ("worker",)}


def plan(kind: str, roles: dict[str, tuple[str, ...]], **params: Any) -> Plan:
    return make(kind, cluster(roles), {**ARTIFACT, **params})


def env_of(made: Plan, key: str) -> dict[str, str]:
    (do,) = (step.do for step in made.steps if step.key == key)
    assert isinstance(do, Script)
    return dict(do.env)


def args_of(made: Plan, key: str) -> dict[str, Any]:
    (do,) = (step.do for step in made.steps if step.key == key)
    assert isinstance(do, Action)
    return dict(do.args)


def test_members_join_one_by_one_with_etcd_checked_between_and_workers_join_together() -> None:
    roles = {"m1": (*THREE, "registry"), "m2": THREE, "m3": ("etcd",), "w1": ("worker",), "w2": ("worker",)}
    made = plan("add-nodes", roles, nodes=["w2", "m3", "w1", "m2"])
    keys = [step.key for step in made.steps]
    assert keys[keys.index("etcd-check") :] == [
        *("etcd-check", "configuration-m2", "join-m2", "etcd-check-m2"),
        *("configuration-m3", "join-m3", "etcd-check-m3", "configuration-workers", "join-workers"),
        *("labels", "node-pods"),
    ]
    after = {step.key: step.after for step in made.steps}
    chain = keys[keys.index("etcd-check") :]
    assert all(after[later] == (earlier,) for earlier, later in itertools.pairwise(chain))
    # kk adds whatever its configuration has: each time it has one host more.
    left_out = [args_of(made, f"configuration-{name}")["without"] for name in ("m2", "m3", "workers")]
    assert left_out == [["m3", "w1", "w2"], ["w1", "w2"], []]
    assert env_of(made, "etcd-check-m3")["MEMBERS"].splitlines() == [f"m{n} https://10.0.0.{n}:2379" for n in (1, 2, 3)]
    assert env_of(made, "join-m3")["NODES"] == ""


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([], "not said which"),
        (["worker9"], "no host 'worker9'"),
        (["master1"], "first control-plane host"),
        (["idle"], "in no role group"),
    ],
)
def test_what_cannot_join(nodes: list[str], said: str) -> None:
    with pytest.raises(PlanError, match=said) as refused:
        plan("add-nodes", {**ROLES, "idle": ()}, nodes=nodes)
    assert refused.value.field.startswith("nodes")
    assert refused.value.fix


def test_an_even_number_of_etcd_members_is_refused_only_where_one_joins() -> None:
    roles = {**ROLES, "master4": ("etcd",), "worker3": ("worker",)}
    with pytest.raises(PlanError, match="bear no more failures than 3"):
        plan("add-nodes", roles, nodes=["master4"])
    assert plan("add-nodes", roles, nodes=["worker3"]).steps


@pytest.mark.parametrize(
    ("roles", "node", "said"),
    [
        (ROLES, "master1", "only control-plane host"),
        (LARGE, "master1", "first control-plane host"),
        ({"m1": THREE, "r1": ("registry", "worker")}, "r1", "private registry"),
        ({"m1": ("control-plane",), "e1": ("etcd",)}, "e1", "only member of etcd"),
        (ROLES, "nobody", "no host 'nobody'"),
    ],
)
def test_who_cannot_leave(roles: dict[str, tuple[str, ...]], node: str, said: str) -> None:
    with pytest.raises(PlanError, match=said) as refused:
        plan("remove-node", roles, node=node)
    assert (refused.value.field, bool(refused.value.fix)) == ("node", True)


def test_a_member_of_etcd_leaves_it_before_its_node_is_deleted() -> None:
    made = plan("remove-node", LARGE, node="master3")
    keys = [step.key for step in made.steps]
    assert keys == [
        *("unused", "removable", "owned", "drain", "etcd-leave", "configuration", "delete", "clean"),
        *("leave", "configuration-after", "retire"),
    ]
    assert env_of(made, "etcd-leave")["MEMBERS"].splitlines() == [
        "master1 https://10.0.0.1:2379",
        "master2 https://10.0.0.2:2379",
    ]
    assert made.notes == ("etcd is left with 2 members, which bear no more failures than 1.",)


def test_the_data_of_ceph_is_moved_before_anything_else_is_asked() -> None:
    made = plan("remove-node", LARGE, node="worker1", osds=[4, 3, 4])
    keys = [step.key for step in made.steps]
    assert keys.index("unused") < keys.index("ceph-osd-check") < keys.index("ceph-osd-purge") < keys.index("removable")
    steps = {step.key: step for step in made.steps}
    assert steps["ceph-osd-check"].do == Action("check-osd-removal", {"osds": [3, 4], "host": "worker1"})
    assert set(steps["ceph-osd-check"].after) == {"unused", "artifact-unpack"}
    assert steps["removable"].after == ("ceph-osd-purge",)


def test_a_host_of_etcd_alone_is_not_drained_and_a_dead_one_is_no_host_of_any_step() -> None:
    keys = {step.key for step in plan("remove-node", ROLES, node="master3").steps}
    assert "etcd-leave" in keys and not {"drain", "delete"} & keys
    made = plan("remove-node", ROLES, node="worker2", force=True)
    assert all("worker2" not in step.hosts for step in made.steps)


def test_uninstalling_wants_the_clusters_name_and_cleans_the_first_host_last() -> None:
    for wrong in ({}, {"confirm": "Demo"}):
        with pytest.raises(PlanError) as refused:
            plan("uninstall", ROLES, **wrong)
        assert (refused.value.field, refused.value.fix) == ("confirm", "Give the cluster's name: demo.")
    made = plan("uninstall", ROLES, confirm="demo")
    assert [step.key for step in made.steps] == [
        *("owned", "ceph-data", "delete-cluster", "clean-others", "clean", "leave", "verify", "forget"),
    ]
    assert (made.during, made.success, made.failure) == ("uninstalling", "registered", "failed")
    assert env_of(made, "clean")["TAKE_ARTIFACT"] == "yes"
    assert env_of(made, "clean-others")["TAKE_ARTIFACT"] == "no"
    # An artifact that the customer unpacked is the customer's.
    given = make("uninstall", cluster(), {"artifact": {"path": "/opt/3k"}, "confirm": "demo"})
    assert env_of(given, "clean")["TAKE_ARTIFACT"] == "no"


def test_ceph_s_disks_are_cleaned_where_that_is_asked_for_and_nowhere_else() -> None:
    for remove in (True, False):
        made = plan("uninstall", ROLES, confirm="demo", remove_ceph_data=remove)
        for key in ("clean-others", "clean"):
            (do,) = (step.do for step in made.steps if step.key == key)
            assert isinstance(do, Script)
            assert ("zap() {" in do.apply) == ("clean_disks() {" in do.apply) == remove
            assert do.env["CEPH"] == ("yes" if remove else "no") and do.env["CLUSTER_ID"] == "c0ffee"
    assert any(
        "ALL DATA in Ceph" in note for note in plan("uninstall", ROLES, confirm="demo", remove_ceph_data=True).notes
    )


def test_cleaning_asks_what_a_preflight_asks() -> None:
    for step in plan("uninstall", ROLES, confirm="demo").steps:
        if isinstance(step.do, Script) and step.key.startswith("clean"):
            assert FILES["facts"] in step.do.probe and FILES["facts"] in step.do.verify
            assert "@FACTS@" not in step.do.probe + step.do.verify


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("add-nodes", {"nodes": ["master2", "worker3"]}),
        ("remove-node", {"node": "master2"}),
        ("uninstall", {"confirm": "demo"}),
    ],
)
def test_a_retry_asks_every_step_again_in_order(kind: str, params: dict[str, Any]) -> None:
    """A step without a probe would stay done, and what waits for it would run beside what comes before it."""
    for step in plan(kind, LARGE, **params).steps:
        if isinstance(step.do, Script):
            assert step.do.probe, step.key


@pytest.mark.parametrize("kind", ["add-nodes", "remove-node", "uninstall"])
def test_the_scripts_are_sound_shell(kind: str) -> None:
    shell = shutil.which("dash") or "sh"
    params = {"add-nodes": {"nodes": ["master2"]}, "remove-node": {"node": "master2"}, "uninstall": {"confirm": "demo"}}
    for step in plan(kind, LARGE, **params[kind]).steps:
        if isinstance(step.do, Script):
            for text in (step.do.probe, step.do.apply, step.do.verify):
                subprocess.run([shell, "-n"], input=text.encode(), check=True)
