"""What the platform's operators do once their own pods run: labels, custom resources, daemon sets of drivers."""

from __future__ import annotations

from lab.toolchain.controllers.world import World


def reconcile(world: World) -> None:
    """Nothing yet."""
