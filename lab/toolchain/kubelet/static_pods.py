"""Mirror pods: what a kubelet shows in the API of the pods that it runs from files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from lab.toolchain.common.client import ApiFailure, Client, path_of
from lab.toolchain.common.objects import Obj

DIRECTORY = Path("/etc/kubernetes/manifests")
MIRROR = "kubernetes.io/config.mirror"


def reconcile(client: Client, node: Obj) -> None:
    """Make the mirror pods of the node those of its files. Raises `ApiFailure`, `Unreachable`, OSError.

    A mirror pod that somebody deleted comes back, one whose file changed is made anew.
    """
    name = node["metadata"]["name"]
    wanted = {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in _pods(node)}
    listed = client.get("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")["items"]
    present = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"]): pod
        for pod in listed
        if MIRROR in (pod["metadata"].get("annotations") or {})
    }
    for key, pod in present.items():
        if key not in wanted or _hash(pod) != _hash(wanted[key]):
            client.delete(path_of("", "v1", "pods", *key), {"gracePeriodSeconds": 0})
    for key in wanted.keys() - present.keys():
        try:
            client.post(path_of("", "v1", "pods", key[0]), wanted[key])
        except ApiFailure as error:
            if error.code not in (404, 409):  # its namespace comes later, or the pod it replaces is still ending
                raise


def _hash(pod: Obj) -> str:
    return str(pod["metadata"]["annotations"][MIRROR])


def _pods(node: Obj) -> list[Obj]:
    found = []
    name = node["metadata"]["name"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"], "controller": True}
    for path in sorted(DIRECTORY.glob("*.yaml")):
        text = path.read_text()
        pod: Obj = yaml.safe_load(text)
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        pod["metadata"] |= {
            "name": f"{pod['metadata']['name']}-{name}",
            "annotations": {MIRROR: digest, "kubernetes.io/config.source": "file"},
            "ownerReferences": [owner],
        }
        pod["spec"]["nodeName"] = name
        found.append(pod)
    return found
