"""The lab's charts and manifests bring what the service's catalogue looks for."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest
import yaml

from clusters.catalog import Entry, load
from lab.packing import Tree
from lab.toolchain import catalogue
from lab.toolchain.common.objects import Obj
from lab.toolchain.helm import chart as charts
from lab.toolchain.helm import values

ENTRIES = [entry for entry in load().entries if entry.installable]
# Workloads that an operator makes of these custom resources, not the chart.
BY_OPERATOR = {"prometheus": "Prometheus", "alertmanager": "Alertmanager"} | dict.fromkeys(
    ("mon", "mgr", "osd"), "CephCluster"
)
# What `kubectl create` and the installer itself put into these namespaces.
GIVEN_NAMESPACES = {"cpod", "cpod-system"}


@pytest.fixture(scope="module")
def files() -> Tree:
    return catalogue.files()


@pytest.fixture(scope="module")
def made(files: Tree) -> dict[str, list[Obj]]:
    """The objects of every component, as they reach the API."""
    return {entry.name: _objects(entry, files) for entry in ENTRIES}


def _objects(entry: Entry, files: Tree) -> list[Obj]:
    if entry.kind == "manifest":
        return [obj for obj in yaml.safe_load_all(files[entry.manifest_file].data) if obj]
    (name,) = fnmatch.filter(files, f"helm-charts/{entry.chart}-[0-9v]*.tgz")
    chart = charts.unpack(files[name].data)
    config: Obj = yaml.safe_load(files[entry.values_file].data)
    for key, value in entry.sets.items():
        values.put_all(config, f"{key}={value}")
    rendered = charts.render(chart, entry.name, entry.namespace, 1, config)
    return [*charts.crds(chart), *rendered.objects]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_component_has_what_its_health_rule_wants(entry: Entry, made: dict[str, list[Obj]]) -> None:
    objects = made[entry.name]
    there = {(obj["kind"].lower(), obj["metadata"]["name"]) for obj in objects}
    kinds = {obj["kind"] for obj in objects}
    wanted = [("", rule) for rule in entry.health.workloads]
    wanted += [(part, rule) for part, rules in entry.health.parts.items() for rule in rules]
    for part, rule in wanted:
        matched = [name for kind, name in there if kind in rule.kinds and fnmatch.fnmatch(name, rule.name)]
        assert matched or rule.optional or BY_OPERATOR.get(part) in kinds, f"{rule} of {entry.name}"
    assert {("customresourcedefinition", name) for name in entry.health.crds} <= there
    assert {("service", name) for name in entry.health.webhooks} <= there


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_component_stays_in_its_namespaces(entry: Entry, made: dict[str, list[Obj]]) -> None:
    used = {obj["metadata"]["namespace"] for obj in made[entry.name] if obj["metadata"].get("namespace")}
    own = {obj["metadata"]["name"] for obj in made[entry.name] if obj["kind"] == "Namespace"}
    assert used <= ({*entry.namespaces} or GIVEN_NAMESPACES), f"{entry.name} uses {used}"
    assert own <= {*entry.namespaces}


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.health.objects], ids=lambda entry: entry.name)
def test_the_objects_of_a_rule_are_there(entry: Entry, made: dict[str, list[Obj]]) -> None:
    there = False
    every = [obj for objects in made.values() for obj in objects]
    plurals = {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): crd["spec"]["names"]["plural"]
        for crd in every
        if crd["kind"] == "CustomResourceDefinition"
        for version in crd["spec"]["versions"]
    }
    for rule in entry.health.objects:
        matched = [
            obj
            for obj in made[entry.name]
            if obj["apiVersion"] == rule.api
            and plurals.get((rule.api, obj["kind"]), f"{obj['kind'].lower()}s") == rule.resource
            and fnmatch.fnmatch(obj["metadata"]["name"], rule.name)
        ]
        there = there or bool(matched)
        assert matched or rule.optional, f"{rule.resource} of {entry.name}"
    assert there


def test_there_is_nothing_that_the_catalogue_does_not_know(files: Tree) -> None:
    known = {entry.values_file for entry in ENTRIES} | {entry.manifest_file for entry in ENTRIES}
    found = {name for name in files if name.startswith("deploy/")}
    assert found == known - {""}
    assert len(fnmatch.filter(files, "helm-charts/*.tgz")) == sum(entry.kind == "helm" for entry in ENTRIES)


def test_every_image_is_among_those_that_are_pushed(made: dict[str, list[Obj]]) -> None:
    registry = "dockerhub.kubekey.local/kubesphereio/"
    pushed = {registry + image for image in catalogue.images()}
    for name, objects in made.items():
        for obj in objects:
            pod = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
            for container in pod.get("containers", []):
                assert container["image"] in pushed, f"{name}: {container['image']}"
        for obj in objects:
            for key in ("image", "reloader"):
                image = (obj.get("spec") or {}).get(key, "")
                assert "/" not in image or image in pushed, f"{name}: {image}"


def test_definitions_come_from_one_component_only(made: dict[str, list[Obj]]) -> None:
    names = [
        obj["metadata"]["name"]
        for objects in made.values()
        for obj in objects
        if obj["kind"] == "CustomResourceDefinition"
    ]
    assert len(names) == len(set(names))


def test_what_is_written_is_the_same_each_time(tmp_path: Path, files: Tree) -> None:
    catalogue.write(tmp_path)
    written = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert written == {name: file.data for name, file in files.items()}
    assert "SIMULATED" in catalogue.softwares()
