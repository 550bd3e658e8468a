"""The step that compares installed releases with the artifact's charts, before anything is upgraded."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from typing import Any

from clusters import bounded_yaml, releases
from clusters.catalog import Entry, load
from clusters.releases import Comparison, Release, Target
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.actions.kubernetes import KUBECTL
from tasks.models import Outcome
from tasks.remote import Remote

READING = 60.0
LINES = 60  # of a component's changes in the log; all of them are in the result, up to MOST
MOST = 400
_LISTED = "{range .items[*]}{.metadata.namespace} {.metadata.labels.name} {.metadata.labels.version} "
LIST = f"kubectl get secrets -A -l owner=helm -o 'jsonpath={_LISTED}{{.metadata.labels.status}}{{\"\\n\"}}{{end}}'"
# Lines of a word and base64: the chart's own description and values, then each file that is laid over them.
TARGET = r"""
cd "$ARTIFACT" || exit 3
PATH=$ARTIFACT/bin:$PATH
file=$(ls helm-charts/"$CHART"-[0-9v]*.tgz 2>/dev/null | tail -n 1)
[ -n "$file" ] || exit 4
say() { printf '%s ' "$1"; base64 -w 0; echo; }
meta=$(helm show chart "$file") && values=$(helm show values "$file") || exit 5
printf '%s' "$meta" | say meta
printf '%s' "$values" | say defaults
[ ! -r "$VALUES" ] || say values <"$VALUES"
[ ! -r "$FOUND" ] || say sets <"$FOUND"
"""
WORDS = {
    "upgrade": "would be upgraded",
    "values": "has this chart already; its values would change",
    "downgrade": "is newer than the artifact's chart",
    "same": "is as the artifact has it",
    "absent": "is not installed",
}


@register("compare-releases")
class CompareReleases(Action):
    """Args: ``host``, ``artifact``, ``state``, ``components``, ``named`` (they were asked for by name), ``downgrade``.

    Refuses what would go back to an older chart unasked. Result: ``components``, a `Comparison` each.
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        entries = [load()[name] for name in ctx.args["components"]]
        with ctx.remote(ctx.node(ctx.args["host"])) as remote:
            stored = self._stored(remote)
            found = []
            for number, entry in enumerate(entries):
                ctx.progress(100 * number / len(entries), entry.name)
                found.append(self._compare(ctx, remote, entry, stored.get((entry.namespace, entry.name), {})))
        for one in found:
            for line in told(one):
                ctx.log(line)
        if ctx.args["named"]:
            self._refuse(found, downgrade=bool(ctx.args["downgrade"]))
        wanted = ("upgrade", "values", "downgrade") if ctx.args["named"] else ("upgrade",)
        names = [one.component for one in found if one.action in wanted]
        note = f"to upgrade: {', '.join(names)}" if names else "no installed component is older than the artifact's"
        return Done({"components": [_short(one) for one in found]}, Outcome.CHECKED, note[:300])

    def _stored(self, remote: Remote) -> dict[tuple[str, str], dict[int, str]]:
        """{(namespace, release): {revision: status}}."""
        said = remote.run(f"{KUBECTL}{LIST}", sudo=True, timeout=READING)
        if not said.ok:
            raise ActionFailed(
                f"The cluster does not say what is installed: {said.error_text[-300:]}",
                "Bring the API server back first: crictl ps -a --name kube-apiserver.",
            )
        found: dict[tuple[str, str], dict[int, str]] = {}
        for line in said.text.splitlines():
            namespace, name, version, status = line.split(" ")
            found.setdefault((namespace, name), {})[int(version)] = status
        return found

    def _compare(self, ctx: Context, remote: Remote, entry: Entry, revisions: Mapping[int, str]) -> Comparison:
        target = self._target(ctx, remote, entry)
        worked = [number for number, status in revisions.items() if status == "deployed"] or [
            number for number, status in revisions.items() if status in releases.WORKING
        ]
        if not worked:
            return releases.compare(entry.name, None, target)
        secret = f"sh.helm.release.v1.{entry.name}.v{max(worked)}"
        command = f"kubectl get secret {secret} -n {shlex.quote(entry.namespace)} -o 'jsonpath={{.data.release}}'"
        said = remote.run(f"{KUBECTL}{command}", sudo=True, timeout=READING, check=True)
        try:
            release: Release = releases.decode(said.text)
        except ValueError as error:
            raise ActionFailed(
                f"The release {entry.name} cannot be read: {error}", f"helm status {entry.name}"
            ) from error
        return releases.compare(entry.name, release, target, revisions[max(revisions)])

    def _target(self, ctx: Context, remote: Remote, entry: Entry) -> Target:
        artifact = str(ctx.args["artifact"])
        env = {
            "ARTIFACT": artifact,
            "CHART": entry.chart,
            "VALUES": entry.values_file,
            "FOUND": f"{ctx.args['state']}/components/{entry.name}.set",
        }
        said = remote.run(TARGET, env=env, sudo=True, timeout=READING)
        if not said.ok:
            why = {3: f"The artifact is not at {artifact}.", 4: f"The artifact has no chart {entry.chart}."}
            raise ActionFailed(
                why.get(
                    said.exit_code, f"The chart {entry.chart} of {artifact} cannot be read: {said.error_text[-300:]}"
                ),
                "Unpack the artifact that carries the new charts (deploy push charts does), or name its directory.",
                kind="artifact",
                again=False,
            )
        parts = {word: base64.b64decode(data).decode() for word, _, data in map(_split, said.text.splitlines())}
        try:
            meta, defaults, values = (_yaml(parts.get(word, "")) for word in ("meta", "defaults", "values"))
            sets = [*(f"{key}={value}" for key, value in entry.sets.items()), *parts.get("sets", "").splitlines()]
            config = releases.with_sets(values, sets)
        except ValueError as error:
            raise ActionFailed(
                f"The values of {entry.name} in {artifact} cannot be read: {error}", "Mend the artifact.", again=False
            ) from error
        return Target(str(meta["version"]), str(meta.get("appVersion") or ""), config, defaults)

    def _refuse(self, found: list[Comparison], *, downgrade: bool) -> None:
        for one in found:
            if one.action == "absent":
                raise ActionFailed(
                    f"{one.component} is not installed, so it cannot be upgraded.",
                    f"Install it: 3kctl deploy install operators --software {one.component}.",
                    kind="absent",
                    again=False,
                )
            if one.action == "downgrade" and not downgrade:
                raise ActionFailed(
                    f"{one.component} has the chart {one.chart[0]}; the artifact's {one.chart[1]} is older.",
                    "Give an artifact with a newer one, or say downgrade: true (--downgrade).",
                    kind="downgrade",
                    again=False,
                )


