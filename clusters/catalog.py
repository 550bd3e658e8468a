"""The platform's components, as `catalog.yaml` declares them: loaded, checked and put in order. Pure."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

KINDS = ("helm", "manifest", "builtin")
WORKLOAD_KINDS = ("deployment", "statefulset", "daemonset", "pod")
OBJECT_STATES = ("healthy", "progressing", "degraded", "unhealthy")


class CatalogError(ValueError):
    """A component that does not exist, or a catalogue that contradicts itself. `fix` says what to do."""

    def __init__(self, message: str, *, fix: str = "", names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fix, self.names = fix, names


@dataclass(frozen=True)
class WorkloadRule:
    """Workloads of any of `kinds` whose name matches the shell pattern `name`.

    At least one must exist unless `optional`; all that exist must be ready.
    """

    kinds: tuple[str, ...]
    name: str
    optional: bool = False

    @classmethod
    def parse(cls, text: str) -> WorkloadRule:
        """``deployment|daemonset/name-*?`` as in the catalogue. Raises `CatalogError`."""
        kinds, slash, name = text.rpartition("/")
        optional = name.endswith("?")
        found = tuple(kinds.split("|"))
        if not slash or not name.rstrip("?") or not set(found) <= set(WORKLOAD_KINDS):
            raise CatalogError(
                f"{text!r} is no workload rule.",
                fix=f"Write kind/name with a kind of {', '.join(WORKLOAD_KINDS)}.",
            )
        return cls(found, name.removesuffix("?"), optional)

    def __str__(self) -> str:
        return f"{' or '.join(self.kinds)} {self.name}"


@dataclass(frozen=True)
class ObjectRule:
    """Further objects that must exist: `resource` (plural) of `api` (``v1``, ``group/version``).

    `name` is a shell pattern. `state` is a dotted path to a text that `states` maps to a health
    state; `desired` and `ready` are paths to numbers; `message` is a path to what explains the
    state; `fresh` is a path to a time stamp that must not be older than `fresh_seconds`.
    `namespaced` looks into the component's namespaces only (all, where it has none).
    """

    api: str
    resource: str
    name: str = "*"
    namespaced: bool = False
    optional: bool = False
    state: str = ""
    states: Mapping[str, str] = field(default_factory=dict)
    desired: str = ""
    ready: str = ""
    message: str = ""
    fresh: str = ""
    fresh_seconds: float = 0

    @property
    def key(self) -> str:
        """What a snapshot files these objects under: ``group/version/plural``."""
        return f"{self.api}/{self.resource}"

    @property
    def names_only(self) -> bool:
        """Whether the objects' metadata is all that is needed of them."""
        return not (self.state or self.desired or self.fresh)


