"""The commands about charts, repositories, plugins and helm itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from lab.toolchain.common import faults
from lab.toolchain.helm import plugins, repository, show
from lab.toolchain.helm.command import OUTPUT, Call, Command
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.flags import Flag
from lab.toolchain.helm.paths import environment

VERSION = 'version.BuildInfo{Version:"v3.9.0", GitCommit:"SIMULATED", GitTreeState:"clean", GoVersion:"none"}'
LOGIN = (
    Flag("ca-file"),
    Flag("cert-file"),
    Flag("key-file"),
    Flag("username"),
    Flag("password"),
    Flag("insecure-skip-tls-verify", "switch"),
)
VERSIONS = (Flag("version"), Flag("devel", "switch"))


def show_chart(call: Call) -> None:
    chart = repository.locate(call.argument(0), call.flags["version"], devel=call.flags["devel"])
    meta = yaml.safe_dump(dict(chart.metadata))
    texts = {
        "show chart": meta,
        "show values": chart.default_text,
        "show crds": "".join(f"---\n{text}" for text in chart.crds.values()),
        "show all": f"{meta}\n---\n{chart.default_text}",
    }
    print(texts[call.name], end="")


def repo_add(call: Call) -> None:
    flags = call.flags
    password = sys.stdin.readline().rstrip("\n") if flags["password-stdin"] else flags["password"]
    entry = {
        "caFile": flags["ca-file"],
        "certFile": flags["cert-file"],
        "insecure_skip_tls_verify": flags["insecure-skip-tls-verify"],
        "keyFile": flags["key-file"],
        "name": call.argument(0),
        "pass_credentials_all": flags["pass-credentials"],
        "password": password,
        "url": call.argument(1),
        "username": flags["username"],
    }
    faults.strike("helm:repo", call.argument(0))
    print(repository.add(entry, flags["force-update"]))


def repo_list(call: Call) -> None:
    found = [{"name": entry["name"], "url": entry["url"]} for entry in repository.repositories()]
    if not found and call.form == "table":
        raise HelmError("no repositories to show")
    print(show.rows(found, call.form, ("name", "url")))


def repo_update(call: Call) -> None:
    entries = [repository.repository(name) for name in call.arguments] or repository.repositories()
    if not entries:
        raise HelmError("no repositories found. You must add one before updating")
    print("Hang tight while we grab the latest from your chart repositories...")
    failed = []
    for entry in entries:
        try:
            repository.fetch_index(entry)
            print(f'...Successfully got an update from the "{entry["name"]}" chart repository')
        except HelmError as error:
            failed.append(entry["url"])
            print(
                f'...Unable to get an update from the "{entry["name"]}" chart repository ({entry["url"]}):\n\t{error}'
            )
    if failed and call.flags["fail-on-repo-update-fail"]:
        raise HelmError(f"Failed to update the following repositories: {failed}")
    print("Update Complete. ⎈Happy Helming!⎈")


def repo_remove(call: Call) -> None:
    for name in call.arguments:
        repository.repository(name)
        repository.keep([entry for entry in repository.repositories() if entry["name"] != name])
        print(f'"{name}" has been removed from your repositories')


def search_repo(call: Call) -> None:
    found = repository.search(call.argument(0), versions=call.flags["versions"], devel=call.flags["devel"])
    if not found and call.form == "table":
        return print("No results found")
    return print(show.rows(found, call.form, ("name", "version", "app_version", "description")))


def plugin_list(_call: Call) -> None:
    columns = ("name", "version", "description")
    rows = [{key: plugin.about[key] for key in columns} for plugin in plugins.installed()]
    print(show.rows(rows, "table", columns))


def plugin_install(call: Call) -> None:
    print(plugins.install(call.argument(0)))


def plugin_remove(call: Call) -> None:
    for name in call.arguments:
        plugins.remove(name)
        print(f"Uninstalled plugin: {name}")


def plugin_call(call: Call) -> None:
    """A word that is no command of helm is one of a plugin's, as with the real helm."""
    plugin = next((p for p in plugins.installed() if p.about["name"] == call.argument(0)), None)
    if plugin is None:
        raise HelmError(f'unknown command "{call.argument(0)}" for "helm"\nRun \'helm --help\' for usage.')
    env = {**os.environ, **environment(), "HELM_BIN": str(Path(sys.argv[0]).absolute())}
    env |= {"HELM_PLUGIN_NAME": plugin.about["name"], "HELM_PLUGIN_DIR": str(plugin.directory)}
    done = subprocess.run([*plugin.command(env), *call.arguments[1:]], env=env, check=False)
    if done.returncode:
        raise HelmError(f'plugin "{plugin.about["name"]}" exited with error')


