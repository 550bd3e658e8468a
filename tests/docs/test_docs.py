"""The documents say what the code does: generated pages, settings, commands in examples, links."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.site import SCRIPT
from tests.cli.test_help import COMMANDS, KEPT
from tests.docs.reference import GENERATED, MADE, PAGES, ROOT

NAME = re.compile(r"\bSANQIAN_[A-Z0-9_]*[A-Z0-9]\b")
# Given to scripts on hosts, or by one process to another: nobody sets them.
INNER = {f"SANQIAN_{name}" for name in ("HOST", "ADDRESS", "CLUSTER", "ROLES", "JOB", "SUPERVISED", "LAB")}
PEOPLE = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "lab").glob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    page, text = PAGES / name, MADE + GENERATED[name]()
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(text)
    assert page.read_text() == text, "write it anew: UPDATE_DOCS=1 pytest tests/docs"


def test_each_setting_is_in_the_reference_and_each_there_is_a_setting() -> None:
    files = [
        path for room in ("sanqian_service", "clusters", "tasks", "cli", "lab") for path in (ROOT / room).rglob("*.py")
    ]
    used = {name for path in files for name in NAME.findall(path.read_text())} - INNER
    used |= set(NAME.findall((ROOT / "docker-compose.yml").read_text()))
    told = set(NAME.findall((PAGES / "settings.md").read_text()))
    assert used - told == set(), "settings that README.md does not tell of"
    of_tests = {name for path in (ROOT / "tests").rglob("*.py") for name in NAME.findall(path.read_text())}
    assert told - used - of_tests == set(), "settings that nothing reads"
    chinese = set(NAME.findall((ROOT / "README.zh-CN.md").read_text()))
    assert told - chinese == set(), "settings that README.zh-CN.md does not tell of"


def test_each_default_is_the_one_in_the_code() -> None:
    told = dict(re.findall(r"^\| `(SANQIAN_\w+)` \| ([^|]+) \|", (PAGES / "settings.md").read_text(), re.MULTILINE))
    seen = 0
    for node in ast.walk(ast.parse((ROOT / "sanqian_service/settings.py").read_text())):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        default = next((one.value for one in node.keywords if one.arg == "default"), None)
        name = node.args[0].value
        if isinstance(default, ast.Constant) and isinstance(name, str) and name in told:
            value = default.value
            shown = str(int(value)) if isinstance(value, bool | float | int) else str(value) or "none"
            assert shown in told[name], f"{name}: {shown}, told: {told[name]}"
            seen += 1
    assert seen > 10


def used_in(page: Path) -> list[str]:
    """The command lines of `3kctl` in a page's blocks."""
    blocks = re.findall(r"^( *)```(?:console|sh)\n(.*?)^\1```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.strip() for _, block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [
        found for line in lines for found in re.findall(r"(?:^\$ |\$\(|; |&& )(?:\.venv/bin/)?3kctl ([^#;|)]*)", line)
    ]


@pytest.mark.parametrize("page", PEOPLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_use_commands_and_options_that_there_are(page: Path) -> None:
    for line in used_in(page):
        words = line.split()
        verb = next((" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in COMMANDS), "")
        assert verb, f"3kctl {line}"
        known = (KEPT / f"{verb.replace(' ', '-')}.txt").read_text() + (KEPT / "3kctl.txt").read_text()
        if verb == "up" and "--manage" in words:
            continue
        for option in (word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)):
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", known), f"3kctl {verb} has no {option}"


def test_each_command_is_explained() -> None:
    text, groups = (ROOT / "docs/cli.md").read_text(), {command.rpartition(" ")[0] for command in COMMANDS}
    verbs = [command for command in COMMANDS if command not in groups]
    assert not [verb for verb in verbs if not re.search(rf"`(?:3kctl )?{re.escape(verb)}[ `]", text)]


def anchors(page: Path) -> set[str]:
    """The ids of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"^( *)```.*?^\1```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "").lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PEOPLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^( *)```.*?^\1```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for found in LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        target = found[0] or found[1]
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{target} leads nowhere"
        if anchor and to.suffix == ".md":
            assert anchor in anchors(to), f"{target}: no such heading"


def test_the_site_is_built_strictly_and_asks_nobody_else(tmp_path: Path) -> None:
    """Not for mermaid either: pages with diagrams bring it before the theme's script, which takes what is there."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    build = [sys.executable, "-m", "scripts.site", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "var/site").rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        asked = re.findall(
            r"<(?:script|img|link rel=\"stylesheet\")[^>]*(?:src|href)=\"(https?:[^\"]*)", page.read_text()
        )
        assert not asked, f"{page}: {asked}"
    drawn = [page for page in pages if 'class="mermaid"' in page.read_text()]
    assert {page.parent.name for page in drawn} >= {"architecture", "security"}
    for page in drawn:
        first, second = re.findall(r'<script src="([^"]*javascripts/[^"]*)"', page.read_text())
        assert (page.parent / first).resolve() == tmp_path / "var/site" / SCRIPT and "bundle" in second
    # What the theme's script fetches it from where there is none; and by what it asks whether there is one.
    theme = next((tmp_path / "var/site/assets/javascripts").glob("bundle.*.js")).read_text()
    assert re.search(r'typeof mermaid=="undefined".{0,60}https://unpkg\.com/mermaid', theme)
    listed = {path.strip() for path in re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text())}
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert there == listed, "pages that no menu leads to, or that are not there"
