"""The help of every command is kept word for word. UPDATE_HELP=1 writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.errors import EXIT_CODES
from tests.cli.conftest import Run

KEPT = Path(__file__).parent / "help"
CHINESE = Path(__file__).parent / "help-zh.txt"
COMMANDS = [
    "",
    "up",
    "login",
    "context",
    "context list",
    "context use",
    "context show",
    "context rename",
    "context delete",
    "completion",
    "deploy",
    "deploy all",
    "deploy install",
    "deploy expand",
    "deploy remove-osd",
    "deploy init",
    "deploy push",
    "deploy preflight",
    "deploy renew",
    "deploy upgrade",
    "deploy rollback",
    "deploy add",
    "deploy delete",
    "deploy uninstall",
    "plan",
    "clusters",
    "clusters list",
    "clusters show",
    "clusters set",
    "clusters delete",
    "register",
    "import",
    "validate",
    "export",
    "kubeconfig",
    "doctor",
    "events",
    "status",
    "health",
    "nodes",
    "pods",
    "components",
    "ceph",
    "ceph status",
    "certificates",
    "drift",
    "backup",
    "backups",
    "restore",
    "rotate",
    "rotate ssh-key",
    "rotate host-password",
    "rotate access-key",
    "rotate registry-password",
    "keys",
    "keys list",
    "keys create",
    "keys set",
    "keys rotate",
    "keys revoke",
    "ops",
    "follow",
    "logs",
    "cancel",
    "retry",
    "webhooks",
    "webhooks list",
    "webhooks add",
    "webhooks show",
    "webhooks set",
    "webhooks delete",
    "webhooks ping",
    "webhooks deliveries",
    "webhooks replay",
    "webhooks rotate-secret",
    "webhooks types",
    "fleet",
    "version",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(local: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    result = local(*command.split(), "--help")
    kept = KEPT / f"{command.replace(' ', '-') or '3kctl'}.txt"
    if os.environ.get("UPDATE_HELP"):
        kept.write_text(result.out)

    assert result.code == 0
    assert result.out == kept.read_text()


def test_the_top_help_in_chinese(local: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    out = local("--help").out
    if os.environ.get("UPDATE_HELP"):
        CHINESE.write_text(out)

    assert out == CHINESE.read_text()


def test_the_exit_codes_are_in_the_help(local: Run) -> None:
    out = local("--help").out

    for code, meaning in EXIT_CODES.items():
        assert f"{code:<4} {meaning}" in out


def test_every_command_is_kept() -> None:
    assert {path.stem for path in KEPT.glob("*.txt")} == {name.replace(" ", "-") or "3kctl" for name in COMMANDS}
