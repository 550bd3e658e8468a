from __future__ import annotations

from pathlib import Path

import pytest

from cli.errors import Problem
from tests.cli.conftest import Run
from tests.cli.played_service import KEY, PlayedService


@pytest.mark.parametrize(
    ("status", "slug", "code"),
    [
        (400, "invalid", 3),
        (401, "not-authenticated", 3),
        (403, "limit-reached", 3),
        (404, "not-found", 5),
        (409, "busy", 6),
        (409, "name-taken", 3),
        (429, "throttled", 3),
        (500, "", 4),
        (503, "unavailable", 4),
    ],
)
def test_exit_code_of_each_problem(status: int, slug: str, code: int) -> None:
    assert Problem(status, {"type": f"/problems/{slug}"}).code == code


def test_a_problem_is_shown_with_field_line_and_hint(run: Run, service: PlayedService) -> None:
    problem = {
        "type": "/problems/invalid-configuration",
        "title": "The configuration is invalid.",
        "status": 400,
        "detail": "2 errors.",
        "hint": "Correct the file.",
        "errors": [
            {"field": "hosts[2].address", "message": "taken by m1", "hint": "Change it.", "line": 4, "column": 9}
        ],
        "findings": [
            {"level": "error", "path": "roleGroups.etcd", "line": 8, "message": "unknown host", "fix": "Add it."}
        ],
    }
    service.once["GET clusters"] = [(400, {"Content-Type": "application/problem+json"}, problem)]

    result = run("clusters")

    assert result.code == 3
    assert result.out == ""
    assert result.err.splitlines() == [
        "error: 2 errors.",
        "  hosts[2].address, line 4, column 9: taken by m1",
        "    fix: Change it.",
        "  error: roleGroups.etcd, line 8: unknown host",
        "    fix: Add it.",
        "fix: Correct the file.",
    ]


def test_a_wrong_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("clusters", "--access-key", "sq_wrong")

    assert result.code == 3
    assert "The access key is not known." in result.err
    assert "sq_wrong" not in result.err


def test_no_key(local: Run) -> None:
    result = local("clusters")

    assert result.code == 2
    assert "SANQIAN_ACCESS_KEY" in result.err


def test_no_service(local: Run) -> None:
    result = local("clusters", "--server", "http://127.0.0.1:1", "--access-key", KEY, "-o", "json")

    assert result.code == 4
    assert "3kctl up" in result.err
    assert "--server" in result.err
    assert result.json()["error"]["type"] == "/problems/cli-unreachable"


@pytest.mark.parametrize("server", ["127.0.0.1:8300", "ftp://host", "http://"])
def test_no_address(local: Run, server: str) -> None:
    result = local("clusters", "--server", server, "--access-key", KEY)

    assert result.code == 2
    assert "with its scheme" in result.err


@pytest.mark.parametrize("answer", [(502, {"Retry-After": "99"}, "<html>"), (500, {}, [1])])
def test_an_answer_of_something_else(
    run: Run, service: PlayedService, answer: tuple[int, dict[str, str], object]
) -> None:
    service.once["GET clusters"] = [answer]

    result = run("clusters")

    assert result.code == 4
    assert "without an explanation" in result.err


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "all"],
        ["deploy", "install", "everything"],
        ["deploy", "install", "kubernetes", "--software", "kruise"],
        ["deploy", "install", "ceph", "--set", "novalue"],
        ["follow", "--timeout", "soon"],
        ["clusters", "-o", "xml"],
        ["unknown"],
    ],
)
def test_wrong_usage(run: Run, words: list[str]) -> None:
    result = run(*words)

    assert result.code == 2
    assert result.out == ""
    assert result.err


def test_a_key_sent_in_the_clear_is_warned_about(local: Run) -> None:
    result = local("clusters", "--server", "http://localhost.invalid", "--access-key", KEY)

    assert result.code == 4
    assert "not encrypted" in result.err


def test_a_missing_private_key_is_found_before_anything_is_sent(
    run: Run, service: PlayedService, tmp_path: Path
) -> None:
    path = tmp_path / "a.conf"
    path.write_text("hosts:\n- {name: a, privateKeyPath: /none/id}\n")

    result = run("deploy", "all", "-f", str(path))

    assert result.code == 2
    assert f"{path}, line 2: privateKeyPath /none/id: there is no file /none/id on this machine." in result.err
    assert not service.requests
