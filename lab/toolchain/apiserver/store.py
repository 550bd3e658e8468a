"""Objects by key with a resource version, a bounded history for watches, and a journal on disk."""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from lab.toolchain.apiserver.errors import already_exists, conflict, gone, not_found
from lab.toolchain.common.objects import Obj, clone, now

HISTORY = 10_000
COMPACT_AFTER_BYTES = 32 << 20


class Key(NamedTuple):
    group: str
    plural: str
    namespace: str
    name: str


class Event(NamedTuple):
    version: int
    type: str
    key: Key
    obj: Obj
    before: Obj | None


class Store:
    """Thread-safe. Objects handed out are shared: copy them before changing them (`modify` does so)."""

    def __init__(self, directory: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.objects: dict[Key, Obj] = {}
        self.version = 1
        self.history: deque[Event] = deque(maxlen=HISTORY)
        self.directory = directory
        if directory is not None:
            self._load(directory)

    # -- disk ---------------------------------------------------------------------------------------------

    def _load(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        journal = directory / "journal.jsonl"
        if journal.exists():
            with journal.open() as lines:
                for line in lines:
                    if not line.endswith("\n"):
                        break  # the last write was cut off by a crash
                    entry = json.loads(line)
                    key = Key(*entry["key"])
                    self.version = max(self.version, entry["version"])
                    if entry["obj"] is None:
                        self.objects.pop(key, None)
                    else:
                        self.objects[key] = entry["obj"]
        self._compact()

    def _compact(self) -> None:
        if self.directory is None:
            return
        fresh = self.directory / "journal.jsonl.new"
        with fresh.open("w") as out:
            for key, obj in self.objects.items():
                out.write(json.dumps({"version": self.version, "key": key, "obj": obj}) + "\n")
        fresh.replace(self.directory / "journal.jsonl")
        self._journal = (self.directory / "journal.jsonl").open("a")

    def _record(self, type_: str, key: Key, obj: Obj, before: Obj | None) -> None:
        self.history.append(Event(self.version, type_, key, obj, before))
        if self.directory is not None:
            kept = None if type_ == "DELETED" else obj
            self._journal.write(json.dumps({"version": self.version, "key": key, "obj": kept}) + "\n")
            self._journal.flush()
            if self._journal.tell() > COMPACT_AFTER_BYTES:
                self._journal.close()
                self._compact()
        self.changed.notify_all()

    # -- reading ------------------------------------------------------------------------------------------

    def find(self, key: Key) -> Obj | None:
        with self.lock:
            return self.objects.get(key)

    def get(self, key: Key) -> Obj:
        found = self.find(key)
        if found is None:
            raise not_found(key.plural, key.group, key.name)
        return found

    def all(self, group: str, plural: str, namespace: str = "") -> list[Obj]:
        """Ordered by namespace and name."""
        with self.lock:
            keys = [
                k
                for k in self.objects
                if k.plural == plural and k.group == group and (not namespace or k.namespace == namespace)
            ]
            return [self.objects[k] for k in sorted(keys)]

    # -- writing ------------------------------------------------------------------------------------------

    def _stamp(self, obj: Obj) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)

    def create(self, key: Key, obj: Obj) -> Obj:
        with self.lock:
            if key in self.objects:
                raise already_exists(key.plural, key.group, key.name)
            obj = clone(obj)
            metadata = obj["metadata"]
            metadata["uid"] = str(uuid.uuid4())
            metadata["creationTimestamp"] = now()
            metadata.setdefault("generation", 1)
            self._stamp(obj)
            self.objects[key] = obj
            self._record("ADDED", key, obj, None)
            return obj

    def replace(self, key: Key, obj: Obj) -> Obj:
        """Store `obj`; with a ``resourceVersion`` in it, only if that is still the stored one."""
        with self.lock:
            before = self.get(key)
            wanted = obj["metadata"].get("resourceVersion")
            if wanted and wanted != before["metadata"]["resourceVersion"]:
                raise conflict(key.plural, key.group, key.name)
            obj = clone(obj)
            metadata = obj["metadata"]
            for field in ("uid", "creationTimestamp", "resourceVersion"):
                metadata[field] = before["metadata"][field]
            for field in ("deletionTimestamp", "deletionGracePeriodSeconds"):
                if field in before["metadata"]:
                    metadata[field] = before["metadata"][field]
            generation = before["metadata"].get("generation", 1)
            metadata["generation"] = generation + (0 if _same_spec(before, obj) else 1)
            if obj == before:
                return before
            if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
                return self._remove(key, obj)
            self._stamp(obj)
            self.objects[key] = obj
            self._record("MODIFIED", key, obj, before)
            return obj

    def modify(self, key: Key, change: Callable[[Obj], None]) -> Obj:
        """Change a copy under the lock and store it. Raises `ApiError` 404."""
        with self.lock:
            obj = clone(self.get(key))
            change(obj)
            return self.replace(key, obj)

    def _remove(self, key: Key, obj: Obj) -> Obj:
        before = self.objects.pop(key)
        obj = clone(obj)
        self._stamp(obj)
        self._record("DELETED", key, obj, before)
        return obj

    def delete(self, key: Key, *, grace: int | None = None, finalizer: str = "") -> tuple[Obj, bool]:
        """Delete, or mark for deletion while finalizers hold it. Returns the object and whether it is gone."""
        with self.lock:
            obj = clone(self.get(key))
            if finalizer and finalizer not in obj["metadata"].get("finalizers", []):
                obj["metadata"].setdefault("finalizers", []).append(finalizer)
            if not obj["metadata"].get("finalizers"):
                return self._remove(key, obj), True
            if not obj["metadata"].get("deletionTimestamp"):
                before = self.objects[key]
                obj["metadata"]["deletionTimestamp"] = now()
                obj["metadata"]["deletionGracePeriodSeconds"] = grace or 0
                self._stamp(obj)
                self.objects[key] = obj
                self._record("MODIFIED", key, obj, before)
            return obj, False

    # -- watching -----------------------------------------------------------------------------------------

    def watch(
        self, group: str, plural: str, namespace: str, since: int, timeout: float, alive: Callable[[], bool]
    ) -> Iterator[Event | None]:
        """Events after version `since`, and None now and then so that the caller may look whether to go on.

        Raises `ApiError` 410 when `since` is older than the history.
        """
        last = since
        while alive():
            with self.lock:
                oldest = self.history[0].version if self.history else self.version + 1
                if last + 1 < oldest and last < self.version and len(self.history) == HISTORY:
                    raise gone(f"too old resource version: {since} ({oldest})")
                batch = [e for e in self._after(last) if _concerns(e.key, group, plural, namespace)]
                last = self.version
                if not batch:
                    self.changed.wait(timeout)
            if batch:
                yield from batch
            else:
                yield None

    def _after(self, version: int) -> list[Event]:
        found: list[Event] = []
        for event in reversed(self.history):
            if event.version <= version:
                break
            found.append(event)
        found.reverse()
        return found


def _concerns(key: Key, group: str, plural: str, namespace: str) -> bool:
    return key.group == group and key.plural == plural and (not namespace or key.namespace == namespace)


def _same_spec(one: Obj, two: Obj) -> bool:
    ignored = ("metadata", "status")
    return {k: v for k, v in one.items() if k not in ignored} == {k: v for k, v in two.items() if k not in ignored}
