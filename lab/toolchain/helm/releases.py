"""Releases as helm keeps them: Secrets ``sh.helm.release.v1.NAME.vN``, gzipped JSON in base64."""

from __future__ import annotations

import base64
import datetime
import gzip
import json
import time
from typing import Any

from lab.toolchain.common.client import ApiFailure, Client, path_of
from lab.toolchain.common.objects import Obj
from lab.toolchain.helm.errors import HelmError

PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


def stamp() -> str:
    """The time as helm writes it, in nanoseconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def secret_name(release: Obj) -> str:
    return f"sh.helm.release.v1.{release['name']}.v{release['version']}"


def encode(release: Obj) -> str:
    inner = base64.b64encode(gzip.compress(json.dumps(release).encode(), mtime=0))
    return base64.b64encode(inner).decode()


def decode(secret: Obj) -> Obj:
    found: Obj = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    return found


def new(name: str, namespace: str, version: int, status: str, description: str, **fields: Any) -> Obj:
    at = stamp()
    info = {"first_deployed": at, "last_deployed": at, "deleted": "", "description": description, "status": status}
    info["notes"] = ""
    return {"name": name, "info": info, "version": version, "namespace": namespace, **fields}


def store(client: Client, release: Obj) -> None:
    """Create the release's Secret, or write it anew."""
    labels = {
        "name": release["name"],
        "owner": "helm",
        "status": release["info"]["status"],
        "version": str(release["version"]),
        "modifiedAt": str(int(time.time())),
    }
    secret: Obj = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": secret_name(release), "namespace": release["namespace"], "labels": labels},
        "data": {"release": encode(release)},
    }
    path = path_of("", "v1", "secrets", release["namespace"])
    try:
        client.post(path, secret)
    except ApiFailure as error:
        if error.code != 409:
            raise
        client.put(f"{path}/{secret_name(release)}", secret)


def forget(client: Client, release: Obj) -> None:
    client.delete(path_of("", "v1", "secrets", release["namespace"], secret_name(release)))


def history(client: Client, name: str, namespace: str) -> list[Obj]:
    """All revisions, the oldest first; empty where there is no such release."""
    selector = f"owner=helm,name={name}" if name else "owner=helm"
    found = client.get(path_of("", "v1", "secrets", namespace), labelSelector=selector)["items"]
    return sorted(map(decode, found), key=lambda r: (r["namespace"], r["name"], r["version"]))


def last(client: Client, name: str, namespace: str) -> Obj:
    """Raises `HelmError` where there is no such release."""
    found = history(client, name, namespace)
    if not found:
        raise HelmError("release: not found")
    return found[-1]


def revision(client: Client, name: str, namespace: str, number: int) -> Obj:
    if not number:
        return last(client, name, namespace)
    for release in history(client, name, namespace):
        if release["version"] == number:
            return release
    raise HelmError("release: not found")


def prune(client: Client, name: str, namespace: str, most: int) -> None:
    """Keep the newest `most` revisions only, and the deployed one; 0 keeps all."""
    found = history(client, name, namespace)
    for release in found[:-most] if most else []:
        if release["info"]["status"] != "deployed":
            forget(client, release)


def chart_label(release: Obj) -> str:
    meta = release["chart"]["metadata"]
    return f"{meta['name']}-{meta['version']}"
