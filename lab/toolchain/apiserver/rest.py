"""The verbs on one resource type: what a request does to the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lab.toolchain.apiserver import admission, patch
from lab.toolchain.apiserver.errors import ApiError, bad_request, conflict, gone, invalid, no_such_path
from lab.toolchain.apiserver.kinds import Kind
from lab.toolchain.apiserver.selectors import fields_match, labels_match
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.common.objects import Obj, clone, dig, digest, now

MANAGERS = "lab.sanqian.dev/applied-by"


@dataclass(frozen=True)
class Target:
    """What a path addresses."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    sub: str = ""

    def key(self, name: str = "") -> Key:
        return Key(self.kind.group, self.kind.plural, self.namespace, name or self.name)


class Rest:
    def __init__(self, store: Store) -> None:
        self.store = store

    def shown(self, kind: Kind, obj: Obj) -> Obj:
        """The object as the asked version shows it, without what only this program keeps in it."""
        obj = {"kind": kind.kind, "apiVersion": kind.api_version, **obj}
        obj["kind"], obj["apiVersion"] = kind.kind, kind.api_version
        if MANAGERS in (obj["metadata"].get("annotations") or {}):
            obj["metadata"] = clone(obj["metadata"])
            del obj["metadata"]["annotations"][MANAGERS]
        return obj

    def get(self, target: Target) -> Obj:
        return self.shown(target.kind, self.store.get(target.key()))

    def matches(self, obj: Obj, query: dict[str, str]) -> bool:
        return labels_match(query.get("labelSelector", ""), obj) and fields_match(query.get("fieldSelector", ""), obj)

    def list(self, target: Target, query: dict[str, str]) -> tuple[list[Obj], Obj]:
        """The items and the list's metadata; ``limit`` and ``continue`` page by position."""
        with self.store.lock:
            version = self.store.version
            items = self.store.all(target.kind.group, target.kind.plural, target.namespace)
        items = [self.shown(target.kind, o) for o in items if self.matches(o, query)]
        metadata: Obj = {"resourceVersion": str(version)}
        start = 0
        if query.get("continue"):
            if not query["continue"].isdigit():
                raise gone("The provided continue parameter is too old")
            start = int(query["continue"])
        limit = int(query.get("limit") or 0)
        if limit and len(items) > start + limit:
            metadata["continue"] = str(start + limit)
            metadata["remainingItemCount"] = len(items) - start - limit
            items = items[start : start + limit]
        else:
            items = items[start:]
        return items, metadata

    def create(self, target: Target, obj: Obj, query: dict[str, str]) -> Obj:
        kind = target.kind
        obj = clone(obj)
        metadata = obj.setdefault("metadata", {})
        obj.setdefault("kind", kind.kind)
        obj.setdefault("apiVersion", kind.api_version)
        if not metadata.get("name") and metadata.get("generateName"):
            seed = [metadata["generateName"], now(), self.store.version]
            metadata["name"] = metadata["generateName"] + digest(seed, 5)
        admission.check(kind, obj, target.namespace, self.store)
        if kind.namespaced:
            metadata["namespace"] = target.namespace
        metadata.pop("resourceVersion", None)
        metadata.pop("deletionTimestamp", None)
        if "status" in kind.subresources and kind.plural != "pods":
            obj.pop("status", None)
        admission.default(kind, obj, self.store)
        admission.ask_webhooks(kind, "CREATE", target.namespace, self.store)
        _manage(metadata, query.get("fieldManager", ""), "Update")
        if query.get("dryRun"):
            if self.store.find(target.key(metadata["name"])) is not None:
                raise ApiError(409, "AlreadyExists", f'{kind.plural} "{metadata["name"]}" already exists')
            return self.shown(kind, obj)
        return self.shown(kind, self.store.create(target.key(metadata["name"]), obj))

    def update(self, target: Target, obj: Obj, query: dict[str, str]) -> Obj:
        if obj.get("metadata", {}).get("name") not in (None, target.name):
            raise bad_request("the name of the object does not match the name on the URL")
        if target.sub == "scale":
            return self.scale(target, lambda _: obj)
        with self.store.lock:
            current = self.store.get(target.key())
            return self._put(target, current, clone(obj), query)

    def _put(self, target: Target, current: Obj, fresh: Obj, query: dict[str, str]) -> Obj:
        """Store `fresh` over `current`, keeping what this endpoint may not change."""
        kind = target.kind
        fresh.setdefault("kind", kind.kind)
        fresh.setdefault("apiVersion", kind.api_version)
        metadata = fresh.setdefault("metadata", {})
        metadata.setdefault("name", target.name)
        if kind.namespaced:
            metadata.setdefault("namespace", target.namespace)
        if target.sub == "status":
            version = metadata.get("resourceVersion")
            kept = clone(current)
            kept["status"] = fresh.get("status", {})
            kept["metadata"]["resourceVersion"] = version
            fresh = kept
        else:
            admission.check(kind, fresh, target.namespace, self.store) if not current["metadata"].get(
                "deletionTimestamp"
            ) else None
            _immutable(kind, current, fresh)
            if "status" in kind.subresources:
                fresh["status"] = clone(current.get("status") or {})
                if not fresh["status"]:
                    fresh.pop("status")
            if kind.plural == "secrets" and fresh.get("stringData"):
                admission.default(kind, fresh, self.store)
            admission.ask_webhooks(kind, "UPDATE", target.namespace, self.store)
            _manage(metadata, query.get("fieldManager", ""), "Update", current["metadata"].get("managedFields"))
        if query.get("dryRun"):
            return self.shown(kind, fresh)
        return self.shown(kind, self.store.replace(target.key(), fresh))

    def patch(self, target: Target, content_type: str, body: Any, query: dict[str, str]) -> tuple[Obj, bool]:
        """The patched object and whether it was created (server-side apply only)."""
        if target.sub == "scale":
            return self.scale(target, lambda scale: patch.merge_patch(scale, body)), False
        if content_type == "application/apply-patch+yaml":
            return self._apply(target, body, query)
        with self.store.lock:
            current = self.store.get(target.key())
            base = self.shown(target.kind, current)
            if content_type == "application/json-patch+json":
                fresh = patch.json_patch(base, body)
            elif content_type == "application/merge-patch+json":
                fresh = patch.merge_patch(base, body)
            elif content_type == "application/strategic-merge-patch+json":
                if target.kind.custom:
                    raise ApiError(
                        415,
                        "UnsupportedMediaType",
                        "the body of the request was in an unknown format - accepted media types include: "
                        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
                    )
                fresh = patch.strategic(base, body)
            else:
                raise ApiError(415, "UnsupportedMediaType", f"unknown patch type {content_type}")
            if not (isinstance(body, dict) and dig(body, "metadata", "resourceVersion")):
                fresh["metadata"]["resourceVersion"] = ""
            kept = (current["metadata"].get("annotations") or {}).get(MANAGERS)
            if kept:
                fresh["metadata"].setdefault("annotations", {})[MANAGERS] = kept
            return self._put(target, current, fresh, query), False

    def _apply(self, target: Target, body: Obj, query: dict[str, str]) -> tuple[Obj, bool]:
        manager = query.get("fieldManager") or "unknown"
        with self.store.lock:
            current = self.store.find(target.key())
            applied = clone(body)
            if current is None:
                fresh = clone(body)
                fresh.setdefault("metadata", {}).setdefault("name", target.name)
                _remember(fresh, None, manager, applied)
                _manage(fresh["metadata"], manager, "Apply")
                return self.create(target, fresh, {**query, "fieldManager": ""}), True
            kept: Obj = json.loads((current["metadata"].get("annotations") or {}).get(MANAGERS, "{}"))
            fresh = patch.server_side_apply(current, applied, kept.get(manager))
            fresh["metadata"]["resourceVersion"] = dig(body, "metadata", "resourceVersion", default="")
            _remember(fresh, current, manager, applied)
            _manage(fresh["metadata"], manager, "Apply", current["metadata"].get("managedFields"))
            return self._put(target, current, fresh, {**query, "fieldManager": ""}), False

    def delete(self, target: Target, options: Obj, query: dict[str, str]) -> Obj:
        """The object as it is after the request (gone or being deleted)."""
        key = target.key()
        with self.store.lock:
            current = self.store.get(key)
            wanted = dig(options, "preconditions", "uid")
            if wanted and wanted != current["metadata"]["uid"]:
                raise conflict(key.plural, key.group, key.name)
            if query.get("dryRun") or options.get("dryRun"):
                return self.shown(target.kind, current)
            policy = options.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
            finalizer = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(policy, "")
            if key.plural == "namespaces" and not key.group:
                finalizer = "kubernetes"
            elif key.plural == "customresourcedefinitions":
                finalizer = "customresourcecleanup.apiextensions.k8s.io"
            elif key.plural == "pods" and dig(current, "spec", "nodeName") and self._grace(current, options, query):
                finalizer = "lab.sanqian.dev/kubelet"
            obj, _ = self.store.delete(key, grace=options.get("gracePeriodSeconds"), finalizer=finalizer)
            return self.shown(target.kind, obj)

    def _grace(self, pod: Obj, options: Obj, query: dict[str, str]) -> bool:
        """Whether a kubelet must end the pod first: not with grace period 0, not when it never started."""
        asked = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        return str(asked) != "0" and dig(pod, "status", "phase") == "Running"

    def scale(self, target: Target, change: Any) -> Obj:
        with self.store.lock:
            current = self.store.get(target.key())
            scale = self.scale_of(target, current)
            wanted = change(scale)
            replicas = dig(wanted, "spec", "replicas", default=0)
            if not isinstance(replicas, int) or replicas < 0:
                raise invalid("Scale", "autoscaling", target.name, "spec.replicas", f"Invalid value: {replicas}")

            def put(obj: Obj) -> None:
                obj["spec"]["replicas"] = replicas
                obj["metadata"]["resourceVersion"] = dig(wanted, "metadata", "resourceVersion", default="")

            return self.scale_of(target, self.store.modify(target.key(), put))

    def scale_of(self, target: Target, obj: Obj) -> Obj:
        if "scale" not in target.kind.subresources:
            raise no_such_path()
        pairs = dig(obj, "spec", "selector", "matchLabels", default={})
        metadata = {
            k: obj["metadata"].get(k) for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        }
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": metadata,
            "spec": {"replicas": dig(obj, "spec", "replicas", default=0)},
            "status": {
                "replicas": dig(obj, "status", "replicas", default=0),
                "selector": ",".join(f"{k}={v}" for k, v in pairs.items()),
            },
        }


