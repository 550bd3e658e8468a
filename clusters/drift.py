"""What is no longer as it was installed, as health. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clusters.health import ComponentHealth
from clusters.problems import told

NAME = "drift"


@dataclass(frozen=True)
class Asked:
    """A step of the installation that was asked: `changed` hosts are no longer as installed, `silent` ones unknown."""

    key: str
    title: str
    changed: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def judge(asked: Iterable[Asked], operation: str) -> ComponentHealth:
    """Degraded where anything differs, unknown where nothing differs but something could not be told."""
    steps = tuple(asked)
    changed = [step for step in steps if step.changed]
    silent = [step for step in steps if step.silent]
    state = "degraded" if changed else "unknown" if silent or not steps else "healthy"
    texts = [f"{step.key} is not as installed on {', '.join(step.changed)}" for step in changed]
    texts += [f"{step.key} could not be told on {', '.join(step.silent)}" for step in silent]
    rows = [{"step": s.key, "title": s.title, "changed": [*s.changed], "silent": [*s.silent]} for s in steps]
    return ComponentHealth(
        NAME,
        state,
        desired=len(steps),
        ready=sum(not step.changed and not step.silent for step in steps),
        reason=told(texts) if steps else "nothing was installed by this service",
        details={"operation": operation, "steps": [row for row in rows if row["changed"] or row["silent"]]},
    )
