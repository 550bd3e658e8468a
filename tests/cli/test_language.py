"""Chinese where the locale says so: nothing of ours is left untranslated, and the catalog is the one that is read."""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from cli.help import fold
from cli.language import language, tr
from cli.main import main
from scripts.cli_messages import MO, read, texts
from scripts.messages import compiled
from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService

CLI = Path(__file__).resolve().parents[2] / "cli"
PLACE = re.compile(r"\{[^}]*\}")
# What is no text for people: it is read by programs, or is the command line's own.
NO_TEXT = {"Bearer {}", "PRIVATE KEY-----", "BEGIN OPENSSH", "bold red", "3kctl {}", " --host {}", "would change"}
COMMAND = re.compile(r"(3kctl|chmod) ")
PHRASE = re.compile(r"[A-Za-z]{2,} +[A-Za-z{(]|[a-z]{2,} \{|\} [a-z]{2,}|[a-z]: ")
MARKED = {"tr", "N_", "Option", "Argument", "Typer", "AssertionError", "compile", "RuntimeError"}


def test_the_catalog_is_complete_and_compiled() -> None:
    catalog = read()
    known = {message.id: message.string for message in catalog if message.id}

    assert set(known) == texts(), "run `make messages`, and translate what is new"
    assert [text for text, chinese in known.items() if not chinese] == []
    assert MO.read_bytes() == compiled(catalog), "run `make messages`"
    for text, chinese in known.items():
        assert sorted(PLACE.findall(str(text))) == sorted(PLACE.findall(str(chinese))), text


def phrases(path: Path) -> Iterator[tuple[int, str]]:
    """Texts in the source that look like words for people and are not marked for translation."""
    tree = ast.parse(path.read_text())
    known: set[ast.AST] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            known.add(body[0].value)  # a docstring; those of commands are in the help
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in MARKED:
                known.update(ast.walk(node))
    for node in ast.walk(tree):
        if node in known:
            continue
        if isinstance(node, ast.JoinedStr):
            known.update(node.values)
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if PHRASE.search(text) and text not in NO_TEXT and not COMMAND.match(text):
            yield node.lineno, text


def test_no_text_for_people_is_outside_the_catalog() -> None:
    found = [
        (path.name, *phrase) for path in CLI.rglob("*.py") if path.parent.name != "api" for phrase in phrases(path)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:zh_CN:en"}, "zh"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_locale_chooses(environment: dict[str, str], word: str) -> None:
    assert language(environment) == word


def test_messages_and_tables_are_chinese(run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    service.add_cluster("demo")

    assert run("clusters").out.split()[:3] == ["名称", "状态", "主机"]
    unknown = run("nodes", "dmeo")
    assert unknown.err.splitlines() == ["错误：你没有集群 dmeo。", "解决办法：你是不是想输入 demo？"]
    assert "名称或 ID；只有一个集群时可以省略。" in run("status", "--help").out
    assert "没有命令" in run("nonsense").err
    assert tr("no {such} text", such="x") == "no x text"


def test_a_terminal_that_cannot_show_it_gets_english(
    service: PlayedService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("LANGUAGE", "")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["3kctl", "--help"])

    with pytest.raises(SystemExit):
        main()

    stream.seek(0)
    assert stream.read().startswith("Usage: 3kctl")


def test_lines_are_cut_between_letters_but_not_before_a_stop() -> None:
    text = "观看一个操作，直到结束。Ctrl-C 停止观看 `3kctl follow ID`。"
    lines = fold(text, 14)

    assert all(cell_len(line) <= 16 for line in lines)
    assert not any(line[0] in "，。" for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
