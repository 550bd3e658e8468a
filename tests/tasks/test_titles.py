"""Steps are told in the reader's language, whatever values their titles hold; rows hold them in English."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from cli.titles import titled as told_by_3kctl
from scripts import messages, titles
from tasks.plans import PLANS, make
from tasks.titles import kind_titled, titled
from tests.tasks.plans.sites import cluster

PLANS_HOME = messages.ROOT / "tasks" / "plans"
CHINESE = re.compile("[\u4e00-\u9fff]")


def everywhere(monkeypatch: pytest.MonkeyPatch, title: str) -> str:
    """What the pages and 3kctl say to a Chinese reader: the same."""
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    with translation.override("zh-hans"):
        said = titled(title)
    assert told_by_3kctl(title) == said
    return said


def test_every_title_of_every_plan_is_translated_with_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set(titles.collected(PLANS_HOME))
    assert {"Check the hosts", "Remove Rook", "Let {} join", "Log helm in to the chart repository"} <= found
    for message in found:
        values = ["worker1, worker2", "7"][: message.count("{}")]
        said = everywhere(monkeypatch, message.format(*values))
        assert CHINESE.search(said), message
        assert [value for value in values if value not in said] == [], message


def test_the_titles_that_plans_make_are_those_that_are_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [
        make("install", cluster(), {"artifact": {"path": "/opt/3k"}}),
        make("uninstall", cluster(), {"confirm": "demo"}),
        make("remove-node", cluster(), {"node": "worker2"}),
        make("ceph", cluster(), {"single_node": True}),
    ]
    for step in (step for plan in plans for step in plan.steps):
        assert CHINESE.search(everywhere(monkeypatch, step.title)), step.title


def test_what_no_plan_says_and_what_english_readers_see_stays() -> None:
    assert titled("Drain worker3") == "Drain worker3"
    with translation.override("zh-hans"):
        assert titled("Drain worker3") == "排空 worker3"
        assert titled("Roll gpu-operator back to revision 3") == "将 gpu-operator 回滚到修订 3"
        assert [titled(one) for one in ("one", "", "{}", "x" * 300)] == ["one", "", "{}", "x" * 300]
        assert [kind_titled(kind) for kind in ("install", "test")] == ["安装平台", "test"]
    assert all(kind_titled(kind) == plan.title for kind, plan in PLANS.items())
