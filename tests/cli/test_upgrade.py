"""`deploy upgrade components`: what is asked for, and what is shown of it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService
from tests.cli.test_deploy import DONE

COMPARED = {
    "component": "kruise",
    "action": "upgrade",
    "status": "deployed",
    "chart": {"now": "1.4.0", "then": "1.5.0"},
    "app": {"now": "v1", "then": "v1"},
    "values": [{"path": "manager.log", "now": None, "then": "debug"}],
    "defaults": [{"path": "replicas", "now": "2", "then": "3"}],
    "more_values": 0,
    "more_defaults": 7,
}


def test_components_are_upgraded(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    words = ("deploy", "upgrade", "components", "--detach")

    assert run(*words).code == run(*words, "--software", "kruise", "--on-failure", "keep", "--downgrade").code == 0

    first, second = service.bodies("POST", "operations")
    assert (first["kind"], first["params"]) == ("upgrade-components", {})
    assert second["params"] == {"components": ["kruise"], "on_failure": "keep", "downgrade": True}


@pytest.mark.parametrize(
    "words",
    [
        ("components", "--version", "v1.25.3"),
        ("kubernetes", "--version", "v1.25.3", "--software", "kruise"),
        ("kubernetes",),
    ],
)
def test_options_of_the_other_part_are_refused(run: Run, service: PlayedService, words: tuple[str, ...]) -> None:
    service.add_cluster("demo")

    assert run("deploy", "upgrade", *words, "--detach").code != 0
    assert service.bodies("POST", "operations") == []


def test_what_would_change_is_a_table(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    step = {"key": "compare", "title": "Compare", "state": "succeeded", "outcome": "checked"}
    steps = [{**step, "result": {"components": [COMPARED]}}]
    service.events, service.final = [("end", {"state": "succeeded"})], {**DONE, "dry_run": True, "steps": steps}

    result = run("deploy", "upgrade", "components", "--plan")

    assert result.code == 0
    rows = [" ".join(line.split()) for line in result.out.splitlines() if line.startswith("kruise")]
    assert rows == [
        "kruise 1.4.0 -> 1.5.0 v1 deployed newer chart",
        "kruise manager.log set (not set) debug",
        "kruise replicas chart's default 2 3",
        "kruise ... and 7 more chart's default - -",
    ]
