"""kk on lab hosts, as an installer calls it: registry, images, cluster, faults, nodes, certificates, upgrade."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab import artifact
from lab.base import Shape
from lab.hosts import Lab
from lab.layout import PASSWORDLESS_SUDO_USER, SUDO_PASSWORD, SUDO_USER
from tests.lab_fixtures import name_of_run

# `lab` skips where no hosts can be had; these tests take their own, for what they leave on them.
pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
WHERE = "/root/3k/artifact"
KEY = "/root/.ssh/id_test"
ALL = "-f cluster.yaml -a packages/3k.tar.gz"
CREATE = f"create cluster {ALL} --with-packages --skip-push-images -y"
ENVIRONMENT = {"LAB_SPEED": "100", "KUBECONFIG": "/etc/kubernetes/admin.conf"}
PROJECT = """curl -sS --cacert /etc/docker/certs.d/dockerhub.kubekey.local/ca.crt -u admin:Harbor12345 -o /dev/null \
-w '%{http_code}' -H 'Content-Type: application/json' -d '{"project_name": "kubesphereio", "public": true}' \
https://dockerhub.kubekey.local/api/v2.0/projects"""
# Two control-plane hosts, and users that become root in the two ways.
USERS = {"worker1": (PASSWORDLESS_SUDO_USER, ""), "worker2": (SUDO_USER, SUDO_PASSWORD)}
GROUPS = {
    "etcd": ["master1"],
    "control-plane": ["master[1:2]"],
    "worker": ["worker[1:2]"],
    "registry": ["master1"],
}
NODES = {"master1", "master2", "worker1", "worker2"}


class Site:
    """A lab whose first host has the artifact and a configuration."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def sh(self, script: str, host: str = "master1") -> subprocess.CompletedProcess[bytes]:
        words = self.lab.exec_argv(host, ["sh", "-c", f"cd {WHERE} 2>/dev/null; {script}"], ENVIRONMENT)
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)

    def out(self, script: str, host: str = "master1") -> str:
        done = self.sh(script, host)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]
        return done.stdout.decode().strip()

    def kk(self, words: str, faults: tuple[dict[str, object], ...] = ()) -> subprocess.CompletedProcess[bytes]:
        self.put("/etc/lab/faults.json", json.dumps({"faults": faults}).encode())
        self.sh("rm -f /var/lib/lab/faults-struck.json")
        return self.again(words)

    def again(self, words: str) -> subprocess.CompletedProcess[bytes]:
        """With the faults of the last call, as often as they still may strike."""
        return self.sh(f"bin/kk {words}")

    def ok(self, words: str) -> str:
        done = self.kk(words)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]
        return done.stdout.decode()

    def put(self, path: str, data: bytes) -> None:
        words = self.lab.exec_argv("master1", ["sh", "-c", f"umask 077; mkdir -p {Path(path).parent}; cat >{path}"])
        subprocess.run(words, input=data, check=True, timeout=60)

    def nodes(self) -> dict[str, str]:
        """Name and version of those that are ready."""
        items = json.loads(self.out("kubectl get nodes -o json"))["items"]
        return {
            item["metadata"]["name"]: item["status"]["nodeInfo"]["kubeletVersion"]
            for item in items
            if any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"]["conditions"])
        }


def configuration(lab: Lab) -> bytes:
    hosts = []
    for host in lab.hosts:
        user, password = USERS.get(host.name, ("root", ""))
        entry = {"name": host.name, "address": host.address, "internalAddress": host.address, "user": user}
        hosts.append(
            {**entry, "port": host.port, "privateKeyPath": KEY, **({"password": password} if password else {})}
        )
    spec = {"hosts": hosts, "roleGroups": GROUPS}
    document = {"apiVersion": "kubekey.kubesphere.io/v1alpha2", "kind": "Cluster", "spec": spec}
    return yaml.safe_dump(document).encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A registry with all images; no cluster yet."""
    own = Lab(name_of_run("kk"), Shape(masters=2, workers=2, disks=0))
    try:
        own.up()
        made = Site(own)
        made.put("/tmp/artifact.tar.gz", artifact.build(tmp_path_factory.mktemp("artifact")).read_bytes())
        made.out(f"mkdir -p {WHERE} && tar -xzf /tmp/artifact.tar.gz -C {WHERE}")
        made.put(f"{WHERE}/cluster.yaml", configuration(own))
        made.put(KEY, own.key_path.read_bytes())
        made.put("/etc/lab/speed", b"100\n")
        assert "Local image registry created successfully" in made.ok(f"init registry {ALL}")
        assert made.out(PROJECT) == "201"
        made.ok(f"artifact images push {ALL}")
        yield made
    finally:
        own.down()