def chartmuseum_push(call: Call) -> None:
    """What the push plugin's program calls."""
    archive, flags = Path(call.argument(0)), call.flags
    entry = dict(repository.repository(call.argument(1)))
    for key, flag in (("caFile", "ca-file"), ("username", "username"), ("password", "password")):
        entry[key] = flags[flag] or entry.get(key, "")
    print(f"Pushing {archive.name} to {call.argument(1)}...", flush=True)
    struck = faults.strike("helm:cm-push", archive.name)
    if struck is not None and struck.do in ("kill", "half"):
        faults.die()
    repository.push(archive, entry, force=flags["force"])
    print("Done.")


def env(call: Call) -> None:
    found = environment()
    if call.argument(0):
        print(found.get(call.argument(0), ""))
    else:
        print("\n".join(f'{name}="{value}"' for name, value in sorted(found.items())))


def version(call: Call) -> None:
    print("v3.9.0+SIMULATED" if call.flags["short"] else VERSION)


def usage(_call: Call) -> None:
    print("The SIMULATED Kubernetes package manager of the lab\n\nUsage:\n  helm [command]\n\nAvailable Commands:")
    print("\n".join(f"  {name:<16}{command.usage}" for name, command in sorted(COMMANDS.items())))


COMMANDS = {
    **{
        f"show {what}": Command(show_chart, "[CHART]", (1, 1), (*VERSIONS,))
        for what in ("chart", "values", "crds", "all")
    },
    "repo add": Command(
        repo_add,
        "[NAME] [URL]",
        (2, 2),
        (
            *LOGIN,
            *(Flag(name, "switch") for name in ("password-stdin", "force-update", "pass-credentials", "no-update")),
        ),
    ),
    "repo list": Command(repo_list, "", (0, 0), (OUTPUT,)),
    "repo update": Command(
        repo_update, "[REPO1 [REPO2 ...]]", (0, None), (Flag("fail-on-repo-update-fail", "switch"),)
    ),
    "repo remove": Command(repo_remove, "[REPO1 [REPO2 ...]]", (1, None)),
    "search repo": Command(
        search_repo,
        "[keyword]",
        (0, 1),
        (
            OUTPUT,
            Flag("versions", "switch", "l"),
            Flag("devel", "switch"),
            Flag("version"),
            Flag("regexp", "switch", "r"),
        ),
    ),
    "plugin list": Command(plugin_list),
    "plugin install": Command(plugin_install, "<path>", (1, 1), (Flag("version"),)),
    "plugin uninstall": Command(plugin_remove, "<plugin>...", (1, None)),
    "plugin call": Command(plugin_call, "<plugin> [arguments]", (1, None)),
    "chartmuseum-push": Command(
        chartmuseum_push,
        "<chart> <repository>",
        (2, 2),
        (
            Flag("ca-file"),
            Flag("username", short="u"),
            Flag("password", short="p"),
            Flag("force", "switch", "f"),
            Flag("insecure", "switch"),
            Flag("timeout", "number", "t"),
        ),
    ),
    "env": Command(env, "", (0, 1)),
    "version": Command(version, "", (0, 0), (Flag("short", "switch"), Flag("template"), Flag("client", "switch", "c"))),
    "help": Command(usage, "", (0, None)),
}
