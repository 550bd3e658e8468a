"""Actions that prepare hosts, on real ones."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusters.models import Node
from tasks.actions.base import ActionFailed
from tests.tasks.actions.conftest import Site

pytestmark = [pytest.mark.integration, pytest.mark.lab]
KEY = "/root/.ssh/id_sanqian"
PREFLIGHT: dict[str, Any] = {
    "components": ["gpu-operator"],
    "ignore": [],
    "artifact_directory": "/root/3k/artifact",
}


def test_preflight_reads_and_judges_all_hosts(site: Site) -> None:
    done, _ = site.run("preflight", **PREFLIGHT)
    assert done.result["counts"]["error"] == 0
    node = Node.objects.get(cluster=site.cluster, name="worker1")
    assert node.facts["os"]["id"] == "debian"
    assert node.facts["arch"] == "amd64"
    assert len(node.facts["gpus"]) == 2
    assert [disk["path"] for disk in node.facts["disks"] if disk["raw"]] == ["/dev/vdb"]
    assert node.facts["reach"] == {"master1": True, "master2": True}
    assert abs(node.facts["clock_offset"]) < 1
    assert node.facts_at and node.host_key


def test_preflight_fails_with_every_reason(site: Site, put_back: Callable[[str, str], None]) -> None:
    put_back("master2", "rm -rf /var/lib/etcd /etc/cni")
    site.on("master2", "mkdir -p /var/lib/etcd/member /etc/cni/net.d; touch /etc/cni/net.d/10-calico.conflist")
    Node.objects.filter(cluster=site.cluster, name="worker1").update(port=2)
    with pytest.raises(ActionFailed, match="3 errors stand against the installation: worker1: ") as caught:
        site.run("preflight", **PREFLIGHT)
    errors = {(row["code"], row["host"]) for row in caught.value.result["findings"] if row["level"] == "error"}
    assert errors == {("ssh", "worker1"), ("residue", "master2")}
    assert not caught.value.again


def test_trust_opens_every_host_and_is_made_once(site: Site) -> None:
    assert site.probe("ssh-trust", key=KEY) is False
    site.run("ssh-trust", key=KEY)
    first = site.on("master1", f"cat {KEY}.pub; stat -c %a {KEY}")
    assert site.probe("ssh-trust", key=KEY) is True
    site.run("ssh-trust", key=KEY)
    assert site.on("master1", f"cat {KEY}.pub; stat -c %a {KEY}") == first
    assert first.endswith("600")
    for host in ("master1", "master2", "worker1"):
        mark = f"sanqian {site.cluster.pk}"
        assert site.on(host, f"grep -c '{mark}' /root/.ssh/authorized_keys") == "1"
        assert site.on(host, "cat /var/lib/sanqian/cluster") == str(site.cluster.pk)
    address = Node.objects.get(cluster=site.cluster, name="worker1").internal_address
    way = f"ssh -i {KEY} -o BatchMode=yes -o StrictHostKeyChecking=yes {address} hostname"
    assert site.on("master1", way) == "worker1"


def test_a_key_that_is_refused_names_the_host(site: Site, put_back: Callable[[str, str], None]) -> None:
    place = "/root/.ssh/authorized_keys"
    put_back("worker1", f"chattr -i {place} 2>/dev/null; mount | grep -q ' {place} ' && umount {place}; true")
    site.on("worker1", f"cp {place} /tmp/keys && mount --bind /tmp/keys {place} && mount -o remount,ro,bind {place}")
    with pytest.raises(Exception, match="worker1"):
        site.run("ssh-trust", key="/root/.ssh/id_refused")


def upload_args(name: str, sha256: str = "") -> dict[str, Any]:
    return {"file": name, "archive": "/root/3k/up.archive", "marker": "/root/3k/up/.sanqian-artifact", "sha256": sha256}


@pytest.fixture
def artifact(settings: Any, tmp_path: Path, site: Site, put_back: Callable[[str, str], None]) -> Path:
    settings.ARTIFACT_DIR = tmp_path
    put_back("master1", "rm -rf /root/3k")
    path = tmp_path / "big.tar.gz"
    path.write_bytes(bytes(range(256)) * (48 << 12))
    return path


def test_upload_goes_on_from_slice_to_slice(site: Site, artifact: Path) -> None:
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()
    done, slices = site.run("upload-artifact", slice_seconds=2.15, **upload_args("big.tar.gz", digest))
    assert slices > 1
    assert done.result["sha256"] == digest
    assert site.on("master1", "sha256sum </root/3k/up.archive").split()[0] == digest
    assert site.on("master1", "cat /root/3k/up.archive.sha256") == digest
    assert site.probe("upload-artifact", **upload_args("big.tar.gz")) is True
    assert site.on("master1", "ls /root/3k | grep -c part || true") == "0"


def test_upload_of_what_is_unpacked_sends_nothing(site: Site, artifact: Path) -> None:
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()
    site.on("master1", f"mkdir -p /root/3k/up; echo {digest} 1 1 >/root/3k/up/.sanqian-artifact")
    assert site.probe("upload-artifact", **upload_args("big.tar.gz", digest)) is True


@pytest.mark.parametrize(("name", "words"), [("no.tar.gz", "no artifact file"), ("../big.tar.gz", "no artifact file")])
def test_upload_of_no_file_is_refused(site: Site, artifact: Path, name: str, words: str) -> None:
    (artifact.parent.parent / "big.tar.gz").touch()
    with pytest.raises(ActionFailed, match=words):
        site.run("upload-artifact", **upload_args(name))


def test_upload_of_the_wrong_file_is_refused(site: Site, artifact: Path) -> None:
    with pytest.raises(ActionFailed, match="expected 0000"):
        site.run("upload-artifact", **upload_args("big.tar.gz", "0" * 64))


def test_packages_reach_every_host(site: Site, tmp_path: Path, put_back: Callable[[str, str], None]) -> None:
    args = {"from": "/root/pk", "to": "/var/lib/sanqian/packages", "packages": ["sanqian-none"]}
    for host in ("master1", "master2", "worker1"):
        put_back(host, "rm -rf /root/pk /var/lib/sanqian/packages")
    with pytest.raises(ActionFailed, match="no packages in /root/pk"):
        site.run("copy-packages", **args)
    site.on("master1", "mkdir /root/pk; for n in a_1_amd64 b_1_all c_1_arm64; do echo $n >/root/pk/$n.deb; done")
    site.on("worker1", "mkdir -p /var/lib/sanqian/packages; echo old >/var/lib/sanqian/packages/old_1_all.deb")
    assert site.probe("copy-packages", **args) is False
    site.run("copy-packages", **args)
    for host in ("master1", "master2", "worker1"):
        assert site.on(host, "ls /var/lib/sanqian/packages").split() == ["a_1_amd64.deb", "b_1_all.deb"]
    assert site.probe("copy-packages", **{**args, "packages": ["curl"]}) is True


def test_gpu_drivers_of_the_hosts_are_kept(site: Site, put_back: Callable[[str, str], None]) -> None:
    file = "/var/lib/sanqian/components/gpu-operator.set"
    put_back("worker1", "rm -f /usr/local/bin/modinfo")
    put_back("master1", f"rm -f {file}")
    done, _ = site.run("probe-gpu-driver", host="master1", settings=file)
    assert done.result["hosts"] == {"worker1": ""}
    assert site.on("master1", f"cat {file} 2>/dev/null || echo none") == "none"
    site.on(
        "worker1",
        "printf '#!/bin/sh\\necho 535.54.03\\n' >/usr/local/bin/modinfo; chmod +x /usr/local/bin/modinfo",
    )
    done, _ = site.run("probe-gpu-driver", host="master1", settings=file)
    assert done.result["hosts"] == {"worker1": "535.54.03"}
    assert site.on("master1", f"cat {file}") == "driver.enabled=false"


def test_where_only_some_hosts_have_drivers_these_are_labelled(
    site: Site, put_back: Callable[[str, str], None]
) -> None:
    file = "/var/lib/sanqian/components/gpu-operator.set"
    put_back("worker1", "rm -f /usr/local/bin/modinfo")
    put_back("master1", "rm -f /usr/local/bin/kubectl /tmp/asked")
    put_back("master2", "rm -f /etc/lab/gpus")
    program = "printf '#!/bin/sh\\n{}\\n' >/usr/local/bin/{}; chmod +x /usr/local/bin/{}"
    site.on("worker1", program.format("echo 535.54.03", "modinfo", "modinfo"))
    site.on("master1", program.format('echo SIMULATED "$@" >>/tmp/asked', "kubectl", "kubectl"))
    site.on("master2", "echo 1 >/etc/lab/gpus")
    done, _ = site.run("probe-gpu-driver", host="master1", settings=file)
    assert done.result["hosts"] == {"master2": "", "worker1": "535.54.03"}
    label = "SIMULATED label node worker1 nvidia.com/gpu.deploy.driver=false --overwrite"
    assert site.on("master1", "cat /tmp/asked") == label
    assert site.on("master1", f"cat {file} 2>/dev/null || echo none") == "none"


def test_the_lab_is_left_alone(site: Site) -> None:
    """The fixtures above put back what they change; a host that is broken would fail later tests strangely."""
    argv = site.lab.exec_argv("worker1", ["true"])
    assert subprocess.run(argv, check=False).returncode == 0