@pytest.fixture
def cluster(site: Site) -> Site:
    """A cluster of all nodes, made where an earlier test has left none."""
    if site.sh("test -s /etc/kubernetes/admin.conf").returncode or set(site.nodes()) != NODES:
        site.ok(CREATE)
    return site


@pytest.fixture
def bare(site: Site) -> Site:
    """Hosts without a cluster."""
    site.ok("delete cluster -f cluster.yaml -y")
    return site


def test_images_that_are_there_are_skipped(site: Site) -> None:
    said = site.ok(f"artifact image push {ALL}")
    assert "exists, skipped" in said
    assert "Copying blob" not in said


def test_every_host_trusts_the_registry(site: Site) -> None:
    where = "/etc/docker/certs.d/dockerhub.kubekey.local"
    for host in site.lab.hosts:
        listed = site.out(f"ls {where}", host.name).split()
        assert listed == ["ca.crt", "dockerhub.kubekey.local.cert", "dockerhub.kubekey.local.key"]
        asked = f"curl -sS --cacert {where}/ca.crt https://dockerhub.kubekey.local/api/v2.0/health"
        assert json.loads(site.out(asked, host.name))["status"] == "healthy"


def test_it_asks_before_it_begins(bare: Site) -> None:
    done = bare.kk(CREATE.removesuffix(" -y"))
    assert done.returncode == 1
    assert b"-y goes on without it" in done.stderr


def test_a_missing_image_stops_it(bare: Site) -> None:
    done = bare.kk(CREATE, ({"at": "image", "match": "*/coredns:*", "do": "missing"},))
    assert done.returncode == 1
    assert b"coredns:1.8.6: not found" in done.stderr


def test_a_host_that_fails_is_named_and_the_next_run_goes_on(bare: Site) -> None:
    fault: dict[str, object] = {"at": "kk:JoinNodesModule", "do": "fail", "host": "worker2", "times": 1}
    done = bare.kk(CREATE, ({**fault, "message": "connection reset by peer"},))
    assert done.returncode == 1
    assert re.search(rb"failed: \[worker2\] \[.*\] exec failed: connection reset by peer", done.stderr)
    assert "worker2" not in bare.nodes()
    assert bare.again(CREATE).returncode == 0
    assert set(bare.nodes()) == NODES


@pytest.mark.parametrize("module", ["CertsModule", "InitKubernetesModule"])
def test_half_written_files_are_mended_by_the_next_run(bare: Site, module: str) -> None:
    assert bare.kk(CREATE, ({"at": f"kk:{module}", "do": "half", "times": 1},)).returncode == 137
    assert bare.again(CREATE).returncode == 0
    assert set(bare.nodes()) == NODES


def test_a_broken_network_is_waited_out(bare: Site) -> None:
    assert bare.kk(CREATE, ({"at": "kk:ConfigureOSModule", "do": "drop", "seconds": 2, "times": 1},)).returncode == 0
    assert set(bare.nodes()) == NODES


def test_a_cluster_that_kubectl_reads(cluster: Site) -> None:
    assert set(cluster.nodes()) == NODES
    cluster.out("kubectl rollout status -n kube-system deployment/coredns --timeout=20s")
    names = cluster.out("kubectl get pods -n kube-system -o name")
    for name in ("kube-apiserver-master1", "calico-node", "kube-proxy", "nodelocaldns", "openebs-localpv-provisioner"):
        assert name in names
    tainted = cluster.out("kubectl get nodes -o 'jsonpath={.items[?(@.spec.taints)].metadata.name}'")
    assert tainted == "master1 master2"


