"""From the API's answers to what is there."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from clusters.existing.model import Chart, Existing, Part, roles_of
from clusters.existing.parsing import (
    authority_of,
    chart_of,
    endpoint_of,
    kubeadm_settings,
    network_of,
    registry_of,
    runtimes_of,
)
from clusters.snapshot import Node, Release, Workload

RELEASE = Release("apps", "web", 3, "deployed", datetime(2026, 1, 1, tzinfo=UTC))


def secret(record: Any) -> dict[str, Any]:
    packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    return {"data": {"release": base64.b64encode(packed).decode()}}


def test_a_release_tells_its_chart_and_none_of_its_values() -> None:
    metadata = {"name": "nginx", "version": "15.1.0", "appVersion": "1.25.1"}
    kept = chart_of(RELEASE, secret({"chart": {"metadata": metadata}, "config": {"password": "hidden"}}))
    assert kept == Chart("apps", "web", 3, "deployed", "nginx", "15.1.0", "1.25.1")
    assert "hidden" not in str(kept)


@pytest.mark.parametrize(
    "record",
    [None, {}, {"data": {"release": "!"}}, {"data": {"release": "aGVsbG8="}}, secret([]), secret({"chart": 1})],
)
def test_an_unreadable_record_leaves_the_release(record: Any) -> None:
    assert chart_of(RELEASE, record) == Chart("apps", "web", 3, "deployed")


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (["registry.k8s.io/pause:3.9", "quay.io/calico/node:v3.26"], ("", "")),
        (["calico/node:v3.26", "busybox"], ("", "")),
        (
            ["dockerhub.kubekey.local/kubesphereio/pause:3.7"] * 3 + ["quay.io/x/y"],
            ("dockerhub.kubekey.local", "kubesphereio"),
        ),
        (["10.0.0.1:5000/pause:3.7"], ("10.0.0.1:5000", "")),
        (["r.example.org/a/x", "r.example.org/b/y", "r.example.org/b/z", "busybox"], ("r.example.org", "b")),
        ([], ("", "")),
    ],
)
def test_the_registry_is_where_most_images_come_from(images: list[str], found: tuple[str, str]) -> None:
    assert registry_of(images) == found


def test_networks_and_runtimes_have_the_names_that_kk_gives() -> None:
    sets = [
        Workload("daemonset", "kube-system", "kube-proxy"),
        Workload("daemonset", "kube-flannel", "kube-flannel-ds"),
    ]
    assert network_of(sets) == "flannel"
    assert network_of([Workload("deployment", "kube-system", "calico-node")]) == ""
    assert runtimes_of(["containerd://1.6.4", "cri-o://1.29.1", "containerd://1.7.0", ""]) == ("containerd", "crio")


def test_kubeadm_tells_the_networks() -> None:
    text = "controlPlaneEndpoint: lb.example.org:8443\nnetworking: {podSubnet: 10.1.0.0/16, serviceSubnet: 10.2.0.0/16}"
    said = kubeadm_settings({"data": {"ClusterConfiguration": text}})
    assert said == {"pod_cidr": "10.1.0.0/16", "service_cidr": "10.2.0.0/16", "endpoint": "lb.example.org:8443"}
    for nothing in (None, {}, {"data": {"ClusterConfiguration": "- 1"}}, {"data": {"ClusterConfiguration": "{"}}):
        assert kubeadm_settings(nothing) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.example:8443", ("a.example", 8443)),
        ("a.example", ("a.example", 6443)),
        ("[fd00::1]:6443", ("fd00::1", 6443)),
        ("", ("", 6443)),
    ],
)
def test_an_endpoint_is_a_host_and_a_port(text: str, found: tuple[str, int]) -> None:
    assert endpoint_of(text) == found


def test_no_certificate_has_no_fingerprint() -> None:
    assert authority_of("") == authority_of("-----BEGIN CERTIFICATE-----\n!\n") == ""


def test_what_is_found_survives_being_stored() -> None:
    node = Node(
        "m1", True, roles=("control-plane",), internal_ip="10.0.0.1", machine_id="abc", kubelet_version="v1.24.3"
    )
    found = Existing(
        "uid",
        "v1.24.3",
        nodes=(node,),
        parts=(Part("loki-stack", "healthy"),),
        charts=(Chart("a", "b", 1, "failed"),),
        runtimes=("docker",),
    )
    assert Existing.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_node_without_a_role_is_a_worker() -> None:
    assert roles_of(Node("a", True)) == {"worker"}
    assert roles_of(Node("a", True, roles=("master",))) == {"control-plane"}
    assert roles_of(Node("a", True, roles=("control-plane", "worker"))) == {"control-plane", "worker"}
