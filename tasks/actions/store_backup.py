"""The step that copies a snapshot from its host into the cluster's store, reads it back, and deletes old ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction

from clusters import backups
from clusters.models import Backup
from tasks import stores
from tasks.actions.backups import columns
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.actions.snapshot_sources import of_host
from tasks.stores.base import NOTE, PIECE, Store, StoreFailed

MARGIN = 2.0  # seconds of a slice that are kept for the bookkeeping


@register("store-backup")
class StoreBackup(Action):
    """Args: ``hosts``, ``directory``, ``keep``. Result: ``stored``, ``store``, ``kept``.

    The bytes go through the worker: hosts need no way to the store, and never see its keys.
    """

    def run(self, ctx: Context) -> Done | Wait:
        try:
            return self._run(ctx, stores.of(ctx.cluster))
        except StoreFailed as error:
            raise ActionFailed(error.message, error.fix, kind="store") from error

    def _run(self, ctx: Context, store: Store) -> Done | Wait:
        row = self._newest(ctx)
        if row.name + NOTE not in set(store.names()):
            if wait := self._copy(ctx, store, row):
                return wait
            try:
                read_back(store, row, lambda done: ctx.progress(50 + 45 * done, "reading it back"))
            except StoreFailed:
                _begin_anew(ctx)
                raise
            store.put(row.name + NOTE, json.dumps(_note(row)).encode())
            ctx.log(f"{row.name} reads back from {store.address} with SHA-256 {row.sha256}")
        kept = self._prune(ctx, store)
        self._record(ctx, store, kept)
        return Done({"stored": row.name, "store": store.address, "kept": [one["name"] for one in kept]})

    def _newest(self, ctx: Context) -> Backup:
        rows = Backup.objects.filter(cluster=ctx.cluster, store=Backup.Store.HOST, host__in=ctx.args["hosts"])
        row = rows.filter(pk=ctx.memory["row"]).first() if "row" in ctx.memory else None
        row = row or rows.filter(directory=ctx.args["directory"]).first()
        if row is None:
            raise ActionFailed("There is no snapshot on the hosts to be copied.", "Take one anew.", again=False)
        ctx.memory["row"] = row.pk
        return row

    def _copy(self, ctx: Context, store: Store, row: Backup) -> Wait | None:
        """Nothing when all of it is there; a failure leaves no object."""
        memory: dict[str, Any] = ctx.memory.setdefault("upload", {})
        have = int(ctx.memory.get("have", 0))
        try:
            with of_host(ctx, row) as source:
                while have < row.size:
                    if ctx.time_left() < MARGIN:
                        return Wait(0, f"{have >> 20} of {row.size >> 20} MiB copied")
                    data = source.read(have, min(PIECE, row.size - have))
                    if not data:
                        raise StoreFailed(f"{source.name} is shorter than it was.", "Take a new backup.")
                    store.add(row.name, have, data, memory)
                    have += len(data)
                    ctx.memory["have"] = have
                    ctx.progress(50 * have / row.size, f"{have >> 20} of {row.size >> 20} MiB copied")
            if not ctx.memory.get("complete"):
                store.complete(row.name, memory)
                ctx.memory["complete"] = True
        except Exception:
            store.abandon(row.name, memory)
            _begin_anew(ctx)
            raise
        return None

    def _prune(self, ctx: Context, store: Store) -> list[dict[str, Any]]:
        """What the store holds now, the newest first; older ones than ``keep`` have gone, their notes before them."""
        names = sorted((name for name in store.names() if name.endswith(NOTE)), reverse=True)
        for note in names[ctx.args["keep"] :]:
            store.delete(note)
            store.delete(note.removesuffix(NOTE))
            ctx.log(f"deleted {note.removesuffix(NOTE)} from {store.address}: more than {ctx.args['keep']} are kept")
        return [json.loads(store.read(name, 0, PIECE)) for name in names[: ctx.args["keep"]]]

    @transaction.atomic
    def _record(self, ctx: Context, store: Store, kept: list[dict[str, Any]]) -> None:
        here = Backup.objects.filter(cluster=ctx.cluster, directory=store.address).exclude(store=Backup.Store.HOST)
        here.exclude(name__in=[note["name"] for note in kept]).delete()
        for note in kept:
            one = backups.snapshot(note["name"], note["size"], note["sha256"], json.dumps(note["noted"]))
            Backup.objects.update_or_create(
                cluster=ctx.cluster,
                host=note["host"],
                directory=store.address,
                name=one.name,
                defaults={**columns(one), "store": store.kind},
            )


def read_back(store: Store, row: Backup, tell: Callable[[float], None]) -> None:
    """Read the file whole and compare it with what its host has noted; where it differs it goes. Raises `StoreFailed`.

    In one go, because a sum cannot be kept from slice to slice: the lease is renewed meanwhile.
    """
    digest, seen = hashlib.sha256(), 0
    while seen < row.size and (data := store.read(row.name, seen, min(PIECE, row.size - seen))):
        digest.update(data)
        seen += len(data)
        tell(seen / row.size)
    if digest.hexdigest() != row.sha256 or store.size(row.name) != row.size:
        store.delete(row.name)
        raise StoreFailed(
            f"{row.name} does not read back from {store.address} as it was written; it was deleted there.",
            "Retry; if it happens again the store is not to be trusted.",
        )


def _begin_anew(ctx: Context) -> None:
    for name in ("upload", "have", "complete"):
        ctx.memory.pop(name, None)


def _note(row: Backup) -> dict[str, Any]:
    noted = {"revision": row.revision, "totalKey": row.keys, "etcd": row.etcd_version}
    noted |= {"kubernetes": row.kubernetes_version, "members": " ".join(row.members)}
    return {"name": row.name, "host": row.host, "size": row.size, "sha256": row.sha256, "noted": noted}
