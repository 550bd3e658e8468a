"""The SIMULATED platform components as the artifact holds them: charts, values, manifests, helm's push plugin.

Used where the artifact is built, not on the lab's hosts.
"""

from __future__ import annotations

from pathlib import Path

from lab.packing import Tree
from lab.toolchain.catalogue import charts, objects, plugin
from lab.toolchain.catalogue.objects import images

__all__ = ["files", "images", "softwares", "write"]


def files() -> Tree:
    """helm-charts/, helm-plugins/, deploy/values/ and deploy/yaml_apps/ of the artifact."""
    tree: Tree = {f"helm-plugins/{plugin.NAME}": plugin.archive()}
    for name, entry in objects.load().items():
        if "chart" in entry:
            tree[f"helm-charts/{name}-{entry['chart']}.tgz"] = charts.archive(name, entry)
            tree[f"deploy/values/{name}.yaml"] = charts.values(entry)
        else:
            tree[f"deploy/yaml_apps/{entry.get('file', name)}.yaml"] = charts.manifest(name, entry)
    return tree


def write(directory: Path) -> None:
    """Put `files` into an artifact's directory."""
    for name, file in files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(file.mode)


def softwares() -> str:
    """conf/softwares.yaml: what the artifact brings."""
    rows = [
        {"name": name, "type": "helm" if "chart" in entry else "manifest", "version": str(entry.get("chart", ""))}
        for name, entry in objects.load().items()
    ]
    return charts.dump({"SIMULATED": True, "softwares": rows})
