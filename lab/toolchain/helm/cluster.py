"""Rendered objects against the API: create, change, delete, and wait until they are ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lab.toolchain.common.client import ApiFailure, Client, path_of
from lab.toolchain.common.objects import Obj, clone, condition_true, dig
from lab.toolchain.helm.errors import HelmError

NAME, NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
MANAGED = "app.kubernetes.io/managed-by"
POLICY = "helm.sh/resource-policy"
TIMED_OUT = "timed out waiting for the condition"
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
# Items of these lists are the same where the first of these fields that both have is the same.
_ITEM_KEYS = ("name", "containerPort", "port", "key", "type")


class Objects:
    """Objects of the cluster, found by discovery; `namespace` is for those that name none."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.known: dict[str, dict[str, tuple[str, bool]]] = {}

    def path(self, obj: Obj, named: bool = True) -> str:
        """Raises `HelmError` for a kind that the API does not serve."""
        api, name = obj["apiVersion"], obj["metadata"]["name"]
        found = self._kinds(api).get(obj["kind"]) or self._kinds(api, again=True).get(obj["kind"])
        if found is None:
            where = obj["metadata"].get("namespace", "")
            raise HelmError(
                "unable to build kubernetes objects from release manifest: resource mapping not found for name: "
                f'"{name}" namespace: "{where}" from "": no matches for kind "{obj["kind"]}" in version "{api}"\n'
                "ensure CRDs are installed first"
            )
        plural, namespaced = found
        group, _, version = api.rpartition("/")
        where = (obj["metadata"].get("namespace") or self.namespace) if namespaced else ""
        return path_of(group, version, plural, where, name if named else "")

    def _kinds(self, api: str, again: bool = False) -> dict[str, tuple[str, bool]]:
        if again or api not in self.known:
            listing = self.client.find(f"/apis/{api}" if "/" in api else f"/api/{api}") or {"resources": []}
            self.known[api] = {
                r["kind"]: (r["name"], r["namespaced"]) for r in listing["resources"] if "/" not in r["name"]
            }
        return self.known[api]

    def find(self, obj: Obj) -> Obj | None:
        return self.client.find(self.path(obj))

    def create(self, obj: Obj) -> None:
        self.client.post(self.path(obj, named=False), obj)

    def put(self, obj: Obj, before: Obj | None) -> None:
        """Create the object, or change what is there: `before` (as the last release had it) tells what to take out."""
        live = self.find(obj)
        if live is None:
            return self.create(obj)
        fresh = three_way(before or {}, live, obj)
        if fresh != live:
            fresh["metadata"].pop("resourceVersion", None)
            try:
                self.client.put(self.path(obj), fresh)
            except ApiFailure as error:
                raise HelmError(f'cannot patch "{obj["metadata"]["name"]}" with kind {obj["kind"]}: {error}') from error
        return None

    def remove(self, obj: Obj) -> bool:
        """Delete the object unless it is to be kept; one that is gone, or whose kind is gone, is as good."""
        if dig(obj, "metadata", "annotations", POLICY) == "keep":
            return False
        try:
            self.client.delete(self.path(obj), {"propagationPolicy": "Background"})
        except ApiFailure as error:
            if error.code != 404:
                raise
        except HelmError:
            return True
        return True


def three_way(before: Any, live: Any, wanted: Any) -> Any:
    """`wanted` laid over `live`, without what only `before` had. What the server has added stays."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        old = before if isinstance(before, dict) else {}
        found = {key: clone(value) for key, value in live.items() if key in wanted or key not in old}
        for key, value in wanted.items():
            found[key] = three_way(old.get(key), live[key], value) if key in live else clone(value)
        return found
    if isinstance(live, list) and isinstance(wanted, list):
        old_items = before if isinstance(before, list) else []
        return [three_way(_same(item, old_items), _same(item, live, item), item) for item in wanted]
    return clone(wanted)


def _same(item: Any, others: Sequence[Any], otherwise: Any = None) -> Any:
    """The item of `others` that stands for the same thing."""
    key = next((k for k in _ITEM_KEYS if isinstance(item, dict) and k in item), None)
    if key is None:
        return otherwise
    return next((o for o in others if isinstance(o, dict) and o.get(key) == item[key]), otherwise)


def owned(obj: Obj, name: str, namespace: str) -> Obj:
    """A copy marked as the release's, as helm does it."""
    marked = clone(obj)
    metadata = marked["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED: "Helm"}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), NAME: name, NAMESPACE: namespace}
    return marked


def refuse_foreign(objects: Objects, wanted: Iterable[Obj], name: str) -> None:
    """Raises `HelmError` for an object that is there and is not this release's, and for an unknown kind."""
    for obj in wanted:
        found = objects.find(obj)
        if found is None:
            continue
        held = {**(found["metadata"].get("labels") or {}), **(found["metadata"].get("annotations") or {})}
        rules = (
            ("label", MANAGED, "Helm"),
            ("annotation", NAME, name),
            ("annotation", NAMESPACE, objects.namespace),
        )
        wrong = []
        for what, key, value in rules:
            if key not in held:
                wrong.append(f'{what} validation error: missing key "{key}": must be set to "{value}"')
            elif held[key] != value:
                wrong.append(
                    f'{what} validation error: key "{key}" must equal "{value}": current value is "{held[key]}"'
                )
        if wrong:
            where = found["metadata"].get("namespace", "")
            raise HelmError(
                "rendered manifests contain a resource that already exists. Unable to continue with install: "
                f'{obj["kind"]} "{obj["metadata"]["name"]}" in namespace "{where}" exists and cannot be imported into '
                f"the current release: invalid ownership metadata; {'; '.join(wrong)}"
            )


def ready(obj: Obj) -> bool:
    """As helm's --wait judges a live object."""
    kind, status = obj["kind"], obj.get("status") or {}
    if kind == "CustomResourceDefinition":
        return condition_true(obj, "Established")
    if kind == "PersistentVolumeClaim":
        return bool(status.get("phase") == "Bound")
    if kind not in _WORKLOADS:
        return True
    if status.get("observedGeneration") != obj["metadata"].get("generation"):
        return False
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(status.get("numberReady", 0) >= wanted and status.get("updatedNumberScheduled", 0) >= wanted)
    wanted = dig(obj, "spec", "replicas", default=1)
    return bool(status.get("readyReplicas", 0) >= wanted and status.get("updatedReplicas", 0) >= wanted)


def wait_ready(objects: Objects, wanted: Sequence[Obj], timeout: float) -> None:
    """Raises `HelmError` when something is not ready after `timeout` seconds."""

    def waiting() -> bool:
        for obj in wanted:
            live = objects.find(obj)
            if live is None or not ready(live):
                return True
        return False

    _until_not(waiting, timeout, TIMED_OUT)


def wait_gone(objects: Objects, wanted: Sequence[Obj], timeout: float) -> None:
    """Raises `HelmError` when something is still there after `timeout` seconds."""
    message = f"uninstallation completed with 1 error(s): {TIMED_OUT}"
    _until_not(lambda: any(_is_there(objects, obj) for obj in wanted), timeout, message)


def _is_there(objects: Objects, obj: Obj) -> bool:
    try:
        return objects.find(obj) is not None
    except HelmError:  # its kind is gone, and so is it
        return False


def _until_not(condition: Callable[[], bool], timeout: float, message: str) -> None:
    deadline = time.monotonic() + timeout
    while condition():
        if time.monotonic() > deadline:
            raise HelmError(message)
        time.sleep(0.1)