def told(one: Comparison) -> list[str]:
    """A comparison in lines for people."""
    head = f"{one.component}: chart {one.chart[0] or '-'} -> {one.chart[1]}, application {one.app[0] or '-'} -> "
    lines = [f"{head}{one.app[1] or '-'}: {WORDS[one.action]}"]
    if one.status in releases.PENDING:
        lines.append(f"  was left {one.status} by a helm that was killed; an upgrade mends that first")
    elif one.status not in ("", "deployed"):
        lines.append(
            f"  its newest revision is {one.status}; compared with revision {one.revision}, the last that worked"
        )
    for title, changes in (("value", one.values), ("default of the chart", one.defaults)):
        for change in changes:
            now, then = ("(not set)" if text is None else text for text in (change.now, change.then))
            lines.append(f"  {title} {change.path}: {now} -> {then}")
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"  ... and {len(lines) - LINES} more"]
    return lines


def _short(one: Comparison) -> dict[str, Any]:
    made = one.to_json()
    for part in ("values", "defaults"):
        made[f"more_{part}"] = max(0, len(made[part]) - MOST)
        made[part] = made[part][:MOST]
    return made


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def _yaml(text: str) -> dict[str, Any]:
    loaded = bounded_yaml.load(text) or {}
    if not isinstance(loaded, dict):
        raise ValueError("they are no map")
    return loaded
