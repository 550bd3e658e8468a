"""The house rules that a program can check: lint, format, types, who imports whom, no long files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
LONGEST = 400  # lines; a longer file is two concepts
MADE = {"cli/api/types.py", "cli/api/client.py"}  # by a program, from the schema


@pytest.mark.parametrize(
    "command",
    ["ruff check .", "ruff format --check .", "mypy", "lint-imports"],
    ids=["lint", "format", "types", "imports"],
)
def test_tool_is_content(command: str) -> None:
    program, *arguments = command.split()
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=ROOT,
        env={**os.environ, "SANQIAN_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_two_concepts() -> None:
    packages = ("sanqian_service", "clusters", "tasks", "cli", "lab", "benchmarks")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    too_long = {str(path.relative_to(ROOT)): n for path in files if (n := len(path.read_text().splitlines())) > LONGEST}
    assert not too_long.keys() - MADE


def test_what_is_tracked_speaks_of_the_project_alone() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    words = ("/" + "work/", "TO" + "DO", "FIX" + "ME")
    found = []
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".lock", ".json"} or not path.is_file():
            continue
        text = path.read_text(errors="ignore")
        found += [f"{name}: {word}" for word in words if word in text]
    assert not found
