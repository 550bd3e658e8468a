"""Whether hosts are the nodes they are given as, and what is recorded of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clusters.ceph.place import OURS, Place
from clusters.existing.model import Chart, Existing, Part
from clusters.snapshot import Node
from tasks.plans.facts import FactsIncomplete
from tasks.plans.matching import HostSeen, compare, parse, record_of

VERSION = "v1.24.3"


def node(name: str, number: int, *roles: str, **more: Any) -> Node:
    known = {"internal_ip": f"10.0.0.{number}", "machine_id": f"id-{name}", "kubelet_version": VERSION}
    return Node(name, True, roles=roles, **{**known, "container_runtime": "containerd://1.6.4", **more})


FOUND = Existing(
    "uid",
    VERSION,
    authority="ours",
    nodes=(node("m1", 1, "control-plane"), node("w1", 2, "worker")),
    parts=(Part("loki-stack", "healthy", "2.6", "2.8.1"),),
    charts=(Chart("loki-stack", "loki-stack", 1, "deployed", "loki-stack", "2.8.1"),),
    runtimes=("containerd",),
    network_plugin="calico",
    registry="r.example.org",
    project="apps",
    endpoint="lb.example.org:8443",
)


def host(name: str, number: int, *roles: str, **said: Any) -> HostSeen:
    known = {"machine_id": f"id-{name}", "kubelet": "yes", "kubelet_version": VERSION, "authority": "ours"}
    told = {**known, "addresses": [f"10.0.0.{number}"], **said}
    return HostSeen(name, f"hosts[{number - 1}]", f"10.0.0.{number}", frozenset(roles), told)


MASTER, WORKER = host("m1", 1, etcd="service", etcdctl="yes", etcd_client="yes", harbor="yes"), host("w1", 2)


def errors(*hosts: HostSeen, found: Existing = FOUND) -> dict[str, Any]:
    return {row.code: row for row in compare(found, hosts, {}) if row.level == "error"}


def test_hosts_that_are_the_nodes_match() -> None:
    assert compare(FOUND, (MASTER, WORKER), {}) == []
    given = (
        replace(MASTER, roles=frozenset({"control-plane", "etcd", "registry"})),
        replace(WORKER, roles=frozenset({"worker"})),
    )
    assert compare(FOUND, given, {}) == []


@pytest.mark.parametrize(
    ("wrong", "code", "field", "fix"),
    [
        (replace(WORKER, name="other"), "not-a-node", "hosts[1].name", "Call it 'w1'"),
        (replace(WORKER, internal_address="10.0.0.9"), "internal-address", "hosts[1].internal_address", "10.0.0.2"),
        (host("w1", 2, machine_id="id-of-another"), "another-machine", "hosts[1].address", "address"),
        (host("w1", 2, kubelet=""), "no-kubelet", "hosts[1].address", "address"),
        (host("w1", 2, kubelet_version="v1.25.3"), "version", "hosts[1].version", "Finish the upgrade"),
        (host("w1", 2, "worker", "control-plane"), "role", "hosts[1].roles.control-plane", "Take it out"),
        (host("w1", 2, "worker", "etcd"), "role", "hosts[1].roles.etcd", "Take it out"),
        (host("w1", 2, "registry"), "role", "hosts[1].roles.worker", "Name it in the role group worker"),
        (host("w1", 2, authority="another"), "authority", "hosts[1].address", "kubeconfig"),
    ],
)
def test_each_mismatch_names_the_field_and_the_fix(wrong: HostSeen, code: str, field: str, fix: str) -> None:
    row = errors(MASTER, wrong)[code]
    assert row.host == wrong.name
    assert row.what.startswith(f"{field}: ")
    assert fix in row.fix


def test_a_node_that_no_host_is_given_for_is_named() -> None:
    row = errors(MASTER)["node-without-host"]
    assert (row.host, "10.0.0.2" in row.what) == ("w1", True)
    assert errors() == {}  # a kubeconfig alone


def test_a_registry_beside_the_cluster_need_not_be_a_node() -> None:
    beside = host("r1", 3, "registry", authority="")
    assert errors(MASTER, WORKER, beside) == {}
    assert record_of(FOUND, (beside,), {})["hosts"] == {"r1": ["registry"]}


def test_what_is_doubtful_is_a_warning() -> None:
    tired = replace(
        FOUND,
        nodes=(*FOUND.nodes[:1], node("w1", 2, "worker", kubelet_version="v1.23.9")),
        runtimes=("containerd", "docker"),
        network_plugin="",
        unread={"secrets": "forbidden"},
    )
    rows = compare(tired, (host("m1", 1), host("w1", 2, kubelet_version="v1.23.9")), {})
    assert {row.level for row in rows} == {"warning"}
    assert {row.code for row in rows} == {"etcd", "skew", "runtimes", "network", "unread"}


def test_an_etcd_that_nobody_can_ask_is_named_with_what_it_lacks() -> None:
    rows = {row.code: row for row in compare(FOUND, (host("m1", 1, etcd="service"), WORKER), {})}
    assert rows.keys() == {"etcdctl", "etcd-client"}
    assert "/etc/ssl/etcd/ssl/admin-HOST.pem" in rows["etcd-client"].what


def test_a_mark_of_another_cluster_is_an_error_while_that_one_is_registered() -> None:
    marked = replace(WORKER, said={**WORKER.said, "owner": "c0ffee"})
    assert [row.level for row in compare(FOUND, (MASTER, marked), {"c0ffee": True})] == ["error"]
    (row,) = compare(FOUND, (MASTER, marked), {"c0ffee": False})
    assert row.level == "warning" and "/var/lib/sanqian/cluster" in row.fix
    assert compare(FOUND, (MASTER, marked), {}) == []  # its own


def test_a_ceph_of_somebody_else_is_named_and_recorded() -> None:
    ours = replace(OURS, toolbox=True, hosts=("w1",))
    assert compare(replace(FOUND, ceph=(ours,)), (MASTER, WORKER), {}) == []
    theirs = replace(FOUND, ceph=(Place("storage", "papers"), Place("outside", "far", external=True)))
    rows = {row.code: row for row in compare(theirs, (MASTER, WORKER), {})}
    assert {row.level for row in rows.values()} == {"warning"}
    assert "storage/papers: it is watched" in rows["ceph"].what
    assert "outside/far" in rows["ceph-others"].what
    assert "namespace storage" in rows["ceph-toolbox"].fix
    record = record_of(theirs, (MASTER, replace(WORKER, said={**WORKER.said, "owner": "before"})), {})
    assert [one["name"] for one in record["ceph"]] == ["papers", "far"]
    assert record["owners"] == ["before"]
    assert Existing.from_json(theirs.to_json()) == theirs


def test_what_is_recorded_is_what_was_found() -> None:
    record = record_of(FOUND, (MASTER, WORKER), {"spec": {"system": {"ntpServers": ["a"]}}})
    assert record["hosts"] == {"m1": ["etcd", "control-plane"], "w1": ["worker"]}
    settings = record["settings"]
    assert (settings["control_plane_domain"], settings["control_plane_port"]) == ("lb.example.org", 8443)
    assert (settings["private_registry"], settings["registry_namespace"]) == ("r.example.org", "apps")
    assert settings["registry_type"] == "harbor"
    # What is not known stays as given.
    assert not {"pod_cidr", "control_plane_address"} & settings.keys()
    assert settings["inventory_extra"] == {"spec": {"system": {"ntpServers": ["a"]}}}


def test_etcd_in_pods_is_recorded_in_the_words_of_kk() -> None:
    stacked = host("m1", 1, etcd="pod")
    record = record_of(FOUND, (stacked, WORKER), {"spec": {"system": {}}})
    assert record["settings"]["inventory_extra"] == {"spec": {"system": {}, "etcd": {"type": "kubeadm"}}}
    assert record["hosts"]["m1"] == ["etcd", "control-plane"]


def test_the_host_that_the_registrys_name_leads_to_carries_it() -> None:
    seen = [replace(one, said={**one.said, "registry_address": "10.0.0.1"}) for one in (MASTER, WORKER)]
    assert record_of(FOUND, seen, {})["hosts"]["m1"] == ["etcd", "control-plane", "registry"]
    # What was given is kept.
    seen[1] = replace(seen[1], roles=frozenset({"worker", "registry"}))
    assert record_of(FOUND, seen, {})["hosts"] == {"m1": ["etcd", "control-plane"], "w1": ["worker", "registry"]}


@pytest.mark.parametrize(
    ("master", "worker", "address", "balancer"),
    [
        ("10.0.0.1", "10.0.0.1", "", ""),
        ("127.0.0.1", "10.0.0.1", "", ""),
        ("10.0.0.100", "10.0.0.100", "10.0.0.100", ""),
        ("10.0.0.1", "127.0.0.1", "", "haproxy"),
    ],
)
def test_where_the_apis_name_leads_tells_the_balancer(master: str, worker: str, address: str, balancer: str) -> None:
    seen = [replace(one, said={**one.said, "endpoint_address": to}) for one, to in ((MASTER, master), (WORKER, worker))]
    settings = record_of(FOUND, seen, {})["settings"]
    assert (settings["control_plane_address"], settings["internal_load_balancer"]) == (address, balancer)


def test_a_report_that_was_cut_off_is_refused() -> None:
    assert parse("etcd=pod\naddress=10.0.0.1\naddress=::1\nend=\n") == {"etcd": "pod", "addresses": ["10.0.0.1", "::1"]}
    with pytest.raises(FactsIncomplete):
        parse("etcd=pod\naddress=10.0.0.1\n")
