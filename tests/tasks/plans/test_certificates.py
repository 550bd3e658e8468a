"""The plan of a renewal."""

from __future__ import annotations

from tasks.plan import Action, Script
from tasks.plans import make
from tests.tasks.plans.sites import ROLES, cluster

THREE = {**ROLES, "master2": ("etcd", "control-plane"), "master3": ("etcd", "control-plane")}


def test_one_host_after_another_then_the_kubeconfig_then_the_proof() -> None:
    plan = make("renew-certificates", cluster(THREE), {"artifact": {"path": "/srv/3k"}})
    keys = [step.key for step in plan.steps]
    masters = ("master1", "master2", "master3")
    etcd = [f"etcd-{host}" for host in masters]
    per_host = [f"{part}-{host}" for host in masters for part in ("configuration", "renew")]
    registry = ["registry-certificate-master1", "registry-trust", "registry-pull"]
    assert keys == ["certificates", *etcd, *per_host, "kubeconfig", *registry, "verify"]
    assert [step.after for step in plan.steps] == [(), *((key,) for key in keys[:-1])]
    assert plan.mutating


def test_members_of_etcd_come_before_those_who_only_ask_it() -> None:
    roles = {"a": ("control-plane",), "b": ("etcd",), "c": ("worker",)}
    plan = make("renew-certificates", cluster(roles, private_registry=""), {})
    assert [step.key for step in plan.steps][1:3] == ["etcd-b", "etcd-a"]
    steps = {step.key: step.do for step in plan.steps}
    member, asker = steps["etcd-b"], steps["etcd-a"]
    assert isinstance(member, Script) and isinstance(asker, Script)
    assert (member.env["MEMBER"], member.env["API"]) == ("yes", "no")
    assert (asker.env["MEMBER"], asker.env["API"]) == ("no", "yes")
    assert member.env["MEMBERS"] == asker.env["MEMBERS"] == "b https://10.0.0.2:2379"
    assert not [key for key in steps if key.startswith("registry")]


def test_every_registry_host_is_renewed_alone_before_all_are_trusted() -> None:
    roles = {**ROLES, "worker2": ("worker", "registry")}
    plan = make("renew-certificates", cluster(roles), {"artifact": {"path": "/srv/3k"}})
    first, second, trust, pull, last = plan.steps[-5:]
    assert [step.key for step in (first, second)] == [f"registry-certificate-{name}" for name in ("master1", "worker2")]
    assert [step.hosts for step in (first, second)] == [("master1",), ("worker2",)]
    assert [step.after for step in (second, trust, pull, last)] == [(one.key,) for one in (first, second, trust, pull)]


def test_each_host_is_renewed_alone_from_the_first() -> None:
    steps = {step.key: step for step in make("renew-certificates", cluster(THREE), {"days": 90}).steps}
    renew, written = steps["renew-master2"], steps["configuration-master2"].do
    assert isinstance(renew.do, Script) and isinstance(written, Action)
    assert renew.hosts == ("master1",)
    assert (renew.do.env["API"], renew.do.env["DAYS"]) == ("10.0.0.2:6443", "90")
    assert written.args["control_plane"] == ["master2"]
    assert written.args["path"] == renew.do.env["CONFIG"]
