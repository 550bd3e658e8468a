"""Facts of hosts in, findings out."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from tasks.plans.facts import FactsIncomplete, parse
from tasks.plans.findings import GIB, Finding, Reading, Wish, codes, judge

WISH = Wish("c0ffee", ("gpu-operator",), "/root/3k/artifact")
REPORT = """user=root
uid=0
hostname=worker1
kernel=5.15.0-91-generic
machine=x86_64
os_id=ubuntu
os_like=debian
os_version=22.04
os_name=Ubuntu 22.04.3 LTS
cpus=8
memory_kib=32768000
swap_kib=0
machine_id=0123
mac=eth0 02:00:00:00:00:01
tool=setsid
tool=tar
tool=gzip
tool=curl
gpu=17:00.0 3D controller [0302]: NVIDIA Corporation GA100 [10de:20b2] (rev a1)
disk=NAME="sda" PATH="/dev/sda" TYPE="disk" SIZE="500107862016" FSTYPE="" PTTYPE="gpt" MODEL="A B "
disk=NAME="sda1" PATH="/dev/sda1" TYPE="part" SIZE="500000000000" FSTYPE="ext4" PTTYPE="gpt" MOUNTPOINT="/" PKNAME="sda"
disk=NAME="sdb" KNAME="sdb" PATH="/dev/sdb" TYPE="disk" SIZE="21474836480" ROTA="1" FSTYPE="" PTTYPE=""
by_id=/dev/sdb /dev/disk/by-id/wwn-0x1
free=104857600 /
listen=22 sshd
residue=files /var/lib/etcd
reach=master1 yes
reach=worker2 no
reach=worker3 unknown
owner=
end=1
"""


def facts(n: int = 1, **changes: Any) -> dict[str, Any]:
    read = copy.deepcopy(parse(REPORT))
    return {
        **read,
        "hostname": f"host{n}",
        "machine_id": f"id{n}",
        "macs": {"eth0": f"02:00:00:00:00:{n:02x}"},
        "residue": [],
        "reach": {},
        "clock_offset": 0.0,
        "clock_error": 0.01,
        **changes,
    }


def six(**changed: dict[str, Any]) -> list[Reading]:
    """Six sound hosts; `changed` gives facts that differ, by host."""
    result = []
    for n, name in enumerate(["master1", "master2", "master3", "worker1", "worker2", "worker3"], 1):
        roles = {"etcd", "control-plane"} if name.startswith("m") else {"worker"}
        result.append(Reading(name, f"10.0.0.{n}", frozenset(roles), facts=facts(n, **changed.get(name, {}))))
    return result


def of(found: tuple[Finding, ...], code: str) -> list[tuple[str, str]]:
    return [(row.level, row.host) for row in found if row.code == code]


def test_parse() -> None:
    read = parse(REPORT)
    assert (read["cpus"], read["memory_bytes"], read["arch"]) == (8, 32768000 * 1024, "amd64")
    assert read["os"] == {"id": "ubuntu", "like": "debian", "version": "22.04", "name": "Ubuntu 22.04.3 LTS"}
    assert read["gpus"][0]["slot"] == "17:00.0"
    assert [(disk["path"], disk["raw"]) for disk in read["disks"]] == [
        ("/dev/sda", False),
        ("/dev/sda1", False),
        ("/dev/sdb", True),
    ]
    assert (read["disks"][2]["by_id"], read["disks"][0]["model"]) == ("/dev/disk/by-id/wwn-0x1", "A B")
    assert read["reach"] == {"master1": True, "worker2": False, "worker3": None}
    assert read["listening"] == {"22": "sshd"}
    assert read["free"] == {"/": 104857600 * 1024}


def test_a_report_that_was_cut_off_is_refused() -> None:
    with pytest.raises(FactsIncomplete):
        parse(REPORT.removesuffix("end=1\n"))


def test_sound_hosts_have_one_ok_row_a_check() -> None:
    found = judge(six(), WISH)
    assert {row.level for row in found} == {"ok"}
    assert [row.code for row in found] == list(codes())


@pytest.mark.parametrize(
    ("host", "change", "code", "level"),
    [
        ("master1", {"cpus": 2}, "size", "error"),
        ("master1", {"memory_bytes": 7 * GIB}, "size", "error"),
        ("worker1", {"uid": 1000}, "privilege", "error"),
        ("worker1", {"os": {"id": "centos", "like": "rhel", "version": "7", "name": "CentOS 7"}}, "system", "error"),
        ("worker1", {"os": {"id": "mint", "like": "ubuntu debian", "version": "21", "name": ""}}, "system", "warning"),
        ("worker1", {"os": {"id": "ubuntu", "like": "", "version": "16.04", "name": ""}}, "system", "warning"),
        ("worker1", {"kernel": "3.10.0-1160.el7"}, "system", "error"),
        ("worker1", {"arch": "arm64"}, "system", "error"),
        ("worker2", {"hostname": "host1"}, "identity", "error"),
        ("worker2", {"machine_id": "id1"}, "identity", "error"),
        ("worker2", {"machine_id": ""}, "identity", "error"),
        ("worker2", {"macs": {"eth0": "02:00:00:00:00:01"}}, "identity", "error"),
        ("worker2", {"clock_offset": 1.5}, "clock", "warning"),
        ("worker2", {"clock_offset": -31.0}, "clock", "error"),
        ("worker2", {"swap_bytes": GIB}, "swap", "warning"),
        ("master2", {"listening": {"6443": "haproxy"}}, "ports", "error"),
        ("master2", {"listening": {"2380": "etcd"}}, "ports", "error"),
        ("worker2", {"listening": {"10250": "kubelet"}}, "ports", "error"),
        ("worker2", {"residue": [{"kind": "files", "what": "/var/lib/etcd"}]}, "residue", "error"),
        ("worker2", {"residue": [{"kind": "iptables", "what": "12 chains"}]}, "residue", "error"),
        ("worker2", {"owner": "another"}, "residue", "error"),
        ("worker2", {"free": {"/": 5 * GIB}}, "space", "error"),
        ("worker2", {"free": {"/": 20 * GIB}}, "space", "warning"),
        ("worker2", {"free": {"/": 90 * GIB, "/var/lib": 5 * GIB, "/var/lib2": GIB}}, "space", "error"),
        ("master1", {"tools": ["setsid", "tar", "gzip"]}, "tools", "error"),
        ("worker2", {"tools": []}, "tools", "warning"),
        ("worker2", {"gpus": []}, "gpu", "warning"),
        ("worker2", {"reach": {"master1": False}}, "network", "error"),
        ("worker2", {"reach": {"master1": None}}, "network", "warning"),
    ],
)
def test_each_rule_finds_what_it_is_for(host: str, change: dict[str, Any], code: str, level: str) -> None:
    found = judge(six(**{host: change}), WISH)
    assert of(found, code) == [(level, host)]
    assert all(row.level == "ok" for row in found if row.code != code)
    row = next(row for row in found if row.code == code)
    assert row.what and row.fix


@pytest.mark.parametrize(
    "change", [{"listening": {"6443": "kube-apiserver"}}, {"residue": [{"kind": "cni", "what": "x"}]}]
)
def test_traces_of_an_earlier_run_for_the_same_cluster_are_no_fault(change: dict[str, Any]) -> None:
    assert {row.level for row in judge(six(master1={**change, "owner": "c0ffee"}), WISH)} == {"ok"}


def test_listening_where_nothing_of_ours_will_is_no_fault() -> None:
    assert of(judge(six(worker1={"listening": {"6443": "x"}}), WISH), "ports") == [("ok", "")]


def test_a_host_that_cannot_be_read_is_one_finding_among_others() -> None:
    hosts = six(worker1={"swap_bytes": GIB})
    hosts[5] = replace(hosts[5], facts={}, problem=("the host does not answer.", "Start it."))
    found = judge(hosts, WISH)
    assert of(found, "ssh") == [("error", "worker3")]
    assert of(found, "swap") == [("warning", "worker1")]
    assert found[0].fix == "Start it."


def test_all_findings_are_given_worst_first() -> None:
    found = judge(six(master1={"cpus": 1, "swap_bytes": GIB}, worker1={"uid": 5}), WISH)
    levels = [row.level for row in found]
    assert levels == sorted(levels, key=["error", "warning", "ok"].index)
    assert levels.count("error") == 2


def test_ignored_codes_become_warnings() -> None:
    found = judge(six(master1={"cpus": 1}), WISH, ignore=["size"])
    assert of(found, "size") == [("warning", "master1")]
    assert "ignored on request" in next(row.what for row in found if row.code == "size")


def test_few_members_are_a_warning() -> None:
    found = judge(six()[1:], WISH)
    assert [row.level for row in found if row.code == "members"] == ["warning", "warning"]


def test_a_service_with_a_wrong_clock_blames_nobody() -> None:
    hosts = [replace(host, facts={**host.facts, "clock_offset": 100.0}) for host in six()]
    assert of(judge(hosts, WISH), "clock") == [("ok", "")]


def test_storage_hosts_need_raw_disks() -> None:
    hosts = six()
    disks = [disk for disk in hosts[3].facts["disks"] if not disk["raw"]]
    hosts[3] = replace(hosts[3], roles=frozenset({"worker", "storage"}), facts={**hosts[3].facts, "disks": disks})
    found = judge(hosts, WISH)
    assert of(found, "disks") == [("error", "worker1")]
    assert "/dev/sda (gpt)" in next(row.what for row in found if row.code == "disks")


def test_no_gpu_at_all_is_said_once() -> None:
    hosts = [replace(host, facts={**host.facts, "gpus": []}) for host in six()]
    assert of(judge(hosts, WISH), "gpu") == [("warning", "")]
    assert of(judge(hosts, Wish("c0ffee")), "gpu") == [("ok", "")]


def test_no_host_read_gives_only_the_reasons() -> None:
    unread = [replace(host, facts={}, problem=("no answer.", "Start it.")) for host in six()]
    found = judge(unread, WISH)
    assert [row.code for row in found if row.level == "error"] == ["ssh"] * 6
