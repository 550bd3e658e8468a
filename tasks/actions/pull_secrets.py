"""The step that gives the cluster's pull secrets the registry's new password."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tasks import secret_values
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.plans.scripting import FILES
from tasks.registry_logins import PULL_SECRETS, in_pull_secret
from tasks.remote import Remote
from tasks.remote.errors import CommandFailed

# One line each: namespace, name, type, version, immutable, the two kinds of data; with tabs between.
LIST = (
    FILES["common"]
    + r"""[ -r "$KUBECONFIG" ] || exit 0
line='{.metadata.namespace}{"\t"}{.metadata.name}{"\t"}{.type}{"\t"}{.metadata.resourceVersion}{"\t"}{.immutable}'
data='{"\t"}{.data.\.dockerconfigjson}{"\t"}{.data.\.dockercfg}{"\n"}'
for type in $TYPES; do
  kubectl get secrets -A --field-selector "type=$type" -o "jsonpath={range .items[*]}$line$data{end}" || exit
done
"""
)
PATCH = FILES["common"] + 'kubectl patch secret "$NAME" -n "$NAMESPACE" --type merge --patch-file /dev/stdin\n'
MARGIN = 3.0  # seconds of a slice that one more patch may take


@dataclass(frozen=True)
class Stale:
    """A pull secret whose login is not the stored one."""

    namespace: str
    name: str
    version: str
    immutable: bool
    key: str
    data: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def patch(self) -> bytes:
        """Refused by the API server where the secret was changed since it was read."""
        data = {self.key: base64.b64encode(self.data.encode()).decode()}
        return json.dumps({"metadata": {"resourceVersion": self.version}, "data": data}).encode()


@register("change-pull-secrets")
class ChangePullSecrets(Action):
    """Args: ``registry``, ``env`` of the commands. Every pull secret with a login of the registry's user has the stored
    password. Result: ``changed``, the secrets by namespace and name.
    """

    def run(self, ctx: Context) -> Done | Wait:
        changed: list[str] = ctx.memory.setdefault("changed", [])
        with ctx.remote(first_host(ctx)) as remote:
            found = list(_stale(ctx, remote))
            for secret in found:
                if secret.immutable:
                    continue
                if ctx.time_left() < MARGIN:
                    return Wait(0, f"{len(changed)} pull secrets changed")
                self._change(ctx, remote, secret)
                changed.append(str(secret))
                ctx.log(f"pull secret {secret} has the new login")
        if fixed := [str(secret) for secret in found if secret.immutable]:
            raise ActionFailed(
                f"{', '.join(fixed)} cannot be changed, being immutable, and would log in as before.",
                "Delete each of these pull secrets, make it anew with the new password, then retry.",
                kind="immutable",
                again=False,
            )
        return Done({"changed": changed}, Outcome.CHANGED if changed else Outcome.ALREADY)

    def _change(self, ctx: Context, remote: Remote, secret: Stale) -> None:
        env = {**ctx.args["env"], "NAME": secret.name, "NAMESPACE": secret.namespace}
        try:
            remote.run(PATCH, env=env, stdin=secret.patch, sudo=True, timeout=60, check=True)
        except CommandFailed as error:
            raise ActionFailed(
                f"The pull secret {secret} was not changed: {error.message}",
                "The new password is stored and holds. Mend what the message says, then retry.",
                host=remote.name,
                kind="pull-secret",
            ) from error


def _stale(ctx: Context, remote: Remote) -> Iterator[Stale]:
    """Nothing where there is no Kubernetes yet."""
    registry: str = ctx.args["registry"]
    user = secret_values.resolve(ctx.cluster, "registry-user")
    password = secret_values.resolve(ctx.cluster, "registry-password")
    env = {**ctx.args["env"], "TYPES": " ".join(PULL_SECRETS)}
    said = remote.run(LIST, env=env, sudo=True, timeout=120, check=True)
    for line in said.stdout.decode().splitlines():
        namespace, name, kind, version, immutable, *data = line.split("\t")
        try:
            old = base64.b64decode("".join(data), validate=True).decode()
            new = in_pull_secret(kind, old, registry, user, password)
        except (binascii.Error, ValueError):
            ctx.log(f"pull secret {namespace}/{name} cannot be read and is left alone")
            continue
        if new != old:
            yield Stale(namespace, name, version, immutable == "true", PULL_SECRETS[kind], new)
