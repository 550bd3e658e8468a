"""The three shapes of configuration that customers have, and the guide's sample as printed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from clusters.inventory import Finding, Inventory, Platform, parse
from clusters.models import Cluster

SAMPLE = Path(__file__).parents[3] / "conf" / "config-sample.conf"

KK = """\
apiVersion: kubekey.kubesphere.io/v1alpha2
kind: Cluster
metadata:
  name: sample
spec:
  hosts:
  - {name: node1, address: 172.16.0.2, internalAddress: 10.0.0.2, port: 8022, user: ubuntu, password: "Pa55@word"}
  - {name: node2, address: 172.16.0.3, labels: {disk: SSD, gpu: yes}, arch: arm64, timeout: 30}
  roleGroups:
    etcd:
    - node1
    master:
    - node1
    worker:
    - node[1:2]
  controlPlaneEndpoint:
    internalLoadbalancer: haproxy
    externalDNS: false
    domain: lb.example.com
    address: ""
    port: 7443
  system:
    ntpServers: [ntp.example.com]
  kubernetes:
    version: v1.25.3
    clusterName: cluster.local
    autoRenewCerts: yes
    containerManager: docker
  etcd:
    type: kubekey
  network:
    plugin: cilium
    kubePodsCIDR: 10.100.0.0/18
    kubeServiceCIDR: 10.200.0.0/18
    multusCNI:
      enabled: off
  registry:
    type: harbor
    privateRegistry: registry.example.com
    namespaceOverride: platform
    registryMirrors: []
    auths:
      "registry.example.com":
        username: puller
        password: 012345
        skipTLSVerify: true
  addons: []
