"""``helm list``, ``status``, ``history``, ``get``: what the cluster's releases are."""

from __future__ import annotations

import re

from lab.toolchain.common.objects import Obj
from lab.toolchain.helm import releases, show
from lab.toolchain.helm.command import OUTPUT, Call, Command
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.flags import Flag
from lab.toolchain.helm.values import merge

LIST = ("name", "namespace", "revision", "updated", "status", "chart", "app_version")
HISTORY = ("revision", "updated", "status", "chart", "app_version", "description")
_STATES = {
    "deployed": ("deployed",),
    "failed": ("failed",),
    "pending": releases.PENDING,
    "superseded": ("superseded",),
    "uninstalled": ("uninstalled",),
    "uninstalling": ("uninstalling",),
}


def _release(call: Call, name: str) -> Obj:
    client, namespace = call.connect()
    return releases.revision(client, name, namespace, call.flags["revision"])


def status(call: Call) -> None:
    release = _release(call, call.argument(0))
    if call.form == "table":
        print(show.release_text(release))
    else:
        print(show.output(show.public(release), call.form))


def history(call: Call) -> None:
    client, namespace = call.connect()
    found = releases.history(client, call.argument(0), namespace)
    if not found:
        raise HelmError("release: not found")
    print(show.rows([show.history_row(release) for release in found[-call.flags["max"] :]], call.form, HISTORY))


def listing(call: Call) -> None:
    client, namespace = call.connect()
    newest: dict[tuple[str, str], Obj] = {}
    for release in releases.history(client, "", "" if call.flags["all-namespaces"] else namespace):
        newest[release["namespace"], release["name"]] = release
    wanted = [state for flag, states in _STATES.items() if call.flags[flag] for state in states]
    found = [
        release
        for release in sorted(newest.values(), key=lambda r: (r["name"], r["namespace"]))
        if (call.flags["all"] or release["info"]["status"] in (wanted or ("deployed", "failed")))
        and re.search(call.flags["filter"], release["name"])
    ]
    if call.flags["short"] and call.form == "table":
        return print("".join(f"{release['name']}\n" for release in found), end="")
    return print(show.rows([show.list_row(release) for release in found], call.form, LIST))


def get_values(call: Call) -> None:
    release = _release(call, call.argument(0))
    config = release.get("config") or {}
    if call.flags["all"]:
        config = merge(release["chart"]["values"], config)
    if call.form == "table":
        print("COMPUTED VALUES:" if call.flags["all"] else "USER-SUPPLIED VALUES:")
    print(show.output(config or None, "json" if call.form == "json" else "yaml"))


def get_manifest(call: Call) -> None:
    print(_release(call, call.argument(0))["manifest"], end="")


def get_notes(call: Call) -> None:
    print(f"NOTES:\n{_release(call, call.argument(0))['info']['notes']}", end="")


REVISION = Flag("revision", "number")
COMMANDS = {
    "status": Command(status, "RELEASE_NAME", (1, 1), (OUTPUT, REVISION, Flag("show-desc", "switch"))),
    "history": Command(history, "RELEASE_NAME", (1, 1), (OUTPUT, Flag("max", "number", default=256))),
    "list": Command(
        listing,
        "",
        (0, 0),
        (
            OUTPUT,
            Flag("all-namespaces", "switch", "A"),
            Flag("all", "switch", "a"),
            Flag("short", "switch", "q"),
            Flag("filter", short="f"),
            Flag("max", "number", "m", 256),
            *(Flag(name, "switch") for name in _STATES),
        ),
    ),
    "get values": Command(get_values, "RELEASE_NAME", (1, 1), (OUTPUT, REVISION, Flag("all", "switch", "a"))),
    "get manifest": Command(get_manifest, "RELEASE_NAME", (1, 1), (REVISION,)),
    "get notes": Command(get_notes, "RELEASE_NAME", (1, 1), (REVISION,)),
}
