"""The diagrams of docs/architecture.md say what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tasks.engine.states import JOB, OPERATION, STEP, IllegalMove, Moves, move
from tasks.models import HostJob, Operation, Step

ROOT = Path(__file__).resolve().parent.parent
DIAGRAM = re.compile(r"```mermaid\nstateDiagram-v2\n(.*?)```", re.DOTALL)
ARROW = re.compile(r"^\s*(\S+) --> (\w+|\[\*\])(?::.*)?$")
WRITES = re.compile(
    r"\b(?:Operation|Step|HostJob)\.objects\b[^\n]*\.(?:update|create|bulk_create|bulk_update|delete)\("
)
SHOWN: list[tuple[type[Operation | Step | HostJob], Moves]] = [(Operation, OPERATION), (Step, STEP), (HostJob, JOB)]


def diagrams() -> list[set[tuple[str, str]]]:
    """The arrows of each state diagram, in the page's order."""
    found = []
    for diagram in DIAGRAM.findall((ROOT / "docs/architecture.md").read_text()):
        arrows = [ARROW.match(line) for line in diagram.splitlines()]
        assert all(arrows), f"a line that is no arrow in\n{diagram}"
        found.append({(arrow[1], arrow[2]) for arrow in arrows if arrow})
    return found


@pytest.mark.parametrize("place", range(len(SHOWN)), ids=[model.__name__ for model, _ in SHOWN])
def test_the_page_shows_the_transitions_that_the_engine_allows(place: int) -> None:
    model, moves = SHOWN[place]
    allowed = {(str(old), str(new)) for old, following in moves.items() for new in following}
    begins = {("[*]", str(model().state))}
    assert diagrams()[place] == allowed | begins
    assert len(diagrams()) == len(SHOWN)


def test_states_are_changed_by_the_engine_alone_and_there_by_move_alone() -> None:
    for path in sorted((ROOT / "tasks/engine").glob("*.py")):
        targets = [
            target
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Assign)
            for written in node.targets
            for target in (written.elts if isinstance(written, ast.Tuple) else [written])
        ]
        states = [t.lineno for t in targets if isinstance(t, ast.Attribute) and t.attr == "state"]
        assert not states or path.name == "states.py", f"{path.name} writes a state itself in lines {states}"
    for package in ("tasks", "clusters", "sanqian_service"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.parent != ROOT / "tasks/engine":
                assert not WRITES.search(path.read_text()), f"{path} writes what only the engine may write"


def test_no_way_leads_out_of_an_ended_job() -> None:
    for state in ("succeeded", "failed", "lost", "cancelled"):
        with pytest.raises(IllegalMove, match="cannot go from"):
            move(HostJob(state=state), "running")