"""


def test_a_kk_document_fills_every_field() -> None:
    parsed = parse(KK)
    assert parsed.findings == ()
    assert parsed.inventory is not None
    first, second = parsed.inventory.hosts
    assert (first.name, first.address, first.internal_address) == ("node1", "172.16.0.2", "10.0.0.2")
    assert (first.port, first.user, first.password, first.arch) == (8022, "ubuntu", "Pa55@word", "amd64")
    assert (second.internal_address, second.port, second.user) == ("172.16.0.3", 22, "root")
    assert (second.labels, second.arch, second.extra) == ({"disk": "SSD", "gpu": "yes"}, "arm64", {"timeout": 30})
    assert parsed.inventory.role_groups == {
        "etcd": ("node1",),
        "control-plane": ("node1",),
        "worker": ("node1", "node2"),
    }
    assert parsed.inventory.roles_of("node1") == ("etcd", "control-plane", "worker")
    assert parsed.inventory.name == "sample"
    assert parsed.inventory.platform == Platform(
        kubernetes_version="v1.25.3",
        container_manager="docker",
        network_plugin="cilium",
        pod_cidr="10.100.0.0/18",
        service_cidr="10.200.0.0/18",
        control_plane_domain="lb.example.com",
        control_plane_port=7443,
        internal_load_balancer="haproxy",
        private_registry="registry.example.com",
        registry_namespace="platform",
        registry_user="puller",
        registry_password="012345",
        extra={
            "spec": {
                "controlPlaneEndpoint": {"externalDNS": False},
                "system": {"ntpServers": ["ntp.example.com"]},
                "kubernetes": {"clusterName": "cluster.local", "autoRenewCerts": True},
                "etcd": {"type": "kubekey"},
                "network": {"multusCNI": {"enabled": False}},
                "registry": {"registryMirrors": [], "auths": {"registry.example.com": {"skipTLSVerify": True}}},
                "addons": [],
            }
        },
    )


def test_bare_hosts_and_role_groups_take_the_platform_defaults() -> None:
    parsed = parse("hosts:\n- {name: a, address: 10.0.0.1}\nroleGroups:\n  etcd: [a]\n  control-plane: [a]\n")
    assert parsed.findings == ()
    assert parsed.inventory is not None
    assert parsed.inventory.platform == Platform()
    assert [host.name for host in parsed.inventory.hosts] == ["a"]


def test_bare_hosts_may_have_settings_beside_them() -> None:
    parsed = parse(
        "hosts:\n- {name: a, address: 10.0.0.1}\nroleGroups: {etcd: [a], master: [a]}\nkubernetes: {version: v1.26.1}\n"
    )
    assert parsed.findings == ()
    assert parsed.inventory is not None
    assert parsed.inventory.platform.kubernetes_version == "v1.26.1"


def _is_the_samples(inventory: Inventory | None) -> bool:
    assert inventory is not None
    assert [host.name for host in inventory.hosts] == [
        *(f"master{n}" for n in (1, 2, 3)),
        *(f"worker{n}" for n in (1, 2, 3)),
    ]
    assert [host.address for host in inventory.hosts] == [f"192.168.1.{n}" for n in range(1, 7)]
    assert {host.private_key_path for host in inventory.hosts} == {"/root/.ssh/id_rsa"}
    assert inventory.role_groups == {
        "etcd": ("master1", "master2", "master3"),
        "control-plane": ("master1",),
        "worker": ("worker1", "worker2", "worker3"),
        "registry": ("master1",),
    }
    return True


def test_the_guides_sample_is_accepted_as_printed_and_the_repair_is_told() -> None:
    parsed = parse(SAMPLE.read_bytes())
    assert _is_the_samples(parsed.inventory)
    assert parsed.findings == (
        Finding(
            "repair",
            "misplaced-key",
            "roleGroups",
            8,
            3,
            "'roleGroups' was indented under the list of hosts; it was read as the key next to 'hosts'.",
            "Begin 'roleGroups' in column 1, like 'hosts'.",
        ),
    )


def test_the_guides_sample_may_stand_under_spec_and_have_settings() -> None:
    text = "kind: Cluster\nspec:\n" + "".join(f"  {line}\n" for line in SAMPLE.read_text().splitlines())
    parsed = parse(text + "    kubernetes:\n      version: v1.26.0\n")
    assert _is_the_samples(parsed.inventory)
    assert parsed.inventory is not None
    assert parsed.inventory.platform.kubernetes_version == "v1.26.0"
    assert [(finding.path, finding.line) for finding in parsed.findings] == [
        ("spec.roleGroups", 10),
        ("spec.kubernetes", 19),
    ]


def test_columns_in_a_repaired_part_are_those_of_the_file() -> None:
    text = SAMPLE.read_text().replace("    - worker[1:3]", "    - worker[1:4]")
    parsed = parse(text)
    (error,) = parsed.errors
    assert (error.path, error.line, error.column) == ("roleGroups.worker[0]", 14, 7)
    assert text.splitlines()[13][error.column - 1 :] == "worker[1:4]"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r"),
        lambda text: "# hosts of the customer\n" + text,
        lambda text: text.rstrip("\n"),
    ],
    ids=["crlf", "utf-8 mark", "utf-16", "mark in text", "cr", "comment", "no last line end"],
)
def test_how_the_sample_was_saved_does_not_matter(change: object) -> None:
    assert callable(change)
    assert _is_the_samples(parse(change(SAMPLE.read_text())).inventory)


def test_role_groups_inside_a_hosts_entry_are_moved() -> None:
    parsed = parse("hosts:\n- name: a\n  address: 10.0.0.1\n  roleGroups:\n    etcd: [a]\n    control-plane: [a]\n")
    (finding,) = parsed.findings
    assert (finding.level, finding.path, finding.line, finding.column) == ("repair", "hosts[0].roleGroups", 4, 3)
    assert finding.message == "'roleGroups' was part of a host; it was read as the key next to 'hosts'."
    assert finding.fix == "Indent 'roleGroups' like 'hosts'."
    assert parsed.inventory is not None
    assert parsed.inventory.role_groups == {"etcd": ("a",), "control-plane": ("a",)}
    assert parsed.inventory.hosts[0].extra == {}


def test_role_groups_beside_spec_are_moved() -> None:
    parsed = parse("spec:\n  hosts:\n  - {name: a, address: 10.0.0.1}\nroleGroups: {etcd: [a], control-plane: [a]}\n")
    (finding,) = parsed.findings
    assert (finding.level, finding.path, finding.line) == ("repair", "roleGroups", 4)
    assert finding.message == "'roleGroups' stood beside 'spec'; it was read as part of it."
    assert finding.fix == "Indent 'roleGroups' under 'spec'."
    assert parsed.inventory is not None


def test_anchors_aliases_and_merge_keys_are_understood() -> None:
    parsed = parse(
        "spec:\n"
        "  hosts:\n"
        "  - &one {name: a, address: 10.0.0.1, user: ubuntu, password: pw}\n"
        "  - {<<: *one, name: b, address: 10.0.0.2}\n"
        "  roleGroups: {etcd: &all [a], control-plane: *all, worker: [b]}\n"
    )
    assert parsed.findings == ()
    assert parsed.inventory is not None
    assert [(host.name, host.user, host.password) for host in parsed.inventory.hosts] == [
        ("a", "ubuntu", "pw"),
        ("b", "ubuntu", "pw"),
    ]
    assert parsed.inventory.role_groups["control-plane"] == ("a",)


def test_the_second_document_of_a_kubesphere_file_is_left_out_with_a_warning() -> None:
    parsed = parse(KK + "---\napiVersion: installer.kubesphere.io/v1alpha1\nkind: ClusterConfiguration\nspec: {}\n")
    (finding,) = parsed.findings
    assert (finding.level, finding.code, finding.line) == ("warning", "other-document", KK.count("\n") + 2)
    assert finding.message == "This document of the file was not taken over; only the cluster's own is read."
    assert finding.fix == "Keep it in a file of its own."
    assert parsed.inventory == parse(KK).inventory


def test_the_platform_has_the_settings_and_defaults_of_the_cluster_row() -> None:
    for field in fields(Platform):
        if field.name != "extra":
            assert Cluster._meta.get_field(field.name).get_default() == field.default, field.name
