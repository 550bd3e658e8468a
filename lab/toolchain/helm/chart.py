"""A chart (helm.sh/docs/topics/charts) read from a directory or an archive, and its manifests."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.toolchain.common.objects import Obj
from lab.toolchain.helm import template
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.values import merge

# helm.sh/helm/v3/pkg/releaseutil InstallOrder
INSTALL_ORDER: list[str] = (  # noqa: SIM905  a list of its own lines would be half a page
    "Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount Secret "
    "SecretList ConfigMap StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole "
    "ClusterRoleList ClusterRoleBinding ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service "
    "DaemonSet Pod ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet Job CronJob "
    "IngressClass Ingress APIService"
).split()


@dataclass(frozen=True)
class Chart:
    metadata: Obj
    values: Obj
    templates: Mapping[str, str]  # by path in the chart
    crds: Mapping[str, str]
    default_text: str = ""  # values.yaml as it is written

    @property
    def name(self) -> str:
        return str(self.metadata["name"])


def load(path: Path) -> Chart:
    """Raises `HelmError` for what is no chart."""
    if path.is_dir():
        files = {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
        return _chart(files)
    try:
        return unpack(path.read_bytes())
    except OSError as error:
        raise HelmError(f"open {path}: {(error.strerror or '').lower()}") from error


def unpack(data: bytes) -> Chart:
    """A packed chart. Raises `HelmError`."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    files[member.name.removeprefix("./").partition("/")[2]] = content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise HelmError(f"file does not appear to be a gzipped archive; got '{error}'") from error
    return _chart(files)


def _chart(files: Mapping[str, bytes]) -> Chart:
    if "Chart.yaml" not in files:
        raise HelmError("Chart.yaml file is missing")
    try:
        metadata = yaml.safe_load(files["Chart.yaml"])
        values = yaml.safe_load(files.get("values.yaml", b"")) or {}
    except yaml.YAMLError as error:
        raise HelmError(f"cannot load Chart.yaml or values.yaml: error converting YAML to JSON: {error}") from error
    for key in ("name", "version"):
        if not isinstance(metadata, dict) or not metadata.get(key):
            raise HelmError(f"validation: chart.metadata.{key} is required")
    texts = {name: data.decode() for name, data in files.items() if name.startswith(("templates/", "crds/"))}
    return Chart(
        metadata,
        values,
        {name: text for name, text in texts.items() if name.startswith("templates/")},
        {name: text for name, text in texts.items() if name.startswith("crds/")},
        files.get("values.yaml", b"").decode(),
    )


def documents(text: str, source: str) -> list[tuple[str, Obj]]:
    """(text, object) of every document that is not empty. Raises `HelmError`."""
    found = []
    for part in re.split(r"(?m)^---[ \t]*$", text):
        try:
            obj = yaml.safe_load(part)
        except yaml.YAMLError as error:
            raise HelmError(f"YAML parse error on {source}: error converting YAML to JSON: yaml: {error}") from error
        if obj is None:
            continue
        if not isinstance(obj, dict) or not obj.get("kind") or not obj.get("apiVersion"):
            raise HelmError(f"unable to parse {source}: apiVersion and kind must be set")
        found.append((part.strip("\n"), obj))
    return found


@dataclass(frozen=True)
class Rendered:
    manifest: str
    objects: list[Obj]
    notes: str


def render(chart: Chart, name: str, namespace: str, revision: int, config: Obj, *, install: bool = True) -> Rendered:
    """The chart's objects in the order of their installation. Raises `HelmError`."""
    meta = {key[:1].upper() + key[1:]: value for key, value in chart.metadata.items()}
    scope = {
        "Values": merge(chart.values, config),
        "Chart": meta,
        "Release": {
            "Name": name,
            "Namespace": namespace,
            "Revision": revision,
            "Service": "Helm",
            "IsInstall": install,
            "IsUpgrade": not install,
        },
        "Capabilities": {"KubeVersion": {"Version": "v1.24.3", "Major": "1", "Minor": "24"}},
    }
    notes, made = "", []
    for path in sorted(chart.templates):
        source = f"{chart.name}/{path}"
        try:
            text = template.render(chart.templates[path], scope, source)
        except template.TemplateError as error:
            raise HelmError(str(error)) from error
        if path.endswith("NOTES.txt"):
            notes = text
        elif not Path(path).name.startswith("_"):
            made += [(source, part, obj) for part, obj in documents(text, source)]
    made.sort(key=lambda entry: order(entry[2]))
    manifest = "".join(f"---\n# Source: {source}\n{part}\n" for source, part, _ in made)
    return Rendered(manifest, [obj for _, _, obj in made], notes)


def order(obj: Obj) -> int:
    kind = obj["kind"]
    return INSTALL_ORDER.index(kind) if kind in INSTALL_ORDER else len(INSTALL_ORDER)


def objects(manifest: str) -> list[Obj]:
    """The objects of a stored manifest."""
    return [obj for _, obj in documents(manifest, "the release's manifest")]


def crds(chart: Chart) -> list[Obj]:
    return [obj for name in sorted(chart.crds) for _, obj in documents(chart.crds[name], f"{chart.name}/{name}")]
