"""Charts in order, and what an upgrade would change."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from clusters import releases
from clusters.releases import HIDDEN, Change, Release, Target


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.4.0", "1.10.0"),
        ("v23.3.1", "23.6.0"),
        ("1.5.0-rc.1", "1.5.0"),
        ("1.5.0-rc.2", "1.5.0-rc.10"),
        ("1.5.0-alpha", "1.5.0-beta"),
        ("1.4", "1.4.1"),
    ],
)
def test_versions_are_ordered(older: str, newer: str) -> None:
    assert releases.order(older) < releases.order(newer)


@pytest.mark.parametrize(("one", "other"), [("v1.2.3", "1.2.3"), ("1.2.3+a", "1.2.3+b"), ("1.2", "1.2.0")])
def test_versions_that_are_the_same(one: str, other: str) -> None:
    assert releases.order(one) == releases.order(other)


def test_a_release_is_read_as_helm_stores_it() -> None:
    stored = {
        "version": 3,
        "info": {"status": "deployed"},
        "chart": {"metadata": {"version": "1.4.0", "appVersion": "v1"}, "values": {"a": 1}},
        "config": None,
    }
    text = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(stored).encode()))).decode()
    assert releases.decode(text) == Release(3, "deployed", "1.4.0", "v1", {}, {"a": 1})


@pytest.mark.parametrize(
    "text", ["", "QUJD", base64.b64encode(base64.b64encode(gzip.compress(b"{}", mtime=0))).decode()]
)
def test_what_is_no_release_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"no release|Expecting|padding"):
        releases.decode(text)


def test_settings_are_typed_as_helm_types_them() -> None:
    values = releases.with_sets({"a": {"b": 1, "c": 2}}, ["a.b=true", "a.d=007", "e=5", "a.c=null", ""])
    assert values == {"a": {"b": True, "d": "007"}, "e": 5}


def test_a_setting_that_cannot_be_compared_is_said() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        releases.with_sets({}, ["a[0]=1"])


def found(now: dict[str, object], then: dict[str, object]) -> list[tuple[str, str | None, str | None]]:
    return [(one.path, one.now, one.then) for one in releases.changes(now, then)]


def test_values_that_differ_are_found_by_path() -> None:
    assert found({"a": {"b": 1}, "l": ["x"]}, {"a": {"b": "1"}, "l": ["x", "y"], "n": None}) == [
        ("a.b", "1", "1"),
        ("l[1]", None, "y"),
        ("n", None, "null"),
    ]
    assert found({"a": True}, {"a": 1}) == [("a", "true", "1")]
    assert found({"a": {}}, {"a": {}}) == []


@pytest.mark.parametrize(
    "values",
    [
        {"adminPassword": "hunter2"},
        {"s3": {"secretAccessKey": "hunter2"}},
        {"auth": {"users": [{"name": "a", "value": "hunter2"}]}},
        {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]},
        {"dbPassword": 12345},
    ],
)
def test_what_may_be_a_secret_is_not_shown(values: dict[str, object]) -> None:
    shown = [*releases.changes({}, values), *releases.changes(values, {})]
    assert HIDDEN in {one.then for one in shown} & {one.now for one in shown}
    assert "hunter2" not in str(shown) and "12345" not in str(shown)


def test_a_switch_is_shown_although_it_is_about_secrets() -> None:
    assert found({"auth": {"enabled": False}}, {"auth": {"enabled": True}}) == [("auth.enabled", "false", "true")]


def release(**change: object) -> Release:
    fields = {"revision": 2, "status": "deployed", "chart": "1.4.0", "app": "v1", "config": {}, "defaults": {}}
    return Release(**{**fields, **change})  # type: ignore[arg-type]


def test_a_default_matters_where_nothing_overrides_it() -> None:
    before = release(config={"a": 1, "list": ["x"]}, defaults={"a": 0, "b": 0, "list": ["p"], "deep": {"c": 1}})
    after = Target("1.5.0", "v2", {"a": 1, "list": ["x"]}, {"a": 5, "b": 6, "list": ["q", "r"], "deep": {"c": 2}})
    compared = releases.compare("x", before, after)
    assert compared.action == "upgrade"
    assert compared.values == ()
    assert compared.defaults == (Change("b", "0", "6"), Change("deep.c", "1", "2"))


@pytest.mark.parametrize(
    ("chart", "config", "action"),
    [("1.4.0", {}, "same"), ("v1.4.0", {"a": 1}, "values"), ("1.3.9", {}, "downgrade"), ("1.4.1", {}, "upgrade")],
)
def test_what_would_be_done(chart: str, config: dict[str, object], action: str) -> None:
    assert releases.compare("x", release(), Target(chart, "v1", config, {})).action == action
    assert releases.compare("x", None, Target(chart, "v1", config, {})).action == "absent"
