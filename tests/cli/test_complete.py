"""What the shells offer, asked as they ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.config import Config, Context
from tests.cli.conftest import Run
from tests.cli.played_service import KEY, PlayedService

Offered = Callable[[str], list[str]]
FIRST = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def offered(run: Run, monkeypatch: pytest.MonkeyPatch) -> Offered:
    def ask(line: str) -> list[str]:
        """The words for the end of the line, as bash gets them."""
        words = line.split(" ")
        monkeypatch.setenv("_3KCTL_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        result = run()
        assert result.err == ""
        return result.out.split()

    return ask


@pytest.fixture
def filled(service: PlayedService) -> PlayedService:
    demo = service.add_cluster("demo")
    service.add_cluster("dell")
    service.add_cluster("gone", state="removed")
    service.add_operation(demo, id=FIRST)
    service.nodes = [{"name": "m1", "role_groups": ["etcd"]}, {"name": "w1", "role_groups": []}]
    service.answers["GET operation-kinds"] = [{"kind": "install", "title": "Install"}]
    service.answers["GET components"] = [{"name": "kruise", "kind": "helm"}]
    return service


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("3kctl sta", ["status"]),
        ("3kctl status d", ["demo", "dell"]),
        ("3kctl deploy push images de", ["demo", "dell"]),
        ("3kctl deploy push i", ["images"]),
        ("3kctl logs 0000", [FIRST]),
        ("3kctl logs d", ["demo", "dell"]),
        ("3kctl logs demo --host w", ["w1"]),
        ("3kctl deploy delete node w1 dem", ["demo"]),
        ("3kctl rotate ssh-key demo --host ", ["m1", "w1"]),
        ("3kctl ops --kind i", ["install"]),
        ("3kctl ops --state c", ["cancelling", "cancelled"]),
        ("3kctl deploy install operators --software k", ["kruise"]),
        ("3kctl clusters show --conte", ["--context"]),
        ("3kctl --context h", ["here"]),
        ("3kctl context use ", ["here"]),
    ],
)
def test_names_are_offered(offered: Offered, filled: PlayedService, line: str, words: list[str]) -> None:
    Config(Path(os.environ["SANQIAN_CONFIG"]), "", {"here": Context(filled.address, KEY)}).save()

    assert offered(line) == words


def test_the_context_that_was_typed_is_asked(
    offered: Offered, filled: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANQIAN_SERVER", "http://127.0.0.1:1")
    Config(Path(os.environ["SANQIAN_CONFIG"]), "", {"here": Context(filled.address, KEY)}).save()

    assert offered("3kctl --context here status de") == ["demo", "dell"]
    assert offered("3kctl status --context here de") == ["demo", "dell"]


@pytest.mark.parametrize("fault", ["away", "wrong key", "broken answer", "broken file"])
def test_nothing_is_said_when_it_fails(
    offered: Offered, filled: PlayedService, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "away":
        monkeypatch.setenv("SANQIAN_SERVER", "http://127.0.0.1:1")
    elif fault == "wrong key":
        filled.keys = {"sq_another_key"}
    elif fault == "broken answer":
        filled.answers["GET clusters"] = {"something": "else"}
    else:
        path = Path(os.environ["SANQIAN_CONFIG"])
        path.parent.mkdir()
        path.write_text("no")

    assert offered("3kctl status de") == []


def test_each_shell_has_its_script(local: Run) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_3KCTL_COMPLETE" in local("completion", shell).out
    assert local("completion", "csh").code == 2


def test_bash_completes_with_the_script(local: Run, filled: PlayedService, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash, "bash is part of every Debian"
    script = tmp_path / "completion"
    script.write_text(local("completion", "bash").out)
    ask = (
        f"source {script}; COMP_WORDS=(3kctl status de); COMP_CWORD=2; "
        f"_3kctl_completion {Path(sys.executable).parent / '3kctl'}; echo ${{COMPREPLY[*]}}"
    )
    environment = {**os.environ, "SANQIAN_SERVER": filled.address, "SANQIAN_ACCESS_KEY": KEY}

    done = subprocess.run(
        [bash, "--norc", "-c", ask], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stdout.split() == ["demo", "dell"], done.stderr
    assert done.stderr == ""
