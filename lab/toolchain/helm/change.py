"""``helm install``, ``upgrade``, ``rollback``, ``uninstall``, ``template``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from lab.toolchain.common.objects import Obj
from lab.toolchain.helm import chart as charts
from lab.toolchain.helm import releases, repository, show, values
from lab.toolchain.helm.actions import Actions, Options
from lab.toolchain.helm.chart import Chart
from lab.toolchain.helm.command import OUTPUT, Call, Command
from lab.toolchain.helm.errors import Cancelled, HelmError
from lab.toolchain.helm.flags import Flag

WAITING = (Flag("wait", "switch"), Flag("wait-for-jobs", "switch"), Flag("timeout", "duration"))
CHART = (
    Flag("values", "many", "f"),
    Flag("set", "many"),
    Flag("set-string", "many"),
    Flag("version"),
    Flag("devel", "switch"),
    Flag("skip-crds", "switch"),
    Flag("no-hooks", "switch"),
    Flag("dependency-update", "switch"),
)
CHANGE = (
    *CHART,
    *WAITING,
    OUTPUT,
    Flag("create-namespace", "switch"),
    Flag("atomic", "switch"),
    Flag("dry-run", "switch"),
    Flag("description"),
    Flag("force", "switch"),
    Flag("disable-openapi-validation", "switch"),
)
UPGRADE = (
    Flag("install", "switch", "i"),
    Flag("reuse-values", "switch"),
    Flag("reset-values", "switch"),
    Flag("cleanup-on-fail", "switch"),
    Flag("history-max", "number", default=10),
)


def _options(call: Call) -> Options:
    flags = call.flags
    return Options(
        create_namespace=bool(flags.get("create-namespace")),
        wait=bool(flags.get("wait")),
        atomic=bool(flags.get("atomic")),
        timeout=float(flags["timeout"]),
        skip_crds=bool(flags.get("skip-crds")),
        history_max=int(flags.get("history-max", 10)),
        description=str(flags.get("description", "")),
    )


def _chart(call: Call, reference: str) -> tuple[Chart, Obj]:
    flags = call.flags
    config = values.given(flags["values"], flags["set"], flags["set-string"])
    return repository.locate(reference, flags["version"], devel=flags["devel"]), config


@contextmanager
def _cancellable(name: str) -> Iterator[None]:
    """An interrupt or a polite end makes the release fail; only a kill leaves it pending."""

    def cancel(*_: object) -> NoReturn:
        print(f"Release {name} has been cancelled.", flush=True)
        raise Cancelled("context canceled")

    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def install(call: Call) -> None:
    name, reference = call.arguments
    chart, config = _chart(call, reference)
    client, namespace = call.connect()
    if call.flags["dry-run"]:
        return print(charts.render(chart, name, namespace, 1, config).manifest, end="")
    with _cancellable(name):
        release = Actions(client, name, namespace, _options(call)).install(chart, config, "install")
    return _print(call, release)


def upgrade(call: Call) -> None:
    name, reference = call.arguments
    client, namespace = call.connect()
    history = releases.history(client, name, namespace)
    absent = not history or history[-1]["info"]["status"] == "uninstalled"
    if absent and call.flags["install"]:
        if call.form == "table":
            print(f'Release "{name}" does not exist. Installing it now.', flush=True)
        chart, config = _chart(call, reference)
        if call.flags["dry-run"]:
            return print(charts.render(chart, name, namespace, 1, config).manifest, end="")
        with _cancellable(name):
            release = Actions(client, name, namespace, _options(call)).install(chart, config, "upgrade")
        return _print(call, release)
    try:
        chart, config = _chart(call, reference)
        if history and not call.flags["reset-values"] and (call.flags["reuse-values"] or not config):
            config = values.merge(history[-1]["config"] or {}, config)
        if call.flags["dry-run"]:
            return print(charts.render(chart, name, namespace, 1, config, install=False).manifest, end="")
        with _cancellable(name):
            release = Actions(client, name, namespace, _options(call)).upgrade(chart, config, "upgrade")
    except HelmError as error:
        raise HelmError(f"UPGRADE FAILED: {error}") from error
    if call.form == "table":
        print(f'Release "{name}" has been upgraded. Happy Helming!')
    return _print(call, release)


def _print(call: Call, release: Obj) -> None:
    if call.form == "table":
        print(show.release_text(release))
    else:
        print(show.output(show.public(release), call.form))


def template(call: Call) -> None:
    name, reference = call.arguments if len(call.arguments) == 2 else ("release-name", call.arguments[0])
    chart, config = _chart(call, reference)
    rendered = charts.render(chart, name, call.flags["namespace"] or "default", 1, config)
    if call.flags["include-crds"]:
        for path in sorted(chart.crds):
            print(f"---\n# Source: {chart.name}/{path}\n{chart.crds[path]}", end="")
    print(rendered.manifest, end="")


def rollback(call: Call) -> None:
    text = call.argument(1) or "0"
    if not text.isdigit():
        raise HelmError(f"could not convert revision to a number: strconv.Atoi: parsing {text!r}: invalid syntax")
    client, namespace = call.connect()
    with _cancellable(call.argument(0)):
        Actions(client, call.argument(0), namespace, _options(call)).rollback(int(text))
    print("Rollback was a success! Happy Helming!")


def uninstall(call: Call) -> None:
    client, namespace = call.connect()
    for name in call.arguments:
        kept = Actions(client, name, namespace, _options(call)).uninstall(call.flags["keep-history"])
        if kept:
            print("These resources were kept due to the resource policy:")
            print("\n".join(f"[{obj['kind']}] {obj['metadata']['name']}" for obj in kept))
        print(f'release "{name}" uninstalled')


COMMANDS = {
    "install": Command(install, "[NAME] [CHART]", (2, 2), CHANGE, "INSTALLATION FAILED: "),
    "upgrade": Command(upgrade, "[RELEASE] [CHART]", (2, 2), (*CHANGE, *UPGRADE)),
    "template": Command(template, "[NAME] [CHART]", (1, 2), (*CHART, Flag("include-crds", "switch"))),
    "rollback": Command(
        rollback, "<RELEASE> [REVISION]", (1, 2), (*WAITING, Flag("force", "switch"), Flag("cleanup-on-fail", "switch"))
    ),
    "uninstall": Command(
        uninstall,
        "RELEASE_NAME [...]",
        (1, None),
        (*WAITING, Flag("keep-history", "switch"), Flag("no-hooks", "switch"), Flag("description")),
    ),
}
