"""The configuration of kk: rendered from the rows each time, never edited in place."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace

from clusters.inventory import HostSpec, render
from clusters.inventory.model import CONTROL_PLANE
from clusters.models import Cluster, Node
from clusters.registry import inventory_of
from tasks.actions.base import Action, Context, Done, Wait, register
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.remote.files import upload

# A retry of the operation that made one writes it anew.
OTHERS = 'ls "${FILE%.yaml}"-*.yaml'
REMOVE_OTHERS = 'rm -f "${FILE%.yaml}"-*.yaml'


def configuration_of(
    cluster: Cluster,
    nodes: list[Node],
    key: str,
    control_plane: Sequence[str] = (),
    without: Collection[str] = (),
) -> str:
    """What kk is to read on the first control-plane host, where `key` is the path of the key that opens all hosts.

    Hosts are addressed by their internal address, because kk runs among them. A user who is not root keeps the
    password that sudo asks for. `control_plane` names the control-plane hosts where not all are meant; hosts named in
    `without` are left out.
    """
    by_name = {node.name: node for node in nodes}

    def seen_from_inside(host: HostSpec) -> HostSpec:
        credential = by_name[host.name].credential
        sudo = "" if host.user == "root" else credential.sudo_password or credential.password
        return replace(host, address=host.internal_address, private_key="", private_key_path=key, password=sudo)

    inventory = inventory_of(cluster)
    hosts = tuple(seen_from_inside(host) for host in inventory.hosts if host.name not in without)
    groups = {**inventory.role_groups, **({CONTROL_PLANE: tuple(control_plane)} if control_plane else {})}
    kept = {group: tuple(name for name in members if name not in without) for group, members in groups.items()}
    groups = {group: members for group, members in kept.items() if members}
    return render(replace(inventory, hosts=hosts, role_groups=groups))


@register("write-configuration")
class WriteConfiguration(Action):
    """Args: ``path`` (of the file on the first control-plane host), ``key``, ``control_plane`` (names; else all),
    ``without`` (names of hosts), ``kubernetes_version`` (else the cluster's), ``if_there`` (a file that does not exist
    is not made), ``alone`` (what earlier operations wrote for themselves beside it goes: it holds the same passwords).

    The file is root's alone.
    """

    def probe(self, ctx: Context) -> bool | None:
        text = _text(ctx)
        with ctx.remote(first_host(ctx)) as remote:
            found = remote.run('sha256sum <"$FILE"', env={"FILE": ctx.args["path"]}, sudo=True).text
            if ctx.args.get("alone") and remote.run(OTHERS, env={"FILE": ctx.args["path"]}, sudo=True).ok:
                return False
        if not found and ctx.args.get("if_there"):
            return True
        return found.split()[:1] == [hashlib.sha256(text.encode()).hexdigest()]

    def run(self, ctx: Context) -> Done | Wait:
        text = _text(ctx)
        with ctx.remote(first_host(ctx)) as remote:
            done = upload(remote, text.encode(), ctx.args["path"], mode=0o600)
            if ctx.args.get("alone"):
                remote.run(REMOVE_OTHERS, env={"FILE": ctx.args["path"]}, sudo=True, check=True)
        return Done({"sha256": done.sha256}, Outcome.ALREADY if done.skipped else Outcome.CHANGED)


def _text(ctx: Context) -> str:
    if version := ctx.args.get("kubernetes_version"):
        ctx.cluster.kubernetes_version = version
    chosen = {name: ctx.args.get(name, ()) for name in ("control_plane", "without")}
    return configuration_of(ctx.cluster, ctx.nodes, ctx.args["key"], **chosen)
