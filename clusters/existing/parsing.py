"""From what the Kubernetes API answers to the words of `Existing`. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import ssl
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from clusters.bounded_yaml import BadYAML, load
from clusters.existing.model import Chart
from clusters.snapshot import Release, Workload

JSON = Any
LARGEST_RELEASE = 64 * 1024 * 1024  # bytes of a release's record, unpacked
# What the catalogue of an internet registry is reached by; whoever pulls from there has no registry of his own.
PUBLIC = (
    *("docker.io", "registry.k8s.io", "k8s.gcr.io", "gcr.io", "quay.io", "ghcr.io", "nvcr.io", "mcr.microsoft.com"),
    *("public.ecr.aws", "registry.gitlab.com", "*.docker.io", "*.gcr.io"),
)
# Pod networks by their daemon set, as kk calls them.
NETWORKS = {
    "calico-node": "calico",
    "canal": "calico",
    "cilium": "cilium",
    "kube-flannel*": "flannel",
    "kube-ovn-cni": "kubeovn",
    "hybridnet-daemon": "hybridnet",
    "weave-net": "weave",
    "antrea-agent": "antrea",
    "kindnet": "kindnet",
}
RUNTIMES = {"cri-o": "crio", "isulad": "isula"}


def chart_of(release: Release, secret: Mapping[str, JSON] | None) -> Chart:
    """The release with its chart as its record says: gzipped JSON, twice in base64. Nothing else of it is kept."""
    known = Chart(release.namespace, release.name, release.revision, release.status)
    try:
        packed = base64.b64decode(base64.b64decode((secret or {})["data"]["release"]))
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        text = unpacking.decompress(packed, LARGEST_RELEASE)
        meta = json.loads(text)["chart"]["metadata"]
        name, version, app = (str(meta.get(key) or "") for key in ("name", "version", "appVersion"))
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, AttributeError):
        return known
    return Chart(*(release.namespace, release.name, release.revision, release.status), name, version, app)


def registry_of(images: Iterable[str]) -> tuple[str, str]:
    """(the registry that most of `images` come from, their most usual project there); empty for public ones."""
    places: Counter[tuple[str, str]] = Counter()
    for image in images:
        host, slash, path = image.partition("/")
        own = bool(slash) and ("." in host or ":" in host or host == "localhost")
        project, deeper, _ = path.partition("/")
        places[(host, project if deeper else "") if own else ("docker.io", "")] += 1
    hosts: Counter[str] = Counter()
    for (host, _), count in places.items():
        hosts[host] += count
    for host, _ in hosts.most_common(1):
        if not any(fnmatchcase(host, pattern) for pattern in PUBLIC):
            project = max((count, name) for (one, name), count in places.items() if one == host)[1]
            return host, project
    return "", ""


def images_of(pods: Iterable[Mapping[str, JSON]]) -> list[str]:
    """The images of the pods' containers."""
    return [
        str(container.get("image") or "")
        for pod in pods
        for container in (pod.get("spec") or {}).get("containers") or ()
        if container.get("image")
    ]


def network_of(workloads: Iterable[Workload]) -> str:
    """The pod network, by its daemon set; empty where none is known."""
    names = sorted(one.name for one in workloads if one.kind == "daemonset")
    for pattern, plugin in NETWORKS.items():
        if any(fnmatchcase(name, pattern) for name in names):
            return plugin
    return ""


def runtimes_of(versions: Iterable[str]) -> tuple[str, ...]:
    """The container runtimes, as kk calls them, from texts such as ``containerd://1.6.4``."""
    names = {text.partition("://")[0] for text in versions if text}
    return tuple(sorted(RUNTIMES.get(name, name) for name in names))


def kubeadm_settings(config: Mapping[str, JSON] | None) -> dict[str, str]:
    """``pod_cidr``, ``service_cidr`` and ``endpoint`` from kubeadm's ConfigMap, as far as it tells them."""
    text = str(((config or {}).get("data") or {}).get("ClusterConfiguration") or "")
    try:
        data = load(text)
    except BadYAML:
        return {}
    if not isinstance(data, Mapping):
        return {}
    networking = data.get("networking")
    networking = networking if isinstance(networking, Mapping) else {}
    said = {
        "pod_cidr": networking.get("podSubnet"),
        "service_cidr": networking.get("serviceSubnet"),
        "endpoint": data.get("controlPlaneEndpoint"),
    }
    return {name: value.strip() for name, value in said.items() if isinstance(value, str)}


def endpoint_of(text: str) -> tuple[str, int]:
    """``host:port`` apart; an empty host where `text` is none, port 6443 where it has none."""
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and not host.endswith(":"):
        return host.strip("[]"), int(port)
    return text.strip("[]"), 6443


def authority_of(pem: str) -> str:
    """SHA-256 of the first certificate in `pem`; empty where there is none."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if begin not in pem or end not in pem:
        return ""
    one = begin + pem.partition(begin)[2].partition(end)[0] + end
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(one)).hexdigest()
    except ValueError:
        return ""
