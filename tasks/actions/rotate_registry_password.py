"""Another password of the registry's administrator. Harbor has one at a time, so what it takes is found out first.

The operation keeps the password until its end, also when it is stored with the cluster: an action whose end was not
stored, because the worker was killed or the operation cancelled, is done again, and has to know what to put where.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.db import transaction

from clusters import secrets
from clusters.models import Cluster, Node
from tasks import registry_logins, secret_values
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, demand, register
from tasks.actions.nodes import first_host
from tasks.models import OperationSecret, Outcome
from tasks.plans.scripting import FILES
from tasks.remote import Remote
from tasks.remote.errors import NoSuchFile
from tasks.remote.files import download, upload

PASSWORD = "password"  # noqa: S105  the name of the secret
# Prints the status and, behind it, the answer.
ASK = f"""set -eu
{FILES["common"]}
{FILES["http"]}
ANSWER=$(mktemp)
export ANSWER
code=$(http "$METHOD" "$PLACE" "$BODY")
printf '%s\\n' "$code"
cat "$ANSWER"
rm -f "$ANSWER"
"""
CONTAINERD = "/etc/containerd/config.toml"
HARBOR = ("/opt/harbor/harbor.yml", "/opt/harbor/common/config/core/env")
# The new file lies beside the old one. Cut off anywhere, it is run again to the end; a containerd that does not start
# with the new file gets its old one back.
EXCHANGE = """if [ -s "$FILE.sanqian-new" ]; then
  cp -p "$FILE" "$FILE.sanqian-old" && mv "$FILE.sanqian-new" "$FILE" || exit
fi
[ -e "$FILE.sanqian-old" ] || exit 0
systemctl restart containerd || {
  mv "$FILE.sanqian-old" "$FILE"
  systemctl restart containerd
  exit 1
}
rm -f "$FILE.sanqian-old"
"""


@register("new-registry-password")
class NewPassword(Action):
    """The operation has a password to put in place: the one that came with it, or one that is made."""

    def probe(self, ctx: Context) -> bool | None:
        return bool(ctx.step.result)

    def run(self, ctx: Context) -> Done | Wait:
        made = not OperationSecret.objects.filter(operation=ctx.operation, name=PASSWORD).exists()
        if made:
            OperationSecret.objects.create(operation=ctx.operation, name=PASSWORD, value=secrets.new_password())
        return Done({"made": made})


@register("change-registry-password")
class ChangePassword(Action):
    """Args: ``env`` of the scripts that ask the registry. Harbor takes the new password, which is stored then.

    Where an earlier try was cut off between the two, Harbor takes what is not stored yet: so all that is known of this
    cluster is tried.
    """

    def probe(self, ctx: Context) -> bool | None:
        own = OperationSecret.objects.filter(operation=ctx.operation, name=PASSWORD).first()
        return bool(ctx.step.result) and own is not None and own.value == ctx.cluster.registry_password

    def run(self, ctx: Context) -> Done | Wait:
        waiting = OperationSecret.objects.filter(operation__cluster=ctx.cluster, name=PASSWORD)
        own = waiting.filter(operation=ctx.operation).first()
        if own is None:
            raise ActionFailed(
                "The password of this operation is gone: another rotation was done since.",
                "Start a new rotation.",
                again=False,
            )
        user = secret_values.resolve(ctx.cluster, "registry-user")
        stored = secret_values.resolve(ctx.cluster, "registry-password")
        candidates = [stored, own.value, *(one.value for one in waiting.order_by("-pk"))]
        with ctx.remote(first_host(ctx)) as remote:
            password, ident = self._accepted(ctx, remote, list(dict.fromkeys(candidates)))
            if password != own.value:
                body = json.dumps({"old_password": password, "new_password": own.value})
                code, answer = _ask(ctx, remote, password, "PUT", f"/api/v2.0/users/{ident}/password", body)
                if code != "200":
                    raise ActionFailed(
                        f"Harbor did not change the password of {user} (HTTP {code}): {_told(answer)}",
                        "Its log says more: docker logs harbor-core. What is stored opens it still.",
                        host=first_host(ctx).name,
                        kind="registry-password",
                    )
        self._store(ctx, user, own.value)
        return Done({"user": user})

    def _accepted(self, ctx: Context, remote: Remote, candidates: list[str]) -> tuple[str, int]:
        """The password that Harbor takes, and the user's id."""
        code = ""
        for password in candidates:
            code, answer = _ask(ctx, remote, password, "GET", "/api/v2.0/users/current")
            if code == "200":
                return password, int(json.loads(answer)["user_id"])
            if code != "401":
                break
        raise ActionFailed(
            f"The registry lets nobody in with the stored password (HTTP {code})."
            if code == "401"
            else f"The registry does not answer as it should (HTTP {code}).",
            "Set the password that it has: 3kctl clusters set CLUSTER registry_password=..."
            if code == "401"
            else "On the registry host: docker ps shows whether it runs.",
            host=first_host(ctx).name,
            kind="registry-password",
        )

    @transaction.atomic
    def _store(self, ctx: Context, user: str, password: str) -> None:
        cluster = Cluster.objects.select_for_update().get(pk=ctx.cluster.pk)
        cluster.registry_user, cluster.registry_password = user, password
        cluster.save(update_fields=["registry_user", "registry_password", "updated_at"])
        others = OperationSecret.objects.filter(operation__cluster=ctx.cluster, name=PASSWORD)
        others.exclude(operation=ctx.operation).delete()


