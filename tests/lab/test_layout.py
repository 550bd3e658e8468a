from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.layout import Host, Paths, check_name, config_text, hosts_file, mac_address, plan_hosts, state_path

GUIDE = """\
hosts:
  - {name: master1, internalAddress: 10.77.4.11, port: 22, user: root, privateKeyPath: "/lab/key"}
  - {name: master2, internalAddress: 10.77.4.12, port: 22, user: root, privateKeyPath: "/lab/key"}
  - {name: master3, internalAddress: 10.77.4.13, port: 22, user: root, privateKeyPath: "/lab/key"}
  - {name: worker1, internalAddress: 10.77.4.21, port: 22, user: root, privateKeyPath: "/lab/key"}
  - {name: worker2, internalAddress: 10.77.4.22, port: 22, user: root, privateKeyPath: "/lab/key"}
  - {name: worker3, internalAddress: 10.77.4.23, port: 22, user: root, privateKeyPath: "/lab/key"}
  roleGroups:
    etcd:
    - master[1:3]
    control-plane:
    - master1
    worker:
    - worker[1:3]
    registry:
    - master1
"""


def test_the_configuration_is_the_guides_sample_with_its_invalid_indentation() -> None:
    assert config_text(plan_hosts("10.77.4"), Path("/lab/key")) == GUIDE


def test_a_lab_without_workers_uses_its_masters() -> None:
    text = config_text(plan_hosts("10.77.4", masters=1, workers=0), Path("/k"))
    assert text.endswith(
        "    etcd:\n    - master1\n    control-plane:\n    - master1\n    worker:\n    - master1\n"
        "    registry:\n    - master1\n"
    )


def test_only_workers_have_raw_disks() -> None:
    hosts = plan_hosts("10.77.4", masters=1, workers=2, disks=2)
    assert [(host.name, host.disks) for host in hosts] == [
        ("master1", ()),
        ("worker1", ("/dev/vdb", "/dev/vdc")),
        ("worker2", ("/dev/vdb", "/dev/vdc")),
    ]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"masters": 0}, "a lab cannot have 0 masters\n  fix: choose 1 to 10"),
        ({"workers": 300}, "a lab cannot have 300 workers\n  fix: choose 0 to 234"),
        ({"disks": 7}, "a lab cannot have 7 disks of a worker\n  fix: choose 0 to 6"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(shape: dict[str, int], message: str) -> None:
    with pytest.raises(LabError) as caught:
        plan_hosts("10.77.4", **shape)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["", "-a", "a-", "Lab", "a/b", "..", "a" * 33])
def test_a_name_that_cannot_be_a_directory_or_a_namespace_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot be a lab's name"):
        check_name(name)


def test_no_two_hosts_of_any_two_labs_share_a_mac() -> None:
    macs = {mac_address(number, f"10.77.{lab}") for lab in range(1, 251) for number in (1, 11, 21)}
    assert len(macs) == 750
    assert all(int(mac[:2], 16) & 0b11 == 0b10 for mac in macs), "locally administered, not multicast"


def test_the_hosts_file_names_every_host_and_refuses_a_stranger() -> None:
    hosts = plan_hosts("10.77.4", masters=1, workers=1)
    assert hosts_file(hosts, "worker1").splitlines()[2:] == ["10.77.4.11\tmaster1", "10.77.4.21\tworker1"]
    with pytest.raises(LabError, match="worker9 is not a host of this lab"):
        hosts_file(hosts, "worker9")


def test_the_state_directory() -> None:
    assert state_path("a", {}) == Path("/var/lib/sanqian-lab/a")
    assert state_path("a", {"SANQIAN_LAB_DIR": "/x"}) == Path("/x/a")
    assert state_path("a", {"HOME": "/home/u"}, privileged=False) == Path("/home/u/.local/state/sanqian-lab/a")
    assert state_path("a", {"XDG_STATE_HOME": "/s"}, privileged=False) == Path("/s/sanqian-lab/a")
    assert Paths(Path("/x/a")).disk("worker1", "vdb") == Path("/x/a/hosts/worker1/disks/vdb.img")


def test_a_hosts_number_is_its_last_octet() -> None:
    assert Host("worker1", "10.77.4.21").number == 21
