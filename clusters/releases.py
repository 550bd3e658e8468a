"""Helm releases and the charts that could follow them: which is newer, and what of the values would change. Pure."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, Any]
HIDDEN = "[redacted]"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")
# Helm marks the newest revision that works as deployed; after a failed one that is not the newest of all.
WORKING = ("deployed", "superseded")
_SECRET = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|auth|(access|api|private|encryption|licen[sc]e|ssh|tls).?key|cert"
    r"|dsn|connection.?string",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_ABSENT = object()


@dataclass(frozen=True)
class Release:
    """A revision of a release as helm stores it. `config` was given by the installer, `defaults` by the chart."""

    revision: int
    status: str
    chart: str
    app: str
    config: Values
    defaults: Values


@dataclass(frozen=True)
class Target:
    """A chart that could be installed, and the values that would be given to it."""

    chart: str
    app: str
    config: Values
    defaults: Values


@dataclass(frozen=True)
class Change:
    """A value at a dotted path; None where it is not set. What may be a secret is not shown."""

    path: str
    now: str | None
    then: str | None

    def to_json(self) -> dict[str, str | None]:
        return {"path": self.path, "now": self.now, "then": self.then}


@dataclass(frozen=True)
class Comparison:
    """What an upgrade of one component would do.

    `action`: ``upgrade`` (the chart is newer), ``values`` (the same chart, other values), ``downgrade``, ``same`` or
    ``absent``. `defaults` are the chart's own values that change and that nothing overrides.
    """

    component: str
    action: str
    status: str = ""
    revision: int = 0
    chart: tuple[str, str] = ("", "")
    app: tuple[str, str] = ("", "")
    values: tuple[Change, ...] = ()
    defaults: tuple[Change, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "component": self.component,
            "action": self.action,
            "status": self.status,
            "revision": self.revision,
            "chart": {"now": self.chart[0], "then": self.chart[1]},
            "app": {"now": self.app[0], "then": self.app[1]},
            "values": [change.to_json() for change in self.values],
            "defaults": [change.to_json() for change in self.defaults],
        }


def decode(text: str) -> Release:
    """A release of the data of helm's Secret, as kubectl prints it. Raises ValueError for what is none."""
    try:
        stored = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(text))))
        meta = stored["chart"]["metadata"]
        return Release(
            revision=int(stored["version"]),
            status=str(stored["info"]["status"]),
            chart=str(meta["version"]),
            app=str(meta.get("appVersion") or ""),
            config=stored.get("config") or {},
            defaults=stored["chart"].get("values") or {},
        )
    except (OSError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"no release of helm: {type(error).__name__}") from error


def order(version: str) -> tuple[Any, ...]:
    """A key that orders chart versions as semantic versions; a leading ``v`` and ``+build`` do not count."""
    plain, _, early = version.removeprefix("v").partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in _NUMBER.findall(plain))
    # A version without a pre-release comes after those with one; numbers in a pre-release come before words.
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in early.split(".")) if early else ()
    return (numbers + (0,) * (4 - len(numbers)), not early, parts)


def merged(base: Values, over: Values) -> dict[str, Any]:
    """`over` laid over `base` as helm does it: maps are merged, everything else replaced, null removes."""
    found = dict(base)
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(found.get(key), Mapping):
            found[key] = merged(found[key], value)
        else:
            found[key] = value
    return found


def with_sets(values: Values, lines: Iterable[str]) -> dict[str, Any]:
    """`values` with lines ``a.b=value`` put in, typed as by ``helm --set``. Raises ValueError for other forms."""
    found = dict(values)
    for line in filter(None, lines):
        path, equals, text = line.partition("=")
        if not equals or set("[]{}\\,") & set(line):
            raise ValueError(f"the setting {path!r} has a form that cannot be compared")
        value: Any = text
        if text in ("true", "false", "null"):
            value = {"true": True, "false": False, "null": None}[text]
        elif re.fullmatch(r"0|-?[1-9]\d*", text):
            value = int(text)
        for key in reversed(path.split(".")):
            value = {key: value}
        found = merged(found, value)
    return found


def compare(component: str, release: Release | None, target: Target, newest: str = "") -> Comparison:
    """What would change. `newest` is the status of the newest revision, where `release` is the last that worked."""
    if release is None:
        return Comparison(component, "absent", chart=("", target.chart), app=("", target.app))
    values = tuple(changes(release.config, target.config))
    ours = set(_flat(release.config)) | set(_flat(target.config))
    defaults = tuple(one for one in changes(release.defaults, target.defaults) if not _overridden(one.path, ours))
    if order(target.chart) != order(release.chart):
        action = "upgrade" if order(target.chart) > order(release.chart) else "downgrade"
    else:
        action = "values" if values else "same"
    return Comparison(
        component,
        action,
        newest or release.status,
        release.revision,
        (release.chart, target.chart),
        (release.app, target.app),
        values,
        defaults,
    )


def changes(before: Values, after: Values) -> Iterator[Change]:
    """The values that differ, by path. Of what may be a secret, only that it changes is said."""
    old, new = _flat(before), _flat(after)
    for path in sorted(old.keys() | new.keys()):
        had, gets = old.get(path, (_ABSENT, False)), new.get(path, (_ABSENT, False))
        if had[0] is gets[0] or (type(had[0]) is type(gets[0]) and had[0] == gets[0]):
            continue
        secret = had[1] or gets[1]
        yield Change(path, _shown(had[0], secret), _shown(gets[0], secret))


@dataclass
class _Walk:
    found: dict[str, tuple[Any, bool]] = field(default_factory=dict)

    def go(self, path: str, value: Any, secret: bool) -> None:
        if isinstance(value, Mapping) and value:
            # {name: PASSWORD, value: ...}, as environments are written: what the name says counts for the value.
            named = secret or ("value" in value and bool(_SECRET.search(str(value.get("name", "")))))
            for key, inner in value.items():
                inside = named if key == "value" else secret
                self.go(f"{path}.{key}" if path else str(key), inner, inside or bool(_SECRET.search(str(key))))
        elif isinstance(value, list) and value:
            for index, inner in enumerate(value):
                self.go(f"{path}[{index}]", inner, secret)
        elif path:
            self.found[path] = (value, secret)


def _flat(values: Values) -> dict[str, tuple[Any, bool]]:
    """{path: (value, whether it may be a secret)} of everything that holds nothing else."""
    walk = _Walk()
    walk.go("", values, False)
    return walk.found


def _shown(value: Any, secret: bool) -> str | None:
    if value is _ABSENT:
        return None
    if secret and value not in (None, "", [], {}) and not isinstance(value, bool):
        return HIDDEN
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value


def _overridden(path: str, ours: Iterable[str]) -> bool:
    """Whether a given value stands at the path, above or below it. A given list replaces the chart's whole list."""
    root = path.partition("[")[0]
    given = (other.partition("[")[0] for other in ours)
    return any(root == other or root.startswith(f"{other}.") or other.startswith(f"{root}.") for other in given)
