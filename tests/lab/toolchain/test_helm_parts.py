"""helm's flags, values, templates and comparison, without any server."""

from __future__ import annotations

from typing import Any

import pytest

from lab.toolchain.helm import cluster, template, values
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.flags import Flag, duration, parse
from lab.toolchain.helm.repository import version_key

FLAGS = (
    Flag("namespace", short="n"),
    Flag("wait", "switch"),
    Flag("all", "switch", "a"),
    Flag("short", "switch", "q"),
    Flag("set", "many"),
    Flag("timeout", "duration"),
)
SCOPE: dict[str, Any] = {
    "Values": {"a": 1, "on": True, "off": False, "deep": {"list": ["x"]}},
    "Release": {"Name": "r"},
}


def test_flags_stand_anywhere() -> None:
    arguments, flags = parse(["-n", "ns", "name", "--wait", "3", "--set", "a=b", "--set=c=d", "-aq"], FLAGS)
    assert arguments == ["name", "3"]
    assert (flags["namespace"], flags["wait"], flags["set"]) == ("ns", True, ["a=b", "c=d"])
    assert (flags["all"], flags["short"]) == (True, True)
    assert parse(["-nns", "--", "--wait"], FLAGS)[0] == ["--wait"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["-x"], "unknown shorthand flag"),
        (["--namespace"], "flag needs an argument: --namespace"),
        (["--timeout", "600"], 'missing unit in duration "600"'),
        (["--wait=perhaps"], "invalid syntax"),
    ],
)
def test_wrong_flags_are_named(argv: list[str], words: str) -> None:
    with pytest.raises(HelmError, match=words):
        parse(argv, FLAGS)


def test_durations_are_gos() -> None:
    assert duration("1h30m") == 5400
    assert duration("10m0s") == 600
    assert duration("250ms") == 0.25


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("a.b=1", {"a": {"b": 1}}),
        ("a=true,b=false,c=null", {"a": True, "b": False, "c": None}),
        ("a[1].b=x", {"a": [None, {"b": "x"}]}),
        ("a={x,y}", {"a": ["x", "y"]}),
        (r"a\.b/c=d\,e", {"a.b/c": "d,e"}),
        ("a=007", {"a": "007"}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_set_expressions(expression: str, wanted: dict[str, Any]) -> None:
    found: dict[str, Any] = {}
    values.put_all(found, expression)
    assert found == wanted


def test_a_set_expression_needs_a_value() -> None:
    with pytest.raises(HelmError, match='key "a" has no value'):
        values.put_all({}, "a")


def test_values_are_laid_over_each_other() -> None:
    assert values.merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None, "e": 3}, "d": [2]}) == {
        "a": {"c": 2, "e": 3},
        "d": [2],
    }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{{ .Release.Name }}-{{ .Values.a }}", "r-1"),
        ("x\n{{- if .Values.on }}\ny\n{{- end }}\nz", "x\ny\nz"),
        ("{{ if .Values.off }}a{{ else if eq .Values.a 1 }}b{{ else }}c{{ end }}", "b"),
        ("{{ if not .Values.on }}a{{ else }}c{{ end }}", "c"),
        ('{{ .Values.missing | default "d" | quote }}{{/* remark */}}', '"d"'),
        ("k:{{ toYaml .Values.deep | nindent 2 }}", "k:\n  list:\n  - x"),
        ("{{ .Values.on }}{{ .Values.none }}", "true"),
    ],
)
def test_templates(text: str, wanted: str) -> None:
    assert template.render(text, SCOPE, "t") == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n{{ .Values.none.more }}", "t:2: .*nil pointer"),
        ("{{ lookup 1 }}", '"lookup" not defined'),
        ("{{ if .Values.a }}", "unexpected EOF"),
        ("{{ end }}", "unexpected {{end}}"),
    ],
)
def test_what_a_template_cannot_do_is_named(text: str, words: str) -> None:
    with pytest.raises(template.TemplateError, match=words):
        template.render(text, SCOPE, "t")


def test_three_way_keeps_what_the_server_added() -> None:
    before = {"spec": {"ports": [{"port": 80}], "gone": 1}}
    live = {
        "spec": {"ports": [{"port": 80, "nodePort": 30001}], "gone": 1, "clusterIP": "10.0.0.1"},
        "status": {"x": 1},
    }
    wanted = {"spec": {"ports": [{"port": 80}, {"port": 443}]}}
    assert cluster.three_way(before, live, wanted) == {
        "spec": {"ports": [{"port": 80, "nodePort": 30001}, {"port": 443}], "clusterIP": "10.0.0.1"},
        "status": {"x": 1},
    }


def test_versions_are_ordered() -> None:
    mixed = ["23.1.0", "1.2.0", "v1.10.0", "v1.2.0-rc1"]
    assert sorted(mixed, key=version_key) == ["v1.2.0-rc1", "1.2.0", "v1.10.0", "23.1.0"]
