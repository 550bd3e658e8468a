"""The steps of a restoration that the service does itself: which snapshot, is it fit, and bring it to all members."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict

from clusters.models import Backup, Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.snapshot_sources import Source, of_host, of_store
from tasks.models import Outcome
from tasks.plans import restorable
from tasks.plans.scripting import FILES
from tasks.remote import Remote, RemoteError
from tasks.remote.errors import of_errno_text
from tasks.remote.files import upload

PIECE = 8 << 20  # bytes in memory at once
MARGIN = 2.0  # seconds of a slice that are kept for the bookkeeping
STALL = 120.0
# Prints the stamp that lies there, the bytes that have come, and whether this host has been restored already.
LOOK = f"""{FILES["restored"]}
stamp=$(set_to stamp 2>/dev/null || :)
have=$(stat -c %s "$STAGE/snapshot.db" 2>/dev/null || echo 0)
done=no
[ -z "$stamp" ] || ! restored || done=yes
printf '%s|%s|%s\\n' "$stamp" "$have" "$done"
"""
RECEIVE = r"""umask 077
dd of="$STAGE/snapshot.db" bs=256k iflag=fullblock oflag=seek_bytes seek="$OFFSET" conv=notrunc status=none
"""


@register("choose-backup")
class ChooseBackup(Action):
    """Args: ``backup``, ``source``, ``hosts``, ``masters``, ``members``, ``stage``, ``held``.

    Result: ``backup``, ``settings`` (what the scripts on the hosts must know), ``members``.
    It takes the newest snapshot that is where it is said to be, unless one is named. A retry keeps to what was chosen.
    """

    only_looks = True

    def probe(self, ctx: Context) -> bool | None:
        return bool(ctx.step.result.get("backup"))

    def run(self, ctx: Context) -> Done | Wait:
        members, kubernetes = self._read(ctx)
        chosen = self._choose(ctx)
        against = restorable.judge(
            members,
            kubernetes,
            size=chosen.size,
            etcd_version=chosen.etcd_version,
            kubernetes_version=chosen.kubernetes_version,
            then=chosen.members,
        )
        for one in against:
            ctx.log(f"error: {one.message}\nFix: {one.fix}")
        if against:
            more = f" And {len(against) - 1} more: see the log." if against[1:] else ""
            first = against[0]
            raise ActionFailed(first.message + more, first.fix, host=first.host, kind="unfit", again=False)
        ctx.log(f"chosen: {chosen}, taken {chosen.taken_at:%Y-%m-%d %H:%M:%S} UTC, revision {chosen.revision}")
        now = [one.peer for one in members]
        if chosen.members and set(chosen.members) != set(now):
            ctx.log(f"the members then were {', '.join(chosen.members)}; now they are {', '.join(now)}")
        if not any(one.peers for one in members):
            ctx.log("etcd does not answer: its list of members could not be compared with the registered hosts")
        stamp = f"{ctx.operation.created_at:%Y%m%dT%H%M%SZ}"
        settings = {
            "stamp": stamp,
            "name": chosen.name,
            "sha256": chosen.sha256,
            "initial_cluster": restorable.initial_cluster(members),
            # Of its own, so that a member with the data of before can never meet the restored ones.
            "token": f"restore-{stamp}",
        }
        backup = {"id": chosen.pk, "store": chosen.store, "host": chosen.host, "path": str(chosen), "size": chosen.size}
        result = {"backup": backup, "settings": settings, "members": [asdict(one) for one in members]}
        return Done(result, Outcome.CHECKED, f"{chosen}, {chosen.taken_at:%Y-%m-%d %H:%M:%S} UTC")

    def _read(self, ctx: Context) -> tuple[list[restorable.Member], dict[str, str]]:
        """The members and the control-plane hosts' versions. Raises `RemoteError` where a host does not answer."""
        script = f"{FILES['etcd']}\n{restorable.READ_MEMBER}"
        env = {"MEMBERS": ctx.args["members"], "STAGE": ctx.args["stage"]}

        def member(remote: Remote, node: Node) -> restorable.Member:
            mine = {**env, "SANQIAN_HOST": node.name}
            said = remote.run(script, env=mine, sudo=True, check=True, timeout=60)
            return restorable.member(node.name, said.text)

        def master(remote: Remote, node: Node) -> str:
            said = remote.run(restorable.READ_MASTER, env={"HELD": ctx.args["held"]}, sudo=True, check=True)
            return said.text.partition("\n")[0]

        members = ctx.on_hosts(member, [ctx.node(name) for name in ctx.args["hosts"]])
        masters = ctx.on_hosts(master, [ctx.node(name) for name in ctx.args["masters"]])
        for error in errors_of([*members.items(), *masters.items()]).values():
            ctx.log("every member of etcd and every control-plane host must answer, or leave the cluster first")
            raise error
        found = [one for one in members.values() if isinstance(one, restorable.Member)]
        return found, {name: version for name, version in masters.items() if isinstance(version, str)}

    def _choose(self, ctx: Context) -> Backup:
        rows = Backup.objects.filter(cluster=ctx.cluster)
        if name := ctx.args["backup"]:
            rows = rows.filter(name=name)
        if source := ctx.args["source"]:
            rows = (
                rows.exclude(store=Backup.Store.HOST)
                if source == "store"
                else rows.filter(store=Backup.Store.HOST, host=source)
            )
        for row in rows:
            if why := _missing(ctx, row):
                ctx.log(f"{row} cannot be had: {why}")
                continue
            return row
        asked = " and ".join(filter(None, (name and f"of the name {name}", source and f"from {source}")))
        raise ActionFailed(
            f"There is no backup{f' {asked}' if asked else ''} that can be had.",
            "See `3kctl backups` and the log above; take a new one with `3kctl backup`, where etcd still answers.",
            kind="no-backup",
            again=False,
        )


