"""The keys of a kk document (``kubekey.kubesphere.io/v1alpha2``, kind ``Cluster``) and the fields they fill."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

API_VERSION = "kubekey.kubesphere.io/v1alpha2"
KIND = "Cluster"

HOST_KEYS = {
    "name": "name",
    "address": "address",
    "internal_address": "internalAddress",
    "port": "port",
    "user": "user",
    "password": "password",
    "private_key": "privateKey",
    "private_key_path": "privateKeyPath",
    "arch": "arch",
    "labels": "labels",
}
"""Field of `HostSpec` -> key of a host in the document."""

PLATFORM_KEYS = {
    "kubernetes_version": ("kubernetes", "version"),
    "container_manager": ("kubernetes", "containerManager"),
    "network_plugin": ("network", "plugin"),
    "pod_cidr": ("network", "kubePodsCIDR"),
    "service_cidr": ("network", "kubeServiceCIDR"),
    "control_plane_domain": ("controlPlaneEndpoint", "domain"),
    "control_plane_address": ("controlPlaneEndpoint", "address"),
    "control_plane_port": ("controlPlaneEndpoint", "port"),
    "internal_load_balancer": ("controlPlaneEndpoint", "internalLoadbalancer"),
    "private_registry": ("registry", "privateRegistry"),
    "registry_namespace": ("registry", "namespaceOverride"),
    "registry_type": ("registry", "type"),
}
"""Field of `Platform` -> section of ``spec`` and key in it. The registry's login is in ``registry.auths``."""

MAY_BE_EMPTY = frozenset({"control_plane_address", "internal_load_balancer", "registry_user", "registry_password"})
"""Fields of `Platform` for which an empty text is a value of its own."""

TOP = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
METADATA = frozenset({"name", "namespace", "labels", "annotations", "creationTimestamp"})
SPEC = frozenset(
    [
        "hosts",
        "roleGroups",
        "controlPlaneEndpoint",
        "system",
        "etcd",
        "dns",
        "kubernetes",
        "network",
        "storage",
        "registry",
        "addons",
        "kubesphere",
    ]
)
HOST = frozenset({*HOST_KEYS.values(), "timeout"})
AUTH = frozenset({"username", "password", "skipTLSVerify", "plainHTTP", "certsPath"})
SECTIONS = {
    "controlPlaneEndpoint": frozenset(["internalLoadbalancer", "domain", "externalDNS", "address", "port", "kubevip"]),
    "kubernetes": frozenset(
        [
            "type",
            "version",
            "clusterName",
            "dnsDomain",
            "disableKubeProxy",
            "masqueradeAll",
            "maxPods",
            "podPidsLimit",
            "nodeCidrMaskSize",
            "apiserverCertExtraSans",
            "proxyMode",
            "autoRenewCerts",
            "nodelocaldns",
            "containerManager",
            "containerRuntimeEndpoint",
            "nodeFeatureDiscovery",
            "kata",
            "apiserverArgs",
            "controllerManagerArgs",
            "schedulerArgs",
            "kubeletArgs",
            "kubeProxyArgs",
            "featureGates",
            "kubeletConfiguration",
            "kubeProxyConfiguration",
            "audit",
            "nvidiaRuntime",
            "imageRepo",
        ]
    ),
    "network": frozenset(
        ["plugin", "kubePodsCIDR", "kubeServiceCIDR", "calico", "flannel", "kubeovn", "multusCNI", "hybridnet"]
    ),
    "registry": frozenset(
        [
            "type",
            "registryMirrors",
            "insecureRegistries",
            "privateRegistry",
            "dataRoot",
            "namespaceOverride",
            "bridgeIP",
            "auths",
            "namespaceRewrite",
        ]
    ),
}
OTHER_SECTIONS = {
    "system": frozenset(
        ["ntpServers", "timezone", "rpms", "debs", "preInstall", "postClusterInstall", "postInstall", "skipConfigureOS"]
    ),
    "etcd": frozenset(
        [
            "type",
            "external",
            "port",
            "peerPort",
            "extraArgs",
            "backupDir",
            "backupPeriod",
            "keepBackupNumber",
            "backupScript",
            "dataDir",
            "heartbeatInterval",
            "electionTimeout",
            "snapshotCount",
            "autoCompactionRetention",
            "metrics",
            "quotaBackendBytes",
            "maxRequestBytes",
            "maxSnapshots",
            "maxWals",
            "logLevel",
        ]
    ),
}
"""Sections that only kk reads, but whose keys are known well enough to find typing errors."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` was probably meant to be, or ""."""
    flat = {_flat(name): name for name in sorted(known)}
    found = difflib.get_close_matches(_flat(word), flat, n=1, cutoff=0.6)
    return flat[found[0]] if found else ""


def _flat(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def registry_host(private_registry: str) -> str:
    """The host (with port) of a registry that may be written with a path behind it."""
    return private_registry.split("/")[0]
