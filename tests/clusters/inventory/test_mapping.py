"""The JSON body of the API."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.inventory import Finding, Platform, from_mapping, parse, with_settings

BODY: dict[str, Any] = {
    "name": "lab",
    "hosts": [
        {"name": "a", "address": "10.0.0.1", "roles": ["etcd", "control-plane"], "private_key": "PEM", "jump": "b"},
        {
            "name": "b",
            "address": "1.1.1.1",
            "internal_address": "10.0.0.2",
            "port": 2222,
            "user": "ubuntu",
            "password": "pw",
            "sudo_password": "sudo",
            "labels": {"disk": "ssd"},
            "extra": {"timeout": 30},
        },
    ],
    "role_groups": {"worker": ["b"], "registry": ["a"]},
    "settings": {"pod_cidr": "10.100.0.0/18", "storage_class": "ceph-block", "control_plane_port": 7443},
}


def test_a_body_is_read() -> None:
    parsed = from_mapping(BODY)
    assert parsed.findings == ()
    assert parsed.inventory is not None
    a, b = parsed.inventory.hosts
    assert (a.name, a.internal_address, a.private_key, a.extra) == ("a", "10.0.0.1", "PEM", {})
    assert (b.internal_address, b.port, b.user, b.password) == ("10.0.0.2", 2222, "ubuntu", "pw")
    assert (b.labels, b.extra) == ({"disk": "ssd"}, {"timeout": 30})
    assert parsed.inventory.roles_of("a") == ("etcd", "control-plane", "registry")
    assert parsed.inventory.platform == Platform(pod_cidr="10.100.0.0/18", control_plane_port=7443)


def test_ranges_and_roles_join() -> None:
    hosts = [{"name": f"n{n}", "address": f"10.0.0.{n}"} for n in (1, 2, 3)]
    hosts[0]["roles"] = ["control-plane", "worker"]  # type: ignore[assignment]
    parsed = from_mapping({"hosts": hosts, "role_groups": {"etcd": ["n[1:3]"], "worker": ["n1", "n2"]}})
    assert parsed.findings == ()
    assert parsed.inventory is not None
    assert parsed.inventory.role_groups == {
        "etcd": ("n1", "n2", "n3"),
        "worker": ("n1", "n2"),
        "control-plane": ("n1",),
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            {"hosts": [{"name": "a", "address": "10.0.0.1", "port": "x", "roles": ["etcd", "control-plane"]}]},
            Finding("error", "port", "hosts[0].port", 0, 0, "'x' is no port.", "Write a number from 1 to 65535."),
            id="port",
        ),
        pytest.param(
            {"hosts": [{"name": "a", "address": "10.0.0.1", "internal_addr": "10.0.0.1"}]},
            Finding(
                "warning",
                "unknown-key",
                "hosts[0].internal_addr",
                0,
                0,
                "Unknown key 'internal_addr' in a host; it was left out.",
                "Did you mean 'internal_address'?",
            ),
            id="unknown key",
        ),
        pytest.param(
            {"hosts": [{"name": "a", "address": "a.example.com"}]},
            Finding(
                "error",
                "internal-address",
                "hosts[0].internal_address",
                0,
                0,
                "The internal address 'a.example.com' of host 'a' is no IP address.",
                "Write an IP address of the host's own, or an IPv4 and an IPv6 address with a comma between.",
            ),
            id="internal address",
        ),
        pytest.param(
            {"hosts": [{"name": "a", "address": "10.0.0.1", "roles": "etcd"}]},
            Finding(
                "error",
                "type",
                "hosts[0].roles",
                0,
                0,
                "'roles' must be a list of role groups.",
                'Write ["control-plane", "etcd"].',
            ),
            id="roles",
        ),
        pytest.param(
            {"role_groups": {"worker": ["zzz"]}},
            Finding(
                "error",
                "unknown-host",
                "role_groups.worker[0]",
                0,
                0,
                "The role group 'worker' names 'zzz', which is not among the hosts.",
                "Add 'zzz' under 'hosts', or take it out of the group.",
            ),
            id="unknown host",
        ),
        pytest.param(
            {"role_groups": {"control-plane": []}, "hosts": [{"name": "a", "address": "10.0.0.1", "roles": ["etcd"]}]},
            Finding(
                "error",
                "empty-control-plane",
                "role_groups.control-plane",
                0,
                0,
                "The role group 'control-plane' is empty: nothing would run the cluster.",
                "Name one host, or three for high availability, under 'control-plane'.",
            ),
            id="empty control plane",
        ),
        pytest.param(
            {"role_groups": None, "hosts": [{"name": "a", "address": "10.0.0.1", "roles": ["control-plane"]}]},
            Finding(
                "error",
                "empty-etcd",
                "role_groups.etcd",
                0,
                0,
                "The role group 'etcd' is empty: the cluster would have nowhere to keep its state.",
                "Name one host, or three for high availability.",
            ),
            id="empty etcd",
        ),
        pytest.param(
            {"settings": {"pod_cidr": "nonsense"}},
            Finding(
                "error",
                "cidr",
                "settings.pod_cidr",
                0,
                0,
                "'nonsense' is no network for pods.",
                "Write an address and a length, such as 10.233.64.0/18.",
            ),
            id="setting",
        ),
        pytest.param(
            {"settings": {"control_plane_port": True}},
            Finding(
                "error",
                "type",
                "settings.control_plane_port",
                0,
                0,
                "'control_plane_port' must be a number.",
                "Write control_plane_port as a number.",
            ),
            id="type of a setting",
        ),
        pytest.param(
            {"settings": {"kubernets_version": "v1.24.3"}},
            Finding(
                "warning",
                "unknown-key",
                "settings.kubernets_version",
                0,
                0,
                "Unknown key 'kubernets_version' in settings; it was left out.",
                "Did you mean 'kubernetes_version'?",
            ),
            id="unknown setting",
        ),
        pytest.param(
            {"settings": ["x"]},
            Finding(
                "error",
                "type",
                "settings",
                0,
                0,
                "'settings' must be an object.",
                'Write {"kubernetes_version": "v1.24.3"}.',
            ),
            id="settings",
        ),
        pytest.param(
            {"hosts": "a"},
            Finding(
                "error",
                "type",
                "hosts",
                0,
                0,
                "'hosts' must be a list.",
                "Write 'hosts:' and below it lines such as '- {name: master1, address: 10.0.0.1, user: root}'.",
            ),
            id="hosts",
        ),
    ],
)
def test_faults_have_the_path_of_the_body(change: dict[str, Any], expected: Finding) -> None:
    parsed = from_mapping({**BODY, **change})
    assert expected in parsed.findings
    assert (parsed.inventory is None) == bool(parsed.errors)


@pytest.mark.parametrize("body", [{}, {"hosts": None}, {"hosts": []}, {"hosts": [None]}, {"hosts": [[1]]}])
def test_a_body_without_hosts_is_refused(body: dict[str, Any]) -> None:
    assert from_mapping(body).inventory is None


def test_data_nested_too_deep_is_refused() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    (found,) = from_mapping({"hosts": deep}).findings
    assert (found.code, found.message, found.fix) == (
        "too-deep",
        "Nested more than 40 levels deep.",
        "Flatten the data.",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"hosts": [{"name": "a\x00"}]},
        {"hosts": [{"name": "a", "labels": {"a\x00": "b"}}]},
        {"settings": {"registry_user": "\x00"}},
    ],
)
def test_text_that_cannot_be_stored_is_refused(change: dict[str, Any]) -> None:
    (found,) = from_mapping({**BODY, **change}).findings
    assert (found.code, found.fix) == ("character", "Delete it.")
    assert found.message == "The text has the character U+0000, which cannot be stored."


def test_settings_replace_those_of_a_file_and_are_judged() -> None:
    text = "hosts: [{name: a, address: 10.0.0.1}]\nroleGroups: {etcd: [a], master: [a]}\nnetwork: {kubePodsCIDR: bad}\n"
    parsed = parse(text)
    assert [finding.code for finding in parsed.findings] == ["cidr"]
    mended = with_settings(parsed, {"pod_cidr": "10.100.0.0/18"})
    assert mended.findings == ()
    assert mended.inventory is not None
    assert mended.inventory.platform.pod_cidr == "10.100.0.0/18"
    spoilt = with_settings(mended, {"service_cidr": "10.100.0.0/20"})
    assert [(finding.path, finding.code) for finding in spoilt.findings] == [("settings.service_cidr", "cidr-overlap")]
    assert with_settings(parsed, {}) is parsed
