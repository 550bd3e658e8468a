"""The step that records which snapshots of etcd lie where."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from clusters import backups
from clusters.models import Backup, Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.models import Outcome
from tasks.remote import Remote

LIST = r"""cd "$DIRECTORY" 2>/dev/null || exit 0
for file in etcd-*.db; do
  [ -f "$file" ] && [ -s "$file.sha256" ] && [ -s "$file.json" ] || continue
  printf '%s\t%s\t%s\t%s\n' "$file" "$(stat -c %s "$file")" "$(cut -d ' ' -f 1 "$file.sha256")" \
    "$(tr -d '\n' <"$file.json")"
done
"""


def columns(one: backups.Snapshot) -> dict[str, Any]:
    """What a row says of a snapshot, besides where it lies."""
    return {
        "size": one.size,
        "sha256": one.sha256,
        "revision": one.revision,
        "keys": one.keys,
        "etcd_version": one.etcd_version,
        "kubernetes_version": one.kubernetes_version,
        "members": list(one.members),
        "taken_at": one.taken_at,
    }


@register("record-backups")
class RecordBackups(Action):
    """Args: ``hosts``, ``directory``. The rows become what lies there. Result: ``backups`` by host."""

    def run(self, ctx: Context) -> Done | Wait:
        directory: str = ctx.args["directory"]

        def listed(remote: Remote, node: Node) -> str:
            return remote.run(LIST, env={"DIRECTORY": directory}, sudo=True, check=True).text

        answers = ctx.on_hosts(listed, [ctx.node(name) for name in ctx.args["hosts"]])
        for error in errors_of(answers.items()).values():
            raise error
        result: dict[str, list[str]] = {}
        for host, text in answers.items():
            try:
                found = backups.parse(str(text))
            except (ValueError, KeyError, TypeError) as error:
                raise ActionFailed(
                    f"What lies in {directory} on {host} cannot be understood: {error}",
                    "Move files that are no snapshots of this service out of that directory.",
                    host=host,
                    again=False,
                ) from error
            self._store(ctx, host, directory, found)
            result[host] = [one.name for one in found]
            ctx.log(f"{host}: {len(found)} snapshots in {directory}")
        return Done({"backups": result}, Outcome.CHECKED)

    @transaction.atomic
    def _store(self, ctx: Context, host: str, directory: str, found: tuple[backups.Snapshot, ...]) -> None:
        here = Backup.objects.filter(cluster=ctx.cluster, host=host, directory=directory)
        here.exclude(name__in=[one.name for one in found]).delete()
        for one in found:
            Backup.objects.update_or_create(
                cluster=ctx.cluster,
                host=host,
                directory=directory,
                name=one.name,
                defaults=columns(one),
            )
