"""Access keys from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.commands.keys import ending
from cli.errors import CliError
from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(prefix: str, **fields: Any) -> dict[str, Any]:
    usual = {"name": "", "scope": "admin", "active": True, "expires_at": None, "last_used_at": None}
    usual |= {"created_at": "2026-01-01T00:00:00Z", "successor": None, "clusters": 0, "current": False}
    return {"id": f"00000000-0000-0000-0000-00{prefix}", "prefix": prefix, **usual, **fields}


@pytest.fixture
def rows(service: PlayedService) -> list[dict[str, Any]]:
    rows = [
        key("aaaaaaaaaa", name="laptop", current=True, clusters=2),
        key("bbbbbbbbbb", name="console", scope="read", expires_at="2999-01-01T00:00:00Z"),
        key("cccccccccc", name="console", scope="read", active=False),
        key("dddddddddd", successor="aaaaaaaaaa", expires_at="2999-01-01T00:00:00Z"),
        key("eeeeeeeeee", expires_at="2001-01-01T00:00:00Z"),
    ]
    service.answers["GET access-keys"] = {"next": None, "results": rows}
    return rows


def test_keys_are_listed_with_their_state(run: Run, rows: list[dict[str, Any]]) -> None:
    lines = run("keys").out.splitlines()
    assert lines[0].split() == ["PREFIX", "NAME", "SCOPE", "STATE", "ENDS", "IN", "LAST", "USED", "CLUSTERS", "ID"]
    assert "aaaaaaaaaa (this)" in lines[1] and " never " in lines[1]
    words = ("active", "active", "revoked", "rotated to aaaaaaaaaa", "expired")
    assert all(word in line for word, line in zip(words, lines[1:], strict=True))
    assert run("keys", "list", "-o", "json").json() == rows


def test_a_key_is_issued_and_shown_once(run: Run, service: PlayedService) -> None:
    service.answers["POST access-keys"] = {**key("ffffffffff", scope="read"), "value": "sq_ffffffffff_whole"}
    result = run("keys", "create", "--scope", "read", "--name", "console", "--expires", "2030-12-31")
    assert "sq_ffffffffff_whole" in result.out.splitlines()
    body = service.bodies("POST", "access-keys")[0]
    assert body == {"name": "console", "scope": "read", "expires_at": "2031-01-01T00:00:00+00:00"}
    assert run("keys", "create", "--scope", "read", "-o", "json").json()["value"] == "sq_ffffffffff_whole"
    assert service.bodies("POST", "access-keys")[1] == {"name": "", "scope": "read"}
    assert run("keys", "create").code == 2


def test_the_key_in_use_is_rotated_and_what_is_left_to_do_is_said(
    run: Run, service: PlayedService, rows: list[dict[str, Any]]
) -> None:
    replaced = {"id": rows[0]["id"], "prefix": "aaaaaaaaaa", "expires_at": "2026-01-02T00:00:00Z"}
    taken = [{"id": "1", "name": "demo"}, {"id": "2", "name": "prod"}]
    answer = {**key("ffffffffff"), "value": "sq_ffffffffff_whole", "replaces": replaced, "taken_over": taken}
    service.answers[f"POST access-keys/{rows[0]['id']}/rotate"] = answer
    result = run("keys", "rotate", "--overlap", "48")
    assert result.code == 0 and service.bodies("POST", "rotate") == [{"overlap_hours": 48}]
    for said in ("sq_ffffffffff_whole", "works until 2026-01-02T00:00:00Z", "demo, prod", "3kctl rotate access-key"):
        assert said in result.out
    assert run("keys", "rotate", "--overlap", "999").code == 2


def test_keys_are_found_by_prefix_id_and_name(run: Run, service: PlayedService, rows: list[dict[str, Any]]) -> None:
    console = rows[1]
    service.answers[f"POST access-keys/{console['id']}/revoke"] = {**console, "active": False, "clusters": 2}
    for word in ("bbbbbbbbbb", console["id"], "console"):
        result = run("keys", "revoke", word)
        assert result.code == 0 and "revoked" in result.out and "2 clusters still have it" in result.err
    assert service.bodies("POST", "revoke") == [{}] * 3
    missing = run("keys", "revoke", "nobody")
    assert missing.code == 5 and "aaaaaaaaaa" in missing.err
    service.answers[f"PATCH access-keys/{rows[0]['id']}"] = {**rows[0], "scope": "read"}
    assert run("keys", "set", "--scope", "read", "--expires", "never", "--force").code == 0
    assert service.bodies("PATCH", rows[0]["id"]) == [{"scope": "read", "expires_at": None, "force": True}]
    assert run("keys", "set").code == 2


def test_ends() -> None:
    assert ending("never", NOW) is None
    assert ending("2030-12-31", NOW) == "2031-01-01T00:00:00+00:00"
    assert ending("90d", NOW) == (NOW + timedelta(days=90)).isoformat()
    for text in ("soon", "xd", "2030-13-01", "9999999999d"):
        with pytest.raises(CliError):
            ending(text, NOW)
