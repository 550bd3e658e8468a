"""Reading what a Kubernetes has. Changes nothing in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from clusters import health
from clusters.catalog import Catalog
from clusters.ceph.place import OURS, RESOURCE, namespaces, places
from clusters.existing import parsing
from clusters.existing.model import Chart, Existing, Part
from clusters.kube import Kube, KubeUnreachable
from clusters.kubeconfig import KubeError
from clusters.snapshot import ClusterSnapshot

JSON = Any
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
T = TypeVar("T")


def read(kube: Kube, catalog: Catalog) -> Existing:
    """What is there. Raises `KubeError`; what may be refused without harm stands in `unread` instead."""
    namespace = kube.read("/api/v1/namespaces/kube-system")
    uid = str(((namespace or {}).get("metadata") or {}).get("uid") or "")
    if not uid:
        raise KubeError(
            "The namespace kube-system has no uid, by which this Kubernetes is told from others.",
            "Check that cluster.server in the kubeconfig is a Kubernetes API server.",
            kind="protocol",
        )
    snapshot = kube.snapshot(catalog)
    unread = dict(snapshot.unread)

    def optional(what: str, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except KubeUnreachable:
            raise
        except KubeError as error:
            unread[what] = error.message
            return otherwise

    nothing: list[JSON] = []
    no_charts: tuple[Chart, ...] = ()
    pods = optional("pods of kube-system", lambda: kube.items("/api/v1/namespaces/kube-system/pods"), nothing)
    config_map = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
    settings = parsing.kubeadm_settings(optional("kubeadm-config", lambda: kube.read(config_map), None))
    charts = optional("secrets", lambda: _charts(kube, snapshot), no_charts)
    rook = snapshot.objects.get(RESOURCE, ())
    classes = optional("storageclasses", lambda: kube.items(CLASSES), nothing) if rook else []
    ceph = places(rook, snapshot, classes)
    registry, project = parsing.registry_of(parsing.images_of(pods))
    return Existing(
        uid=uid,
        version=snapshot.version,
        authority=parsing.authority_of(kube.access.authority),
        nodes=snapshot.nodes,
        parts=_parts(snapshot, catalog.placed(namespaces(ceph[0] if ceph else OURS)), charts),
        charts=charts,
        runtimes=parsing.runtimes_of(node.container_runtime for node in snapshot.nodes),
        network_plugin=parsing.network_of(snapshot.workloads),
        registry=registry,
        project=project,
        ceph=ceph,
        unread=unread,
        **settings,
    )


def _charts(kube: Kube, snapshot: ClusterSnapshot) -> tuple[Chart, ...]:
    found = []
    for release in sorted(snapshot.releases, key=lambda one: (one.namespace, one.name)):
        name = quote(f"sh.helm.release.v1.{release.name}.v{release.revision}", safe="")
        secret = kube.read(f"/api/v1/namespaces/{quote(release.namespace, safe='')}/secrets/{name}")
        found.append(parsing.chart_of(release, secret))
    return tuple(found)


def _parts(snapshot: ClusterSnapshot, catalog: Catalog, charts: tuple[Chart, ...]) -> tuple[Part, ...]:
    """The components of the catalogue that can be installed and are there."""
    judged = health.judge(snapshot, catalog, ())
    by_release = {(chart.namespace, chart.release): chart for chart in charts}
    parts = []
    for entry in catalog.installable:
        seen = judged[entry.name]
        chart = by_release.get((entry.namespace, entry.name)) if entry.kind == "helm" else None
        if seen.state != "absent" or chart is not None:
            parts.append(Part(entry.name, seen.state, seen.version, chart.version if chart else ""))
    return tuple(parts)
