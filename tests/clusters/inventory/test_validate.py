"""What is fine, what is told of an inventory that is no file, and what a finding never says."""

from __future__ import annotations

from dataclasses import replace

from clusters.inventory import MAX_HOSTS, HostSpec, Inventory, Platform, parse, validate

GROUPS = "roleGroups:\n  etcd: [a]\n  control-plane: [a]\n"
HOSTS = "hosts:\n- {name: a, address: 10.0.0.1}\n"


def test_no_secret_is_repeated_in_a_finding_or_a_representation() -> None:
    text = (
        "hosts:\n- {name: A, address: 10.0.0.1, password: hunter2, privateKey: hunter2, sudoPassword: hunter2}\n"
        + "roleGroups: {etcd: [A], master: [A]}\n"
        + "registry: {auths: {dockerhub.kubekey.local: {username: u, password: hunter2}}}\n"
    )
    parsed = parse(text)
    assert parsed.draft is not None
    assert parsed.draft.hosts[0].password == parsed.draft.platform.registry_password == "hunter2"
    assert "hunter2" not in repr(parsed)
    assert parsed.draft.hosts[0].extra == {}


def test_findings_are_in_the_order_of_the_file() -> None:
    lines = [finding.line for finding in parse(HOSTS + "- {name: a, address: 10.0.0.1, prot: 3}\n" + GROUPS).findings]
    assert lines == sorted(lines)
    assert len(lines) == 3


def test_an_etcd_outside_the_cluster_needs_no_group() -> None:
    parsed = parse(HOSTS + "roleGroups: {control-plane: [a]}\netcd: {type: kubeadm}\n")
    assert parsed.findings == ()


def test_dual_stack_addresses_and_networks_are_fine() -> None:
    parsed = parse(
        'hosts:\n- {name: a, address: 10.0.0.1, internalAddress: "10.0.0.1,fd00::1"}\n'
        + GROUPS
        + 'network: {kubePodsCIDR: "10.233.64.0/18,fd85::/120", kubeServiceCIDR: "10.233.0.0/18,fd86::/120"}\n'
    )
    assert parsed.findings == ()


def test_one_address_with_two_ports_is_fine_when_the_inner_addresses_differ() -> None:
    parsed = parse(
        "hosts:\n- {name: a, address: 1.1.1.1, internalAddress: 10.0.0.1}\n"
        "- {name: b, address: 1.1.1.1, port: 2222, internalAddress: 10.0.0.2}\n" + GROUPS + "  worker: [b]\n"
    )
    assert parsed.findings == ()


def test_two_spellings_of_one_address_are_the_same() -> None:
    parsed = parse(
        'hosts:\n- {name: a, address: "fd00::1"}\n- {name: b, address: "fd00:0::1"}\n' + GROUPS + "  worker: [b]\n"
    )
    assert [finding.code for finding in parsed.findings] == ["duplicate-address"]


SOUND = Inventory(
    "lab", (HostSpec("a", "10.0.0.1", "10.0.0.1"),), {"etcd": ("a",), "control-plane": ("a",)}, Platform()
)


def test_an_inventory_that_is_no_file_is_judged_by_field() -> None:
    assert validate(SOUND) == ()
    bad = replace(SOUND, platform=replace(SOUND.platform, pod_cidr="x", registry_namespace="n" * 64, registry_type=""))
    found = {(finding.path, finding.line, finding.code): finding for finding in validate(bad)}
    assert set(found) == {("pod_cidr", 0, "cidr"), ("registry_namespace", 0, "too-long"), ("registry_type", 0, "empty")}
    assert found["registry_namespace", 0, "too-long"].fix == "Use at most 63."
    assert found["registry_type", 0, "empty"].message == "registry_type is empty."


def test_too_many_hosts_are_refused() -> None:
    hosts = tuple(
        HostSpec(f"h{n}", f"10.{n // 65536}.{n // 256 % 256}.{n % 256}", "10.0.0.1") for n in range(MAX_HOSTS + 1)
    )
    finding = validate(replace(SOUND, hosts=hosts))[0]
    assert (finding.code, finding.path, finding.message) == (
        "too-many-hosts",
        "hosts",
        f"There are {MAX_HOSTS + 1} hosts.",
    )
    assert finding.fix == f"A cluster has at most {MAX_HOSTS} hosts."
