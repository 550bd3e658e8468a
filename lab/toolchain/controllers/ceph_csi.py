"""What the provisioner of ceph-csi-cephfs does with a claim, SIMULATED: it asks the external monitors with its key."""

from __future__ import annotations

import base64
import json

from lab.toolchain import external_ceph
from lab.toolchain.apiserver.store import Key
from lab.toolchain.common.objects import Obj, dig
from lab.toolchain.controllers.world import World, pod_ready

DRIVER = "cephfs.csi.ceph.com"
POD = "ceph-csi-cephfs-provisioner-"
PREFIX = "csi.storage.k8s.io/provisioner-secret-"


def serves(world: World, storage_class: Obj, claim: Obj) -> bool:
    """Whether a claim of the class gets its volume now; an event says why not. Other drivers' classes are served."""
    if storage_class.get("provisioner") != DRIVER:
        return True
    pods = [pod for pod in world.store.all("", "pods") if pod["metadata"]["name"].startswith(POD) and pod_ready(pod)]
    if not pods:
        _say(world, claim, "Normal", "ExternalProvisioning", f"waiting for a volume to be created by {DRIVER!r}")
        return False
    if why := _refusal(world, storage_class.get("parameters") or {}, pods[0]["metadata"]["namespace"]):
        name = storage_class["metadata"]["name"]
        text = f'failed to provision volume with StorageClass "{name}": rpc error: code = Internal desc = {why}'
        _say(world, claim, "Warning", "ProvisioningFailed", text)
        return False
    return True


def _refusal(world: World, parameters: Obj, namespace: str) -> str:
    found = world.store.find(Key("", "configmaps", namespace, "ceph-csi-config")) or {}
    clusters = json.loads(dig(found, "data", "config.json", default="[]"))
    ours = [one for one in clusters if one["clusterID"] == parameters.get("clusterID")]
    if not ours:
        return f"failed to fetch monitor list using clusterID ({parameters.get('clusterID')})"
    place = (parameters.get(f"{PREFIX}{part}", "") for part in ("namespace", "name"))
    data = dig(world.store.find(Key("", "secrets", *place)) or {}, "data", default={})
    user, key = (base64.b64decode(data.get(name, "")).decode() for name in ("adminID", "adminKey"))
    try:
        told = external_ceph.ask(ours[0]["monitors"], user, key)
    except external_ceph.Refused:
        return "failed to get connection: connecting failed: rados: ret=-13, Permission denied"
    except external_ceph.Unreachable as error:
        return f"failed to get connection: connecting failed: rados: ret=-110, Connection timed out ({error})"
    known = [one for one in told["filesystems"] if one["name"] == parameters.get("fsName")]
    return "" if known else f"fsName {parameters.get('fsName')} not found: rados: ret=-2, No such file or directory"


def _say(world: World, claim: Obj, type_: str, reason: str, text: str) -> None:
    world.event(claim, type_, reason, text, "cephfs.csi.ceph.com_SIMULATED")
