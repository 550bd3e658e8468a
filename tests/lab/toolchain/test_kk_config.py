"""kk's configuration file, also as the service renders it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from clusters.inventory import parse, render
from lab.base import Shape
from lab.layout import config_text, plan_hosts
from lab.toolchain.kk.config import ConfigError, expand, load
from lab.toolchain.kk.texts import hosts_block


def document(**spec: object) -> str:
    host = {"name": "master1", "address": "10.0.0.1", "internalAddress": "10.0.0.1", "privateKeyPath": "/key"}
    whole = {"hosts": [host], "roleGroups": {"etcd": ["master1"], "control-plane": ["master1"]}, **spec}
    return yaml.safe_dump({"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": whole})


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cluster.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("master1", ["master1"]),
        ("worker[1:3]", ["worker1", "worker2", "worker3"]),
        ("worker[09:10]", ["worker09", "worker10"]),
    ],
)
def test_ranges(pattern: str, names: list[str]) -> None:
    assert expand(pattern) == names


def test_it_takes_what_the_service_renders(tmp_path: Path) -> None:
    shape = Shape()
    sample = config_text(plan_hosts("10.1.2", shape.masters, shape.workers), Path("/root/.ssh/id"))
    config = load(written(tmp_path, render(parse(sample).inventory)))
    assert [host.name for host in config.group("etcd")] == ["master1", "master2", "master3"]
    assert [host.name for host in config.nodes] == ["master1", "worker1", "worker2", "worker3"]
    assert config.image_root == "dockerhub.kubekey.local/kubesphereio"
    assert config.first.key == "/root/.ssh/id"


def test_the_registrys_login_is_that_of_its_auths(tmp_path: Path) -> None:
    login = {"username": "robot", "password": "of-the-test"}
    config = load(written(tmp_path, document(registry={"privateRegistry": "r.test", "auths": {"r.test": login}})))
    assert (config.registry_user, config.registry_password) == ("robot", "of-the-test")


def test_every_host_learns_the_names_of_registry_and_endpoint(tmp_path: Path) -> None:
    groups = {"etcd": ["master1"], "control-plane": ["master1"], "registry": ["master1"]}
    lines = hosts_block(load(written(tmp_path, document(roleGroups=groups)))).splitlines()
    assert "10.0.0.1  dockerhub.kubekey.local" in lines
    assert "10.0.0.1  lb.kubesphere.local" in lines


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("hosts: [", "Unable to unmarshal"),
        ("kind: Other", "no matches for kind Cluster"),
        (document(roleGroups={"etcd": ["master1"]}), "The number of control-plane cannot be 0"),
        (document(roleGroups={"etcd": ["master[1:2]"]}), "master2"),
        (document(hosts=[{"name": "master1"}]), "spec.hosts[0]"),
    ],
)
def test_what_it_refuses(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint.replace("[", r"\[")):
        load(written(tmp_path, text))
