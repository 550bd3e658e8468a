from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cli.conftest import Run
from tests.cli.played_service import KEY, PlayedService


def test_a_new_ssh_key_is_made_by_the_service(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")

    assert run("rotate", "ssh-key", "--host", "m1,m2", "--keep-old", "--detach").code == 0

    body = service.bodies("POST", "operations")[0]
    assert body == {"kind": "rotate-ssh-key", "params": {"hosts": ["m1", "m2"], "keep_old": True}, "dry_run": False}


def test_a_given_ssh_key_is_sent_as_a_secret(run: Run, service: PlayedService, tmp_path: Path) -> None:
    service.add_cluster("demo")
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    (tmp_path / "new").write_text(pem)

    assert run("rotate", "ssh-key", "demo", "--private-key", str(tmp_path / "new"), "--detach").code == 0

    body = service.bodies("POST", "operations")[0]
    assert (body["params"], body["secrets"]) == ({}, {"private_key": pem})


def test_a_cluster_goes_on_with_its_new_access_key(
    run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = service.add_cluster("demo")
    service.answers[f"POST clusters/{cluster['id']}/access-key"] = {"access_key": "0123456789"}
    monkeypatch.setenv("SANQIAN_NEW_ACCESS_KEY", KEY)

    assert run("rotate", "access-key", "--detach").code == 0
    assert service.bodies("POST", "access-key") == []  # it belongs to that key already
    service.keys.add("sq_another_key")
    monkeypatch.setenv("SANQIAN_NEW_ACCESS_KEY", "sq_another_key")
    result = run("rotate", "access-key", "--detach")

    assert result.code == 0
    assert "demo has the access key 0123456789 now" in result.out + result.err
    assert service.bodies("POST", "access-key") == [{"access_key": "sq_another_key"}]
    assert service.bodies("POST", "operations")[-1]["kind"] == "rotate-access-key"
    assert service.requests[-1].headers["Authorization"] == "Bearer sq_another_key"


def test_a_new_host_password_is_sent_as_a_secret(
    run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.add_cluster("demo")
    assert run("rotate", "host-password", "--host", "m1", "--detach").code == 0
    answers = iter(["Another1word", "Another1word", "Another1word", "Another2word"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    assert run("rotate", "host-password", "--ask-password", "--detach").code == 0
    differ = run("rotate", "host-password", "--ask-password", "--detach")
    assert differ.code != 0 and "The two differ" in differ.err

    made, given = service.bodies("POST", "operations")
    assert made == {"kind": "rotate-host-password", "params": {"hosts": ["m1"]}, "dry_run": False}
    assert given == {**made, "params": {}, "secrets": {"host_password": "Another1word"}}


def test_a_new_registry_password_is_sent_as_a_secret(
    run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.add_cluster("demo")
    assert run("rotate", "registry-password", "--detach").code == 0
    monkeypatch.setenv("SANQIAN_NEW_REGISTRY_PASSWORD", "Another1word")
    assert run("rotate", "registry-password", "--plan", "--detach").code == 0

    made, given = service.bodies("POST", "operations")
    assert made == {"kind": "rotate-registry-password", "params": {}, "dry_run": False}
    assert given == {**made, "dry_run": True, "secrets": {"password": "Another1word"}}