@dataclass(frozen=True)
class Health:
    """How a component's health is told. `parts` are shown one by one and count like `workloads`."""

    workloads: tuple[WorkloadRule, ...] = ()
    parts: Mapping[str, tuple[WorkloadRule, ...]] = field(default_factory=dict)
    crds: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    objects: tuple[ObjectRule, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A component. Paths are relative to the unpacked artifact; times are in seconds."""

    name: str
    title: str
    kind: str
    namespace: str = ""
    extra_namespaces: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    default: bool = False
    aliases: tuple[str, ...] = ()
    chart: str = ""
    values_file: str = ""
    manifest_file: str = ""
    create: bool = False
    sets: Mapping[str, str] = field(default_factory=dict)
    expected: float = 60
    timeout: float = 600
    health: Health = Health()

    @property
    def installable(self) -> bool:
        return self.kind != "builtin"

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All namespaces that its pods run in."""
        return tuple(filter(None, (self.namespace, *self.extra_namespaces)))


class Catalog:
    """Entries by name, in dependency order."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Raises `CatalogError` on a repeated name, an unknown dependency or a cycle."""
        self._by_name: dict[str, Entry] = {}
        self._aliases: dict[str, str] = {}
        for entry in entries:
            for name in (entry.name, *entry.aliases):
                if name in self._aliases:
                    raise CatalogError(f"Two components are called {name!r}.")
                self._aliases[name] = entry.name
            self._by_name[entry.name] = entry
        for entry in self._by_name.values():
            for need in entry.needs:
                if need not in self._by_name or not self._by_name[need].installable:
                    raise CatalogError(f"Component {entry.name!r} needs {need!r}, which cannot be installed.")
        try:
            order = TopologicalSorter({e.name: e.needs for e in self._by_name.values()}).static_order()
            self.entries = tuple(self._by_name[name] for name in order)
        except CycleError as error:
            raise CatalogError(f"Components need each other: {' -> '.join(error.args[1])}.") from error

    def __contains__(self, name: object) -> bool:
        return name in self._aliases

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name or alias. Raises `CatalogError` with the nearest names."""
        if name not in self._aliases:
            raise self._unknown((name,), self._by_name.values())
        return self._by_name[self._aliases[name]]

    @property
    def installable(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.installable)

    @property
    def builtin(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if not entry.installable)

    @property
    def objects(self) -> tuple[ObjectRule, ...]:
        """What a reading of a cluster must list besides workloads; one rule for each API and resource."""
        found: dict[str, ObjectRule] = {}
        for rule in (rule for entry in self.entries for rule in entry.health.objects):
            if rule.key not in found or found[rule.key].names_only:
                found[rule.key] = rule
        return tuple(found.values())

    @property
    def crds(self) -> frozenset[str]:
        """The names of all definitions that components bring."""
        return frozenset(name for entry in self.entries for name in entry.health.crds)

    @property
    def webhooks(self) -> tuple[tuple[str, str], ...]:
        """Namespace and service of all webhooks that components bring."""
        return tuple((entry.namespace, name) for entry in self.entries for name in entry.health.webhooks)

    def placed(self, namespaces: Mapping[str, str]) -> Catalog:
        """The same, with these components in other namespaces."""
        if all(self[name].namespace == space for name, space in namespaces.items()):
            return self
        return Catalog(replace(one, namespace=namespaces.get(one.name, one.namespace)) for one in self.entries)

    def choose(self, names: Iterable[str] | None = None) -> tuple[Entry, ...]:
        """The named components (None: the defaults) and all they need, each behind what it needs.

        Raises `CatalogError` on names that are no installable component.
        """
        if names is None:
            wanted = [entry.name for entry in self.installable if entry.default]
        else:
            names = tuple(names)
            known = {n for n, name in self._aliases.items() if self._by_name[name].installable}
            if unknown := tuple(dict.fromkeys(name for name in names if name not in known)):
                raise self._unknown(unknown, self.installable)
            wanted = [self._aliases[name] for name in names]
        chosen: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name not in chosen:
                chosen.add(name)
                wanted.extend(self._by_name[name].needs)
        return tuple(entry for entry in self.entries if entry.name in chosen)

    def _unknown(self, unknown: tuple[str, ...], among: Iterable[Entry]) -> CatalogError:
        names = sorted({name for entry in among for name in (entry.name, *entry.aliases)})
        said, hints = [], []
        for name in unknown:
            said.append(repr(name))
            if near := difflib.get_close_matches(name, names, n=1, cutoff=0.5):
                hints.append(f"{near[0]!r} instead of {name!r}")
        what = "is no component" if len(said) == 1 else "are no components"
        hint = f"Did you mean {', '.join(hints)}? " if hints else ""
        return CatalogError(
            f"{', '.join(said)} {what} that can be chosen.",
            fix=f"{hint}Choose from: {', '.join(names)}.",
            names=unknown,
        )


def parse(text: str) -> Catalog:
    """The catalogue written in `text` (YAML). Raises `CatalogError` naming the component and the field."""
    data = YAML(typ="safe", pure=True).load(text)
    return Catalog(_entry(name, given) for name, given in data["components"].items())


@functools.cache
def load() -> Catalog:
    """The service's own catalogue."""
    return parse(resources.files("clusters").joinpath("catalog.yaml").read_text(encoding="utf-8"))


def _entry(name: str, given: Mapping[str, Any]) -> Entry:
    data = _checked(Entry, given, name, required=("title", "kind"), computed=("name",))
    if data["kind"] not in KINDS:
        raise CatalogError(
            f"Component {name!r}: the kind {data['kind']!r} is not known.", fix=f"Use {', '.join(KINDS)}."
        )
    data.setdefault("namespace", name)
    if data["kind"] == "helm":
        data.setdefault("chart", name)
        data.setdefault("values_file", f"deploy/values/{name}.yaml")
    if data["kind"] == "manifest":
        data.setdefault("manifest_file", f"deploy/yaml_apps/{name}.yaml")
    health = _checked(Health, data.pop("health", {}), f"{name}: health")
    objects = tuple(
        ObjectRule(**_checked(ObjectRule, rule, f"{name}: objects", required=("api", "resource")))
        for rule in health.pop("objects", ())
    )
    for rule in objects:
        if wrong := sorted(set(rule.states.values()) - set(OBJECT_STATES)):
            raise CatalogError(f"Component {name!r}: {wrong[0]!r} is no state.", fix=f"Use {', '.join(OBJECT_STATES)}.")
    parts = {part: _workloads(rules) for part, rules in health.pop("parts", {}).items()}
    workloads = _workloads(health.pop("workloads", ()))
    return Entry(name=name, health=Health(workloads=workloads, parts=parts, objects=objects, **health), **data)


def _workloads(rules: Iterable[str]) -> tuple[WorkloadRule, ...]:
    return tuple(WorkloadRule.parse(rule) for rule in rules)


def _checked(
    cls: type[Any],
    given: Mapping[str, Any],
    where: str,
    *,
    required: tuple[str, ...] = (),
    computed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """`given` with lists as tuples. Raises `CatalogError` on a field that is unknown or missing."""
    known = [f.name for f in fields(cls) if f.name not in computed]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise CatalogError(f"Component {where}: {key!r} is not known.", fix=f"Write {near[0]!r}." if near else "")
    for key in required:
        if key not in given:
            raise CatalogError(f"Component {where}: {key!r} is missing.")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
