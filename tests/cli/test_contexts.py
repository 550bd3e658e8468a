"""`login`, `context`, and who wins: flags, then the environment, then the file."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.config import Config, Context, load
from cli.errors import CliError
from cli.target import resolve
from tests.cli.conftest import Run
from tests.cli.played_service import KEY, PlayedService, serving

WHO = {"access_key": {"prefix": "8b4ac51bdc"}, "customer": {"name": "First"}, "version": "9.9"}
LONG = "sq_8b4ac51bdc_" + "x" * 40


@pytest.fixture
def path() -> Path:
    return Path(os.environ["SANQIAN_CONFIG"])


@pytest.fixture
def other() -> Iterator[PlayedService]:
    with serving(PlayedService(keys={"sq_another_key"})) as played:
        yield played


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_login_proves_the_key_and_keeps_it_for_its_owner(
    local: Run, service: PlayedService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answers["GET whoami"] = WHO
    service.add_cluster("demo")
    typed(monkeypatch, f"{KEY}\n")

    result = local("login", "here", "--server", service.address)

    assert result.code == 0
    assert f"Logged in to {service.address} as First" in result.out
    assert KEY not in result.out + result.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load(path).contexts == {"here": Context(service.address, KEY)}
    assert "demo" in local("clusters").out  # with nothing in the environment


def test_login_asks_on_a_terminal(
    local: Run, service: PlayedService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answers["GET whoami"] = WHO
    typed(monkeypatch, f"{service.address}/\n")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    questions: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda question: questions.append(question) or KEY)

    assert local("login").code == 0

    assert questions == [f"Access key for {service.address}: "]
    assert load(path).contexts == {"127.0.0.1": Context(service.address, KEY)}


def test_a_key_that_is_not_taken_is_not_kept(
    local: Run, service: PlayedService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "sq_wrong\n")
    assert local("login", "--server", service.address).code == 3
    typed(monkeypatch, "\n")
    assert local("login", "--server", service.address).code == 2
    assert not path.exists()


def test_a_name_is_not_taken_over_by_another_service(
    local: Run, service: PlayedService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Config(path, "here", {"here": Context("https://elsewhere.invalid", LONG)}).save()
    typed(monkeypatch, KEY)

    result = local("login", "here", "--server", service.address)

    assert result.code == 2
    assert "is for https://elsewhere.invalid already" in result.err
    assert not service.requests


def test_contexts_are_listed_used_renamed_and_deleted(local: Run, path: Path) -> None:
    Config(path, "a", {"a": Context("https://a.invalid", LONG), "b": Context("https://b.invalid", LONG)}).save()

    assert [one["used"] for one in local("context", "list", "-o", "json").json()] == [True, False]
    assert local("context", "use", "b").code == 0
    assert local("context", "rename", "b", "main").code == 0
    listed = local("context", "list").out
    assert [line.split() for line in listed.splitlines()][2] == ["*", "main", "https://b.invalid", "sq_8b4ac51bdc"]
    shown = local("context", "show", "-o", "json").json()
    assert (shown["server"], shown["server_from"], shown["access_key"]) == (
        "https://b.invalid",
        "context main",
        "sq_8b4ac51bdc",
    )
    assert "context use a" in local("context", "delete", "main").out
    assert load(path).current == ""
    assert local("context", "use", "main").code == 5
    assert local("context", "rename", "a", "no name").code == 2
    assert LONG not in listed + local("context", "list", "-o", "yaml").out


def test_a_file_that_others_could_read_is_closed_and_said(local: Run, path: Path) -> None:
    Config(path, "", {"a": Context("https://a.invalid", LONG)}).save()
    path.chmod(0o644)

    result = local("context", "list", "-o", "json")

    assert "could be read by others" in result.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert local("context", "list").err == ""


def test_a_file_of_another_user_is_refused(local: Run, path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    Config(path, "", {"a": Context("https://a.invalid", LONG)}).save()
    os.chown(path, 65534, 65534)

    result = local("context", "list")

    assert result.code == 2
    assert "belongs to another user" in result.err


@pytest.mark.parametrize(
    "text", ["current = ", "contexts = 3", '[contexts.a]\nserver = "x"', "current = 3", '[contexts]\na = "b"']
)
def test_a_broken_file_is_named(local: Run, path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o600)

    result = local("clusters")

    assert result.code == 2
    assert str(path) in result.err


def test_flags_before_the_environment_before_the_file(path: Path) -> None:
    config = Config(path, "a", {"a": Context("https://a", "ka"), "b": Context("https://b/", "kb")})
    env = {"SANQIAN_SERVER": "https://e", "SANQIAN_ACCESS_KEY": "ke"}

    def got(environment: dict[str, str], **flags: str) -> tuple[str, str]:
        target = resolve(config, environment, **flags)
        return target.server, target.access_key

    assert got({}) == ("https://a", "ka")
    assert got({"SANQIAN_CONTEXT": "b"}) == ("https://b/", "kb")
    assert got(env) == ("https://e", "ke")
    assert got(env, server="https://f", access_key="kf") == ("https://f", "kf")
    assert got(env, context="b") == ("https://b/", "kb")
    assert got({**env, "SANQIAN_CONTEXT": "b"}) == ("https://e", "ke")
    assert got({}, server="https://b", context="b") == ("https://b", "kb")
    assert resolve(Config(path), {}).server == "http://127.0.0.1:8300"
    with pytest.raises(CliError):
        resolve(config, {"SANQIAN_CONTEXT": "c"})


def test_a_stored_key_is_sent_to_its_own_service_alone(local: Run, service: PlayedService, path: Path) -> None:
    Config(path, "a", {"a": Context("https://a.invalid", KEY)}).save()

    result = local("clusters", "--server", service.address)

    assert result.code == 2
    assert "not sent to" in result.err
    assert not service.requests


def test_a_context_is_named_before_or_after_the_verb(
    run: Run, service: PlayedService, other: PlayedService, path: Path
) -> None:
    other.add_cluster("elsewhere")
    Config(path, "", {"other": Context(other.address, "sq_another_key")}).save()

    assert "elsewhere" in run("clusters", "--context", "other").out
    assert "elsewhere" in run("--context", "other", "clusters").out
    assert not service.requests
