"""The state that controllers read and change, and when they want to be called again."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field

from lab.toolchain.apiserver.errors import ApiError
from lab.toolchain.apiserver.kinds import Kind, Kinds
from lab.toolchain.apiserver.rest import Rest, Target
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.common.objects import Obj, condition_true, digest, meta, now
from lab.toolchain.common.pace import speed


@dataclass
class World:
    store: Store
    kinds: Kinds
    rest: Rest
    registry: str = ""
    due: float = field(default=0.0)
    owned: dict[str, list[Obj]] = field(default_factory=dict)

    # -- time ---------------------------------------------------------------------------------------------

    def later(self, seconds: float) -> None:
        """Ask to be called again after `seconds` at speed 1."""
        self.due = min(self.due, time.monotonic() + max(seconds / speed(), 0.01))

    def since(self, stamp: str) -> float:
        """Seconds at speed 1 since `stamp` (seconds since the epoch, as text in an annotation)."""
        return (time.time() - float(stamp)) * speed()

    # -- objects ------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Index the pods and replica sets by their owner."""
        owned: dict[str, list[Obj]] = defaultdict(list)
        for group, plural in (("", "pods"), ("apps", "replicasets")):
            for obj in self.store.all(group, plural):
                for owner in obj["metadata"].get("ownerReferences") or []:
                    if owner.get("controller"):
                        owned[owner["uid"]].append(obj)
        self.owned = owned

    def children(self, owner: Obj, kind: str) -> list[Obj]:
        return [o for o in self.owned.get(owner["metadata"]["uid"], []) if o["kind"] == kind]

    def kind(self, group: str, plural: str) -> Kind:
        found = next((k for k in self.kinds.all() if k.group == group and k.plural == plural), None)
        if found is None:
            raise LookupError(f"no resource type {plural}.{group}")
        return found

    def create(self, group: str, plural: str, obj: Obj) -> Obj | None:
        """Create an object; None where admission refuses it or it is there already (the next round tries again)."""
        kind = self.kind(group, plural)
        obj.setdefault("apiVersion", kind.api_version)
        obj.setdefault("kind", kind.kind)
        target = Target(kind, obj["metadata"].get("namespace", ""))
        try:
            return self.rest.create(target, obj, {})
        except ApiError as error:
            if error.code not in (403, 404, 409, 500):
                raise
            self.later(0.5)
            return None

    def key(self, group: str, plural: str, obj: Obj) -> Key:
        return Key(group, plural, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])

    def delete(self, group: str, plural: str, obj: Obj) -> None:
        key = self.key(group, plural, obj)
        if self.store.find(key) is None or obj["metadata"].get("deletionTimestamp"):
            return
        self.rest.delete(Target(self.kind(group, plural), key.namespace, key.name), {}, {})

    def put_status(self, group: str, plural: str, obj: Obj, status: Obj) -> None:
        """Store a status when it differs from the present one."""
        key = self.key(group, plural, obj)
        current = self.store.find(key)
        if current is None or current.get("status") == status:
            return
        self.store.modify(key, lambda o: o.__setitem__("status", status))

    # -- events -------------------------------------------------------------------------------------------

    def event(self, obj: Obj, type_: str, reason: str, message: str, component: str = "kubelet") -> None:
        """Record an Event about `obj`; the same one again counts up."""
        metadata = meta(obj)
        namespace = metadata.get("namespace") or "default"
        if self.store.find(Key("", "namespaces", "", namespace)) is None:
            return
        name = f"{metadata['name'][:200]}.{digest([metadata.get('uid'), type_, reason, message], 16)}"
        key = Key("", "events", namespace, name)
        if self.store.find(key) is not None:

            def again(event: Obj) -> None:
                event["count"] += 1
                event["lastTimestamp"] = now()

            self.store.modify(key, again)
            return
        self.create(
            "",
            "events",
            {
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": {
                    "kind": obj["kind"],
                    "apiVersion": obj["apiVersion"],
                    "name": metadata["name"],
                    "namespace": metadata.get("namespace"),
                    "uid": metadata.get("uid"),
                },
                "reason": reason,
                "message": message,
                "type": type_,
                "count": 1,
                "firstTimestamp": now(),
                "lastTimestamp": now(),
                "source": {"component": component},
                "reportingComponent": component,
                "reportingInstance": "",
            },
        )


def pod_ready(pod: Obj) -> bool:
    return condition_true(pod, "Ready") and not pod["metadata"].get("deletionTimestamp")


def owner_reference(obj: Obj) -> Obj:
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
