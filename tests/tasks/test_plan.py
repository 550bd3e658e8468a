"""Plans: order, validation, and the way to JSON and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.plan import Action, ClusterFact, HostFact, Plan, PlanError, Retry, Script, StepSpec, stages


def step(key: str, *after: str, hosts: tuple[str, ...] = ("h1",)) -> StepSpec:
    return StepSpec(key, key, Script("true"), hosts=hosts, after=after)


def test_steps_come_behind_what_they_wait_for_and_else_as_written() -> None:
    plan = Plan("x", (step("c", "a"), step("b"), step("a"), step("d", "c", "b")))
    assert [spec.key for spec in plan.validate(["h1"]).steps] == ["b", "a", "c", "d"]


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((step("a"), step("a")), "Two steps are called 'a'"),
        ((step("a", "b"),), "waits for 'b'"),
        ((step("a", hosts=("h2",)),), "names the host 'h2'"),
        ((step("a", "b"), step("b", "a")), "wait for each other"),
        ((step("a", hosts=()),), "a script needs hosts"),
        ((StepSpec("a", "a", Action("x"), hosts=("h1",)),), "an action takes none"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(steps: tuple[StepSpec, ...], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        Plan("x", steps).validate(["h1"])


def test_a_choice_of_steps_does_not_wait_for_the_others() -> None:
    plan = Plan("x", (step("a"), step("b", "a"), step("c", "b"))).only(["a", "c"])
    assert [(spec.key, spec.after) for spec in plan.steps] == [("a", ()), ("c", ())]
    with pytest.raises(PlanError, match="no step 'z'") as refused:
        plan.only(["z"])
    assert (refused.value.field, refused.value.fix) == ("steps", "Choose from: a, c.")


TEXT = st.text(max_size=20)


def test_steps_of_one_stage_wait_for_none_of_each_other() -> None:
    one, two, three, four = step("one"), step("two", "one"), step("three"), step("four", "two", "three")
    made = Plan("test", (four, three, two, one)).staged()
    assert [(n, [each.key for each in steps]) for n, steps in made] == [
        (1, ["three", "one"]),
        (2, ["two"]),
        (3, ["four"]),
    ]
    assert stages([("b", ["left out"]), ("c", ["b"])]) == {"b": 1, "c": 2}


@given(
    do=st.one_of(
        st.builds(Script, TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3)),
        st.builds(Action, TEXT, st.dictionaries(TEXT, st.integers(), max_size=3)),
    ),
    codes=st.none() | st.lists(st.integers(0, 255), max_size=3).map(tuple),
    hosts=st.lists(TEXT, max_size=3).map(tuple),
)
def test_json_and_back_is_the_same_step(
    do: Script | Action, codes: tuple[int, ...] | None, hosts: tuple[str, ...]
) -> None:
    spec = StepSpec("k", "t", do, hosts=hosts, after=("a",), retry=Retry(3, exit_codes=codes))
    assert StepSpec.from_json(spec.to_json()) == spec


def test_hosts_by_role_and_the_first_control_plane_host() -> None:
    hosts = tuple(
        HostFact(name, "", "", "root", 22, frozenset(roles))
        for name, roles in (("w1", ["worker"]), ("m1", ["control-plane", "etcd"]), ("m2", ["control-plane"]))
    )
    cluster = ClusterFact("id", "c", hosts)
    assert cluster.first.name == "m1"
    assert [host.name for host in cluster.group("worker", "etcd")] == ["w1", "m1"]
    with pytest.raises(PlanError, match="no control-plane host"):
        _ = ClusterFact("id", "c", hosts[:1]).first