@register("change-registry-logins")
class ChangeLogins(Action):
    """Args: ``registry``. Every login of its user that a host has for pulling images is the stored one, and so is what
    Harbor's own files say. Where there is none, none is added. Result: ``changed``, the files by host.
    """

    def run(self, ctx: Context) -> Done | Wait:
        found = ctx.on_hosts(lambda remote, node: self._change(ctx, remote, node), parallel=5)
        all_files = demand(
            found, "has not got the new login", "Bring it back, then retry; the new password is stored and holds."
        )
        changed = {name: files for name, files in all_files.items() if files}
        return Done({"changed": changed}, Outcome.CHANGED if changed else Outcome.ALREADY)

    def _change(self, ctx: Context, remote: Remote, node: Node) -> list[str]:
        registry: str = ctx.args["registry"]
        user = secret_values.resolve(ctx.cluster, "registry-user")
        password = secret_values.resolve(ctx.cluster, "registry-password")
        homes = dict.fromkeys(("/root", remote.run('printf %s "$HOME"').text))
        docker = [*(f"{home}/.docker/config.json" for home in homes), "/var/lib/kubelet/config.json"]
        changed = [
            path
            for path in docker
            if _edit(remote, path, lambda text: registry_logins.in_docker(text, registry, user, password))
        ]
        if user == secret_values.REGISTRY_USER:
            own = [
                path for path in HARBOR if _edit(remote, path, lambda text: registry_logins.in_harbor(text, password))
            ]
            changed += own
        new = f"{CONTAINERD}.sanqian-new"
        if _edit(remote, CONTAINERD, lambda text: registry_logins.in_containerd(text, registry, user, password), new):
            changed.append(CONTAINERD)
        remote.run(EXCHANGE, env={"FILE": CONTAINERD}, sudo=True, timeout=120, check=True)
        for path in changed:
            ctx.log(f"{node.name}: {path} has the new login")
        return changed


@register("forget-registry-password")
class ForgetPassword(Action):
    """What the operation kept goes: it is stored with the cluster, and everything that was to have it does."""

    def run(self, ctx: Context) -> Done | Wait:
        gone, _ = OperationSecret.objects.filter(operation=ctx.operation, name=PASSWORD).delete()
        return Done({}, Outcome.CHANGED if gone else Outcome.ALREADY)


def _edit(remote: Remote, path: str, change: Callable[[str], str], into: str = "") -> bool:
    """Whether the file was there and has another text now, or `into` has. One that cannot be read stays."""
    try:
        text = download(remote, path).decode()
        new = change(text)
    except (NoSuchFile, ValueError):
        return False
    if new == text:
        return False
    owner, mode = remote.run('stat -c "%U:%G %a" "$FILE"', env={"FILE": path}, sudo=True, check=True).text.split()
    upload(remote, new.encode(), into or path, mode=int(mode, 8), owner=owner)
    return True


def _ask(ctx: Context, remote: Remote, password: str, method: str, place: str, body: str = "") -> tuple[str, str]:
    """The registry's status and answer."""
    env: dict[str, Any] = {**ctx.args["env"], "REGISTRY_PASSWORD": password}
    done = remote.run(ASK, env={**env, "METHOD": method, "PLACE": place, "BODY": body}, sudo=True, check=True)
    code, _, answer = done.text.partition("\n")
    return code, answer


def _told(answer: str) -> str:
    try:
        return "; ".join(str(error["message"]) for error in json.loads(answer)["errors"])[:300]
    except (ValueError, KeyError, TypeError):
        return "it does not say why"
