"""Plugins: directories with a plugin.yaml (helm.sh/docs/topics/plugins)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.toolchain.common.objects import Obj
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.paths import place


@dataclass(frozen=True)
class Plugin:
    directory: Path
    about: Obj

    def command(self, env: Mapping[str, str]) -> list[str]:
        """The program to call, ``$NAME`` taken from `env`."""
        words = str(self.about["command"]).split()
        return [re.sub(r"\$\{?(\w+)\}?", lambda match: env.get(match[1], ""), word) for word in words]


def read(directory: Path) -> Plugin:
    """Raises `HelmError` for what is no plugin."""
    path = directory / "plugin.yaml"
    if not path.is_file():
        raise HelmError(
            f"{directory}: plugin.yaml is missing; the SIMULATED helm installs plugins from directories only"
        )
    try:
        about = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise HelmError(f'failed to load plugin at "{path}": {error}') from error
    if not isinstance(about, dict) or not {"name", "version", "command"} <= set(about):
        raise HelmError(f'failed to load plugin at "{path}": name, version and command are required')
    return Plugin(directory, {"description": "", **about})


def installed() -> list[Plugin]:
    return [read(path.parent) for path in sorted(place("HELM_PLUGINS").glob("*/plugin.yaml"))]


def install(source: str) -> str:
    """Copy a plugin's directory; returns what helm says."""
    path = Path(source).resolve()
    plugin = read(path)
    if any(other.about["name"] == plugin.about["name"] for other in installed()):
        raise HelmError("plugin already exists")
    shutil.copytree(path, place("HELM_PLUGINS") / path.name)
    return f"Installed plugin: {plugin.about['name']}"


def remove(name: str) -> None:
    for plugin in installed():
        if plugin.about["name"] == name:
            return shutil.rmtree(plugin.directory)
    raise HelmError(f"Plugin: {name} not found")