def _immutable(kind: Kind, current: Obj, fresh: Obj) -> None:
    fields = {
        ("apps", "deployments"): ("selector",),
        ("apps", "daemonsets"): ("selector",),
        ("apps", "statefulsets"): ("selector", "serviceName", "volumeClaimTemplates"),
        ("batch", "jobs"): ("selector", "template"),
        ("", "persistentvolumeclaims"): ("storageClassName", "accessModes"),
    }.get((kind.group, kind.plural), ())
    for name in fields:
        old, new = dig(current, "spec", name), dig(fresh, "spec", name)
        if old is not None and new != old:
            if new is None or (kind.plural == "jobs" and _covers(old, new)):
                fresh["spec"][name] = clone(current["spec"])[name]
            else:
                raise invalid(
                    kind.kind,
                    kind.group,
                    current["metadata"]["name"],
                    f"spec.{name}",
                    "Invalid value: field is immutable",
                )


def _covers(whole: Any, part: Any) -> bool:
    """Whether every value of `part` is in `whole`: a client that sends no defaults changes nothing."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and _covers(whole[k], v) for k, v in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(_covers, whole, part))
    return bool(whole == part)


def _manage(metadata: Obj, manager: str, operation: str, before: list[Obj] | None = None) -> None:
    """Keep one managedFields entry per manager; the fields themselves are not listed."""
    entries = [e for e in before or metadata.get("managedFields") or [] if e.get("manager") != manager]
    if manager:
        entry = {
            "manager": manager,
            "operation": operation,
            "time": now(),
            "fieldsType": "FieldsV1",
            "fieldsV1": {},
        }
        entries.append(entry)
    if entries:
        metadata["managedFields"] = entries


def _remember(fresh: Obj, current: Obj | None, manager: str, applied: Obj) -> None:
    annotations = fresh["metadata"].setdefault("annotations", {})
    kept: Obj = json.loads(((current or {}).get("metadata", {}).get("annotations") or {}).get(MANAGERS, "{}"))
    kept[manager] = applied
    annotations[MANAGERS] = json.dumps(kept)
