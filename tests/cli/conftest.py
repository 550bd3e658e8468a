"""Running `3kctl` against a service that is played in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import program
from tests.cli.played_service import KEY, PlayedService, serving


@dataclass
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def service() -> Iterator[PlayedService]:
    with serving(PlayedService()) as played:
        yield played


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = ("SERVER", "ACCESS_KEY", "CONTEXT", "KEY_PASSPHRASE", "USER", "PASSWORD")
    new = ("NEW_ACCESS_KEY", "NEW_HOST_PASSWORD", "NEW_REGISTRY_PASSWORD")
    for name in (*(f"SANQIAN_{one}" for one in (*own, *new)), "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SANQIAN_CONFIG", str(tmp_path / "own" / "3kctl.toml"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def local(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command without a service."""

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as end:
            program()(list(arguments), prog_name="3kctl")
        printed = capsys.readouterr()
        return Result(int(end.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def run(service: PlayedService, local: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command against `service`, with its access key."""
    monkeypatch.setenv("SANQIAN_SERVER", service.address)
    monkeypatch.setenv("SANQIAN_ACCESS_KEY", KEY)
    return local
