"""What kk puts into a fresh cluster: DNS, service and pod network, the local storage class."""

from __future__ import annotations

from collections.abc import Iterable

from lab.toolchain.common import shapes
from lab.toolchain.common.client import ApiFailure, Client, path_of
from lab.toolchain.common.objects import Obj
from lab.toolchain.kk.config import DEFAULT_VERSION, Config

SYSTEM = "kube-system"
CALICO, OPENEBS = "v3.23.2", "3.3.0"
# Images by their names in the private registry; the artifact holds exactly these besides the components' own.
IMAGES = {
    "pause": "3.7",
    "kube-apiserver": DEFAULT_VERSION,
    "kube-controller-manager": DEFAULT_VERSION,
    "kube-scheduler": DEFAULT_VERSION,
    "kube-proxy": DEFAULT_VERSION,
    "coredns": "1.8.6",
    "k8s-dns-node-cache": "1.15.12",
    "kube-controllers": CALICO,
    "cni": CALICO,
    "node": CALICO,
    "pod2daemon-flexvol": CALICO,
    "provisioner-localpv": OPENEBS,
    "linux-utils": OPENEBS,
}
# Further Kubernetes versions that the artifact brings, to be upgraded to.
UPGRADES = ("v1.25.3",)
PULLED_BY_MASTERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
PULLED_BY_ALL = ("pause", "kube-proxy", "coredns", "k8s-dns-node-cache", "kube-controllers", "cni", "node")
_CRDS = [
    "FelixConfiguration",
    "IPPool",
    "IPAMBlock",
    "BlockAffinity",
    "IPAMHandle",
    "IPAMConfig",
    "BGPConfiguration",
    "BGPPeer",
    "HostEndpoint",
    "ClusterInformation",
    "GlobalNetworkPolicy",
    "GlobalNetworkSet",
    "KubeControllersConfiguration",
    "CalicoNodeStatus",
]


def images() -> list[str]:
    """All images of the system, as ``name:tag``."""
    found = [f"{name}:{tag}" for name, tag in IMAGES.items()]
    return found + [f"{name}:{new}" for name, tag in IMAGES.items() if tag == DEFAULT_VERSION for new in UPGRADES]


def image(config: Config, name: str, version: str = "") -> str:
    tag = version if version and IMAGES[name] == DEFAULT_VERSION else IMAGES[name]
    return f"{config.image_root}/{name}:{tag}"


def dns(config: Config) -> list[Obj]:
    tolerations = [
        {"key": "CriticalAddonsOnly", "operator": "Exists"},
        {"key": "node-role.kubernetes.io/master", "effect": "NoSchedule", "operator": "Exists"},
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule", "operator": "Exists"},
    ]
    labels = {"k8s-app": "kube-dns"}
    pod = {"serviceAccountName": "coredns", "tolerations": tolerations, "priorityClassName": "system-cluster-critical"}
    images = [image(config, "coredns")]
    core = shapes.workload("Deployment", "coredns", SYSTEM, images, labels=labels, replicas=2, ports=(53,), pod=pod)
    core["metadata"]["labels"]["kubernetes.io/name"] = "CoreDNS"
    service = shapes.service("coredns", SYSTEM, 53, labels)
    service["spec"]["clusterIP"] = "10.233.0.3"
    corefile = (
        f".:53 {{\n    errors\n    health\n    ready\n    kubernetes {config.cluster_domain} in-addr.arpa ip6.arpa\n"
        "    prometheus :9153\n    forward . /etc/resolv.conf\n    cache 30\n    loop\n    reload\n    loadbalance\n}\n"
    )
    settings: Obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": shapes.metadata("coredns", SYSTEM),
        "data": {"Corefile": corefile},
    }
    cache = shapes.workload(
        "DaemonSet",
        "nodelocaldns",
        SYSTEM,
        [image(config, "k8s-dns-node-cache")],
        labels={"k8s-app": "nodelocaldns"},
        pod={"hostNetwork": True, "tolerations": list(shapes.EVERYWHERE), "serviceAccountName": "nodelocaldns"},
    )
    accounts = [shapes.account(name, SYSTEM) for name in ("coredns", "nodelocaldns")]
    return [*accounts, settings, core, service, cache]


def proxy(config: Config, version: str = "") -> list[Obj]:
    pod = {"hostNetwork": True, "tolerations": list(shapes.EVERYWHERE), "nodeSelector": {"kubernetes.io/os": "linux"}}
    images = [image(config, "kube-proxy", version)]
    daemon = shapes.workload("DaemonSet", "kube-proxy", SYSTEM, images, labels={"k8s-app": "kube-proxy"}, pod=pod)
    return [shapes.account("kube-proxy", SYSTEM), daemon]


def network(config: Config) -> list[Obj]:
    group = "crd.projectcalico.org"
    definitions = [shapes.definition(group, "v1", kind, _plural(kind), cluster=True) for kind in _CRDS]
    pool: Obj = {
        "apiVersion": f"{group}/v1",
        "kind": "IPPool",
        "metadata": {"name": "default-ipv4-ippool"},
        "spec": {"cidr": config.pod_cidr, "ipipMode": "Always", "natOutgoing": True, "blockSize": 24},
    }
    pod = {"hostNetwork": True, "tolerations": list(shapes.EVERYWHERE), "serviceAccountName": "calico-node"}
    pod["initContainers"] = [{"name": "install-cni", "image": image(config, "cni")}]
    labels = {"k8s-app": "calico-node"}
    node = shapes.workload("DaemonSet", "calico-node", SYSTEM, [image(config, "node")], labels=labels, pod=pod)
    labels = {"k8s-app": "calico-kube-controllers"}
    masters = {"key": "node-role.kubernetes.io/master", "effect": "NoSchedule", "operator": "Exists"}
    controllers = shapes.workload(
        "Deployment",
        "calico-kube-controllers",
        SYSTEM,
        [image(config, "kube-controllers")],
        labels=labels,
        pod={"serviceAccountName": "calico-kube-controllers", "tolerations": [masters]},
    )
    accounts = [shapes.account(name, SYSTEM) for name in ("calico-node", "calico-kube-controllers")]
    return [*definitions, *accounts, node, controllers, pool]


def _plural(kind: str) -> str:
    lower = kind.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}es" if lower.endswith("s") else f"{lower}s"


def storage(config: Config) -> list[Obj]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true", "openebs.io/cas-type": "local"}
    local: Obj = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local", "annotations": annotations},
        "provisioner": "openebs.io/local",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    labels = {"name": "openebs-localpv-provisioner"}
    images = [image(config, "provisioner-localpv")]
    provisioner = shapes.workload("Deployment", "openebs-localpv-provisioner", SYSTEM, images, labels=labels)
    return [local, provisioner]


def apply(client: Client, objects: Iterable[Obj]) -> None:
    """Create the objects, or merge them into those that are there. Raises `ApiFailure`, `Unreachable`."""
    for obj in objects:
        group, _, version = obj["apiVersion"].rpartition("/")
        kind = obj["kind"].lower()
        plural = _plural(kind)
        namespace = obj["metadata"].get("namespace", "")
        try:
            client.post(path_of(group, version, plural, namespace), obj)
        except ApiFailure as error:
            if error.code != 409:
                raise
            client.patch(path_of(group, version, plural, namespace, obj["metadata"]["name"]), obj)
