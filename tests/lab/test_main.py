"""`python -m lab` in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.hosts import Lab

pytestmark = pytest.mark.lab


def lab_command(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    tree = Path(__file__).resolve().parents[2]
    argv = [sys.executable, "-m", "lab", *words]
    return subprocess.run(argv, cwd=tree, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def test_the_whole_life_of_a_lab(second_lab: Lab) -> None:
    name = second_lab.name
    up = lab_command("--name", name, "up", "--masters", "1", "--workers", "1", "--disks", "2")
    assert up.returncode == 0, up.stderr
    assert "worker1" in up.stdout
    assert name in lab_command("list").stdout.split()

    rows = json.loads(lab_command("status", "--name", name, "-o", "json").stdout)
    assert [(row["name"], row["state"], row["disks"]) for row in rows] == [
        ("master1", "up", []),
        ("worker1", "up", ["/dev/vdb", "/dev/vdc"]),
    ]
    assert "worker1     " in lab_command("--name", name, "status").stdout
    assert lab_command("--name", name, "config").stdout == second_lab.config_text()
    assert lab_command("--name", name, "key").stdout.strip() == str(second_lab.key_path)

    done = lab_command("--name", name, "exec", "worker1", "sh", "-c", "cat; exit 5", stdin="in")
    assert (done.returncode, done.stdout) == (5, "in")

    for command, state in (("cut", "cut"), ("heal", "up"), ("off", "off"), ("on", "up"), ("reboot", "up")):
        assert lab_command("--name", name, command, "worker1").returncode == 0
        rows = json.loads(lab_command("--name", name, "status", "-o", "json").stdout)
        assert rows[1]["state"] == state, command

    assert lab_command("--name", name, "down").returncode == 0
    assert second_lab.leftovers() == []
    assert lab_command("--name", name, "status").stdout == f"lab {name} is not up\n"


def test_errors_say_what_to_do_and_make_the_exit_code_1(second_lab: Lab) -> None:
    done = lab_command("--name", second_lab.name, "exec", "worker1", "true")
    assert done.returncode == 1
    assert done.stderr == f"lab: lab {second_lab.name} is not up\n  fix: python -m lab --name {second_lab.name} up\n"
    assert lab_command("--name", "No", "up").stderr.startswith("lab: 'No' cannot be a lab's name\n  fix: ")
