"""The verbs of the old tool: each asks for an operation whose plan, made by the service, does what its name says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.plans import make
from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService
from tests.tasks.plans.sites import cluster

ARTIFACT = ["--artifact", "3k-artifact.tar.gz"]
# What any step on the artifact rests on, and finds done already where it is.
BASE = {"artifact-upload", "artifact-unpack", "configuration"}
SITE = replace(
    cluster({"master1": ("etcd", "control-plane", "registry"), **{f"worker{n}": ("worker",) for n in (1, 2, 3)}}),
    secrets=frozenset({"ceph_key"}),
)


def steps(body: dict[str, Any]) -> set[str]:
    return {step.key for step in make(body["kind"], SITE, body["params"]).steps}


@pytest.mark.parametrize(
    ("words", "has", "lacks"),
    [
        ("init registry", {"registry", "packages"}, {"kubernetes", "images", "charts", "verify", "platform-info"}),
        ("init cpodinfo", {"platform-info"}, {"registry", "kubernetes", "images", "charts", *BASE}),
        ("push images", {"images"}, {"registry", "kubernetes", "charts", "packages", "ssh-trust"}),
        ("push charts", {"charts"}, {"registry", "kubernetes", "images", "packages", "ssh-trust"}),
        (
            "install kubernetes",
            {"preflight", "registry", "images", "kubernetes", "platform-info", "coredns"},
            {"charts", "component-kruise", "verify"},
        ),
        (
            "install operators",
            {"charts", "component-kruise", "component-gpu-operator", "verify"},
            {"kubernetes", "registry", "images", "preflight"},
        ),
        (
            "install operators --software kserve",
            {"component-kserve", "component-cert-manager", "component-ingress-nginx"},
            {"component-kruise", "component-gpu-operator", "kubernetes"},
        ),
        (
            "install ceph",
            {"ceph-disks", "ceph-guard", "ceph-ready", "ceph-proof-block"},
            {"kubernetes", "component-kruise", "charts"},
        ),
    ],
)
def test_the_plan_does_what_the_verb_says(
    run: Run, service: PlayedService, words: str, has: set[str], lacks: set[str]
) -> None:
    service.add_cluster("demo")

    assert run("deploy", *words.split(), *ARTIFACT, "--detach").code == 0

    (body,) = service.bodies("POST", "operations")
    found = steps(body)
    assert has <= found, found
    assert not lacks & found, lacks & found


def test_hosts_come_go_and_an_external_ceph_is_used(
    run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANQIAN_CEPH_KEY", "AQB-key")
    service.add_cluster("demo")
    fsid = "4d1fa7b1-5a6f-4bfc-bb7d-6b2a8f0e8f51"
    external = ["--fsid", fsid, "--monitor", "10.0.9.1", "--filesystem", "data", "--ceph-user", "csi"]

    assert run("deploy", "add", "nodes", "--node", "worker2", *ARTIFACT, "--detach").code == 0
    assert run("deploy", "delete", "node", "worker2", "--detach").code == 0
    assert run("deploy", "install", "ceph-csi-cephfs", *external, *ARTIFACT, "--detach").code == 0

    joining, leaving, storage = service.bodies("POST", "operations")
    assert (joining["kind"], joining["params"]["nodes"]) == ("add-nodes", ["worker2"])
    assert leaving == {"kind": "remove-node", "params": {"node": "worker2"}, "dry_run": False}
    assert {"ceph-monitors", "ceph-identity", "ceph-csi-ready"} <= steps(storage)
    assert "AQB-key" not in str(storage)
    assert {"preflight", "packages", "join-workers", "labels"} <= steps(joining)
    assert {"removable", "drain", "delete", "clean", "retire"} <= steps(leaving)
