from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import OPERATOR, PlayedService

SEEN: dict[str, Any] = {
    "at": "2026-01-01T00:00:00Z",
    "broker": True,
    "queues": [
        {"name": "control", "depth": 0, "oldest_seconds": None},
        {"name": "provision", "depth": 12, "oldest_seconds": 75.2},
    ],
    "workers": [
        {"name": "w@h", "alive": True, "pid": 7, "concurrency": 8, "active": 3, "steps": 3, "operations": 2},
        {"name": "h:9", "alive": False, "pid": 9, "concurrency": None, "active": None, "steps": 1, "operations": 1},
    ],
    "operations": {"queued": 0, "running": 2},
    "waiting": 4,
    "overdue": 1,
    "oldest_seconds": 31.0,
    "access_keys": [{"access_key": "8b4ac51bdc", "customer": "First", "operations": 2, "driven": 4}],
}
UNKNOWN = {
    "broker": False,
    "queues": [{"name": "control", "depth": None, "oldest_seconds": None}],
    "workers": [{"name": "h:9", "alive": None, "pid": 9, "concurrency": None, "active": None, "steps": 1,
                 "operations": 1}],
}  # fmt: skip


@pytest.fixture
def operator(service: PlayedService, monkeypatch: pytest.MonkeyPatch) -> PlayedService:
    monkeypatch.setenv("SANQIAN_SERVER", service.address)
    monkeypatch.setenv("SANQIAN_PASSWORD", OPERATOR[1])
    service.answers["GET fleet"] = SEEN
    return service


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_it_needs_no_access_key(local: Run, operator: PlayedService) -> None:
    result = local("fleet", "--user", OPERATOR[0])

    assert result.code == 0
    found = rows(result.out)
    assert ["provision", "12", "1m15s"] in found
    assert ["w@h", "yes", "7", "8", "3", "3", "2"] in found
    assert ["h:9", "no", "9", "-", "-", "1", "1"] in found
    assert ["First", "8b4ac51bdc", "2", "4"] in found
    assert "operations: 2 running" in result.out
    assert "steps: 4 waiting, oldest 31s, 1 overdue" in result.out
    assert local("fleet", "--user", OPERATOR[0], "-o", "json").json() == SEEN


def test_a_broker_that_is_away(local: Run, operator: PlayedService) -> None:
    operator.answers["GET fleet"] = {**SEEN, **UNKNOWN}
    result = local("fleet", "--user", OPERATOR[0])
    assert "The broker does not answer" in result.out
    assert ["control", "unknown", "-"] in rows(result.out)
    assert ["h:9", "unknown", "9", "-", "-", "1", "1"] in rows(result.out)


def test_a_wrong_password(local: Run, operator: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANQIAN_PASSWORD", "another")
    assert local("fleet", "--user", OPERATOR[0]).code == 3


def test_a_password_is_asked_for_on_a_terminal_only(
    local: Run, operator: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SANQIAN_PASSWORD")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    refused = local("fleet")
    assert refused.code == 2
    assert "SANQIAN_PASSWORD" in refused.err

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: OPERATOR[1])
    assert local("fleet", "--user", OPERATOR[0]).code == 0
