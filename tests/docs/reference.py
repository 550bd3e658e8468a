"""The pages of the reference that are made from what they describe. `UPDATE_DOCS=1` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from clusters.catalog import Entry, ObjectRule, WorkloadRule, load
from tests.cli.test_help import COMMANDS, KEPT

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/reference"
MADE = "<!-- Made by tests/docs/reference.py: UPDATE_DOCS=1 pytest tests/docs -->\n"


def settings() -> str:
    """The section of the README, whose links begin elsewhere."""
    text = (ROOT / "README.md").read_text().partition("\n## Configuration\n")[2].partition("\n## ")[0].strip()
    text = re.sub(r"\[([^]]*)\]\((?:docs/)?(?!http|#)[^)]*\)", r"`\1`", text)
    return f"# Settings\n\n{text}\n"


def commands() -> str:
    """Every command's help, as it prints it."""
    parts = ["# `3kctl`, every help\n", "What each verb is for says [3kctl](../cli.md).\n"]
    for command in COMMANDS:
        kept = (KEPT / f"{command.replace(' ', '-') or '3kctl'}.txt").read_text().rstrip()
        parts.append(f"## `{f'3kctl {command}'.strip()}`\n\n```text\n{kept}\n```\n")
    return "\n".join(parts)


def components() -> str:
    """The catalogue as tables."""
    text = """# Components

From `clusters/catalog.yaml`. `--components A,B` chooses; what they need is added.
How the health of each is told: [Health rules](health.md).

| name | what it is | kind | namespace | default | needs | also called | usual time |
|---|---|---|---|---|---|---|---|
"""
    for one in load().installable:
        needs, aliases = (", ".join(f"`{name}`" for name in names) or "–" for names in (one.needs, one.aliases))
        default, space = "on" if one.default else "off", f"`{one.namespace}`" if one.namespace else "–"
        text += f"| `{one.name}` | {one.title} | {one.kind} | {space} | {default} | {needs} | {aliases} "
        text += f"| {one.expected:.0f} s |\n"
    text += "\n## What comes with Kubernetes\n\nOnly their health is read.\n\n"
    text += "| name | what it is | namespace |\n|---|---|---|\n"
    return text + "".join(f"| `{one.name}` | {one.title} | `{one.namespace}` |\n" for one in load().builtin)


def health() -> str:
    """What is looked at for each component."""
    text = """# Health rules

A component's state is the worst of what is looked at. It is read every `SANQIAN_HEALTH_SECONDS`; changes are kept.

| state | means |
|---|---|
| `healthy` | all that must be there is there, and as many of it are ready as shall be |
| `progressing` | it starts, or is rolled out |
| `degraded` | it works, with less than it shall have, or warns |
| `unhealthy` | it does not work |
| `absent` | it was chosen and is not there |
| `unknown` | the cluster could not be read, or the last answer is too old |

Besides what is listed, a component of Helm counts all workloads that its release has made. Workloads: at least one
must match, where it does not say "if there is one"; all that match must be ready. A pod that crashed again and again
counts as crashing until it has run for a while. A reading that fails is told only when the next one fails too.

"""
    for one in load().entries:
        rules = "".join(f"- {line}\n" for line in _rules(one))
        text += f"## {one.name}\n\n{one.title}.\n\n{rules}\n"
    return text.rstrip() + "\n"


def _rules(one: Entry) -> Iterator[str]:
    for part, rules in one.health.parts.items():
        yield f"part `{part}`: {_workloads(rules)}"
    if one.health.workloads:
        yield f"workloads: {_workloads(one.health.workloads)}"
    if one.health.crds:
        yield f"definitions, established: {_listed(one.health.crds)}"
    if one.health.webhooks:
        yield f"webhooks with a ready endpoint: {_listed(one.health.webhooks)}"
    yield from map(_object, one.health.objects)


def _workloads(rules: Iterable[WorkloadRule]) -> str:
    return ", ".join(f"{' or '.join(one.kinds)} `{one.name}`{' if there is one' * one.optional}" for one in rules)


def _object(rule: ObjectRule) -> str:
    said = f"objects `{rule.resource}` of `{rule.api}`"
    said += f" named `{rule.name}`" if rule.name != "*" else ""
    said += " if there are any" if rule.optional else ""
    if rule.state:
        said += f", by `{rule.state}`: " + ", ".join(f"{seen} is {state}" for seen, state in rule.states.items())
    if rule.desired:
        said += f", `{rule.ready}` as many as `{rule.desired}`"
    if rule.fresh:
        said += f"; `{rule.fresh}` no older than {rule.fresh_seconds:.0f} s"
    return said


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


GENERATED: Mapping[str, Callable[[], str]] = {
    "settings.md": settings,
    "commands.md": commands,
    "components.md": components,
    "health.md": health,
}
