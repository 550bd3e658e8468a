"""Which host an action works on."""

from __future__ import annotations

from clusters.models import Node
from tasks.actions.base import ActionFailed, Context


def first_host(ctx: Context) -> Node:
    """The first control-plane host, from which cluster-wide commands run. Raises `ActionFailed` where there is none."""
    for node in ctx.nodes:
        if "control-plane" in node.role_groups:
            return node
    raise ActionFailed(
        "The cluster has no control-plane host.", "Name one in the role group control-plane.", again=False
    )
