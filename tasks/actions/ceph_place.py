"""Which Cephs Rook runs in a cluster, and what this service leaves alone: what it did not install."""

from __future__ import annotations

import json
from collections.abc import Sequence

from clusters.ceph.place import OURS, Place, place_of
from clusters.models import Cluster
from tasks.actions.base import ActionFailed
from tasks.actions.kubernetes import KUBECTL
from tasks.plans.ceph import VALUES
from tasks.remote import Remote

READING = 40.0
LIST = "cephclusters.ceph.rook.io -A -o json"


def found(remote: Remote) -> list[Place]:
    """All CephClusters; none where Rook's definitions are missing. Raises `ActionFailed`, `RemoteError`."""
    said = remote.run(f"{KUBECTL}kubectl get {LIST}", sudo=True, timeout=READING)
    if said.ok:
        return [place_of(one) for one in json.loads(said.text)["items"]]
    if "the server doesn't have a resource type" in said.error_text:
        return []
    raise ActionFailed(
        f"The CephClusters cannot be listed: {said.error_text[-300:]}", "Check that kubectl works there."
    )


def refuse_others(places: Sequence[Place]) -> None:
    """Raises `ActionFailed` where Rook runs a Ceph that this service did not install, or one without disks here."""
    others = [one for one in places if not one.ours]
    if others:
        names = ", ".join(map(str, others))
        raise ActionFailed(
            f"Rook runs the Ceph {names}, which is not the one that this service installs ({OURS}).",
            "Rook's operator and definitions are there once for all: change them by what installed them.",
            kind="another-ceph",
            again=False,
        )
    if any(one.external for one in places):
        raise ActionFailed(
            f"The CephCluster {OURS} is an external one.",
            "It has no disks here: change it where it is run.",
            kind="another-ceph",
            again=False,
        )


def refuse_unknown(remote: Remote, host: str) -> None:
    """Raises `ActionFailed` where the Ceph's settings are not known: helm would put others in their place."""
    if remote.run(f"[ -r {VALUES} ]", sudo=True).ok:
        return
    raise ActionFailed(
        f"The Ceph {OURS} was not installed by this service: {host} has no {VALUES} with its settings, "
        "and other ones would take their place.",
        f"Change it by what installed it; disks stand in spec.storage (kubectl edit cephcluster {OURS.name} "
        f"-n {OURS.namespace}), and Rook's manual says how an OSD is removed.",
        host=host,
        kind="another-ceph",
        again=False,
    )


def not_recorded(cluster: Cluster, others: Sequence[Place]) -> ActionFailed:
    """What is said where Rook runs only what nobody has recorded."""
    names = ", ".join(map(str, others))
    again = f"Import the cluster again, which records it: 3kctl import {cluster.name}."
    return ActionFailed(
        f"This service has no Ceph on cluster {cluster.name}; Rook runs {names}.",
        again if cluster.kubernetes_uid else "Look at it where it is run.",
        kind="another-ceph",
        again=False,
    )
