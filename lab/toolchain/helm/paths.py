"""Where helm keeps things, as ``helm env`` tells it."""

from __future__ import annotations

import os
from pathlib import Path


def environment() -> dict[str, str]:
    home = Path.home()
    places = {
        name: Path(os.environ.get(f"XDG_{name}_HOME") or home / rest) / "helm"
        for name, rest in (("CACHE", ".cache"), ("CONFIG", ".config"), ("DATA", ".local/share"))
    }
    for name in places:
        places[name] = Path(os.environ.get(f"HELM_{name}_HOME") or places[name])
    found = {
        "HELM_BIN": "helm",
        "HELM_CACHE_HOME": places["CACHE"],
        "HELM_CONFIG_HOME": places["CONFIG"],
        "HELM_DATA_HOME": places["DATA"],
        "HELM_NAMESPACE": "default",
        "HELM_PLUGINS": places["DATA"] / "plugins",
        "HELM_REGISTRY_CONFIG": places["CONFIG"] / "registry/config.json",
        "HELM_REPOSITORY_CACHE": places["CACHE"] / "repository",
        "HELM_REPOSITORY_CONFIG": places["CONFIG"] / "repositories.yaml",
    }
    return {name: os.environ.get(name) or str(value) for name, value in found.items()}


def place(name: str) -> Path:
    return Path(environment()[name])