def test_the_api_answers_over_https_on_each_control_plane_host(cluster: Site, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text(cluster.out("cat /etc/kubernetes/pki/ca.crt"))
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    for name in ("master1", "master2"):
        url = f"https://{cluster.lab.host(name).address}:6443/version"
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            assert json.load(answer)["gitVersion"] == "v1.24.3"


def test_the_files_of_a_node(cluster: Site) -> None:
    for name in NODES:
        wanted = "/etc/kubernetes/kubelet.conf /var/lib/kubelet/config.yaml /etc/cni/net.d/10-calico.conflist"
        cluster.out(f"for file in {wanted} /etc/containerd/config.toml; do test -s $file || exit; done", name)
        assert cluster.out("stat -c %a /etc/kubernetes/kubelet.conf", name) == "600"
    cluster.out("test -s /etc/ssl/etcd/ssl/member-master1.pem && test -s /etc/etcd.env && test -d /var/lib/etcd/member")
    assert "server: https://lb.kubesphere.local:6443" in cluster.out("cat /root/.kube/config")


def test_a_second_run_keeps_the_cluster(cluster: Site) -> None:
    asked = "kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}'"
    before = cluster.out(asked)
    said = cluster.ok(CREATE)
    assert "skipped: [worker1]" in said
    assert cluster.out(asked) == before


def test_all_comes_back_after_a_reboot(cluster: Site) -> None:
    cluster.lab.reboot("master1")
    cluster.out("for i in $(seq 100); do kubectl get nodes && exit; sleep 0.2; done; exit 1")
    cluster.out("kubectl wait --for=condition=Ready nodes --all --timeout=20s")
    asked = "https://dockerhub.kubekey.local/api/v2.0/ping"
    assert cluster.out(f"curl -sS --cacert /etc/docker/certs.d/dockerhub.kubekey.local/ca.crt {asked}") == "Pong"


def test_a_node_leaves_and_comes_back(cluster: Site) -> None:
    cluster.ok("delete node worker2 -f cluster.yaml -y")
    assert set(cluster.nodes()) == NODES - {"worker2"}
    assert cluster.sh("test -e /etc/kubernetes", "worker2").returncode == 1
    cluster.ok(f"add nodes {ALL} -y")
    assert set(cluster.nodes()) == NODES


def test_an_unknown_node_cannot_leave(cluster: Site) -> None:
    done = cluster.kk("delete node worker9 -f cluster.yaml -y")
    assert done.returncode == 1
    assert b"worker9 is not in the cluster" in done.stderr


def test_certificates_are_shown_and_renewed(cluster: Site) -> None:
    shown = cluster.ok("certs check-expiration -f cluster.yaml")
    for host in ("master1", "master2"):
        assert re.search(rf"^apiserver\.crt +\w+ \d\d?, \d{{4}} \d\d:\d\d UTC +36\dd +ca +{host}$", shown, re.MULTILINE)
    asked = "openssl x509 -noout -serial -in /etc/kubernetes/pki/apiserver.crt"
    before, authority = cluster.out(asked), cluster.out("cat /etc/kubernetes/pki/ca.crt")
    cluster.ok("certs renew -f cluster.yaml")
    assert cluster.out(asked) != before
    assert cluster.out("cat /etc/kubernetes/pki/ca.crt") == authority
    assert set(cluster.nodes()) == NODES


def test_an_upgrade(cluster: Site) -> None:
    refused = cluster.kk(f"upgrade {ALL} --with-kubernetes v1.23.1 -y")
    assert refused.returncode == 1
    assert b"does not downgrade" in refused.stderr
    cluster.ok(f"upgrade {ALL} --with-kubernetes v1.25.3 -y")
    assert set(cluster.nodes().items()) == {(name, "v1.25.3") for name in NODES}
    pods = cluster.out("kubectl get pods -n kube-system -o 'jsonpath={.items[*].spec.containers[*].image}'")
    assert "kube-proxy:v1.25.3" in pods


def test_nothing_of_a_deleted_cluster_stays(cluster: Site) -> None:
    cluster.ok("delete cluster -f cluster.yaml -y --all")
    gone = "/etc/kubernetes /var/lib/etcd /etc/etcd.env /etc/ssl/etcd /var/lib/kubelet /etc/cni/net.d /etc/containerd"
    for name in NODES:
        cluster.out(f"for path in {gone}; do test ! -e $path || {{ echo $path; exit 1; }}; done", name)
        assert "kubekey hosts" not in cluster.out("cat /etc/hosts", name)
        assert cluster.out("ss -Hltn '( sport = :6443 or sport = :10250 )'", name) == ""