@register("stage-backup")
class StageBackup(Action):
    """Args: ``stage``, the directory on the hosts. Brings what ``choose-backup`` chose to every member, by slices."""

    def run(self, ctx: Context) -> Done | Wait:
        chosen = ctx.result_of("choose-backup")
        size = int(chosen["backup"]["size"])
        row = Backup.objects.filter(pk=chosen["backup"]["id"]).first()
        hosts = [ctx.node(one["host"]) for one in chosen["members"]]
        for n, node in enumerate(hosts):
            with ctx.remote(node) as remote:
                have, restored = self._begin(remote, ctx.args["stage"], chosen["settings"])
                if restored or have == size:
                    continue
                if row is None:
                    raise ActionFailed(
                        f"The backup {chosen['backup']['path']} is not recorded any more.",
                        "Start a new restoration with another one.",
                        again=False,
                    )
                with _source(ctx, row) as source:
                    while have < size and ctx.time_left() > MARGIN:
                        have += self._piece(remote, source, ctx.args["stage"], have, size)
                        done = (n * size + have) / (len(hosts) * size)
                        ctx.progress(99 * done, f"{node.name}: {have >> 20} of {size >> 20} MiB")
            if have < size:
                return Wait(0, f"{node.name}: {have >> 20} of {size >> 20} MiB")
            ctx.log(f"{node.name}: {size} bytes")
        return Done({"hosts": [node.name for node in hosts]}, note=f"{size >> 20} MiB on {len(hosts)} hosts")

    def _begin(self, remote: Remote, stage: str, settings: dict[str, str]) -> tuple[int, bool]:
        """The bytes that are there of this very snapshot, and whether they are needed no more."""
        env = {"STAGE": stage}
        stamp, have, done = remote.run(LOOK, env=env, sudo=True, check=True).text.split("|")
        if stamp != settings["stamp"]:
            remote.run('rm -rf "$STAGE"', env=env, sudo=True, check=True)
            text = "".join(f"{name} {value}\n" for name, value in settings.items())
            upload(remote, text.encode(), f"{stage}/settings")
            have, done = "0", "no"
        return int(have), done == "yes"

    def _piece(self, remote: Remote, source: Source, stage: str, offset: int, size: int) -> int:
        data = source.read(offset, min(PIECE, size - offset))
        if not data:
            raise ActionFailed(
                f"{source.name} is shorter than it was: {offset} of {size} bytes.",
                "Choose another backup.",
                again=False,
            )
        env = {"STAGE": stage, "OFFSET": str(offset)}
        said = remote.run(RECEIVE, env=env, stdin=data, sudo=True, timeout=STALL, idle=True)
        if not said.ok:
            raise of_errno_text(f"{stage}/snapshot.db", said.error_text, host=remote.name)
        return len(data)


def _source(ctx: Context, row: Backup) -> AbstractContextManager[Source]:
    return of_host(ctx, row) if row.store == Backup.Store.HOST else of_store(ctx, row)


def _missing(ctx: Context, row: Backup) -> str:
    """Why the snapshot is not where it is recorded to be; empty where it is."""
    try:
        with _source(ctx, row) as source:
            size = source.size()
    except (RemoteError, ActionFailed) as error:
        return str(error)
    return "" if size == row.size else f"it has {size} bytes instead of {row.size}"
