"""The labels that the registry has for nodes, on the nodes."""

from __future__ import annotations

import json

from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.actions.kubernetes import KUBECTL
from tasks.models import Outcome
from tasks.remote import Remote

LABEL = f"""{KUBECTL}printf '%s\\n' "$LABELS" | while IFS= read -r label; do
  [ -z "$label" ] || kubectl label node "$NODE" "$label" --overwrite || exit
done"""


@register("label-nodes")
class LabelNodes(Action):
    """Args: ``host`` (where kubectl runs), ``nodes`` (names). Other labels are left alone."""

    def probe(self, ctx: Context) -> bool | None:
        with ctx.remote(ctx.node(ctx.args["host"])) as remote:
            return not any(self._missing(ctx, remote, name) for name in ctx.args["nodes"])

    def run(self, ctx: Context) -> Done | Wait:
        changed = {}
        with ctx.remote(ctx.node(ctx.args["host"])) as remote:
            for name in ctx.args["nodes"]:
                if missing := self._missing(ctx, remote, name):
                    env = {"NODE": name, "LABELS": "\n".join(f"{key}={value}" for key, value in missing.items())}
                    remote.run(LABEL, env=env, sudo=True, timeout=12, check=True)
                    changed[name] = missing
        return Done({"labels": changed}, Outcome.CHANGED if changed else Outcome.ALREADY)

    def _missing(self, ctx: Context, remote: Remote, name: str) -> dict[str, str]:
        wanted: dict[str, str] = ctx.node(name).labels
        if not wanted:
            return {}
        asked = f"{KUBECTL}kubectl get node \"$NODE\" -o 'jsonpath={{.metadata.labels}}'"
        said = remote.run(asked, env={"NODE": name}, sudo=True, timeout=12)
        if not said.ok:
            raise ActionFailed(
                f"The labels of node {name} cannot be read: {said.error_text[-300:]}",
                "Check that it has joined: kubectl get nodes.",
                host=name,
            )
        has = json.loads(said.text or "{}")
        return {key: value for key, value in wanted.items() if has.get(key) != value}
