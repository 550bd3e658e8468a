from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from cli.errors import CliError
from cli.keys import one_key, paths_in, read_key, read_keys

GUIDE = """\
hosts:
  - {name: master1, internalAddress: 192.168.1.1, port: 22, user: root, privateKeyPath: "/root/.ssh/id_rsa"}
  - {name: master2, internalAddress: 192.168.1.2, port: 22, user: root, privateKeyPath: "/root/.ssh/id_rsa"}
  roleGroups:
    etcd:
    - master[1:2]
"""


def written(path: Path, how: KeySerializationEncryption, form: PrivateFormat = PrivateFormat.OpenSSH) -> Path:
    key = (
        ed25519.Ed25519PrivateKey.generate()
        if form is PrivateFormat.OpenSSH
        else ec.generate_private_key(ec.SECP256R1())
    )
    path.write_bytes(key.private_bytes(Encoding.PEM, form, how))
    return path


def no_question(question: str) -> str:
    raise AssertionError(f"asked: {question}")


def test_finds_each_path_once_with_its_line() -> None:
    assert paths_in(GUIDE) == {"/root/.ssh/id_rsa": 2}


@pytest.mark.parametrize(
    "line",
    [
        "    privateKeyPath: /a b/key # the key",
        "    privateKeyPath: '/a b/key'",
        '  - {"privateKeyPath": "/a b/key", "name": "x"}',
        "  - {name: x, privateKeyPath: /a b/key}",
        "  - {privateKeyPath: /a b/key, name: x}",
    ],
)
def test_finds_a_path_however_it_is_written(line: str) -> None:
    assert paths_in(line) == {"/a b/key": 1}


@pytest.mark.parametrize(
    "line", ["# privateKeyPath: /key", "notprivateKeyPath: /key", "privateKeyPath:", "privateKeyPath: ''"]
)
def test_finds_nothing_where_nothing_is(line: str) -> None:
    assert paths_in(line) == {}


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_reads_a_plain_key_without_a_question(tmp_path: Path, form: PrivateFormat) -> None:
    path = written(tmp_path / "key", NoEncryption(), form)

    assert read_key(path, ask=no_question) == (path.read_text(), "")


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_asks_until_the_passphrase_is_right(tmp_path: Path, form: PrivateFormat) -> None:
    path = written(tmp_path / "key", BestAvailableEncryption(b"right"), form)
    answers = iter(["", "wrong", "right"])

    assert read_key(path, ask=lambda _: next(answers))[1] == "right"


def test_three_wrong_passphrases_are_enough(tmp_path: Path) -> None:
    path = written(tmp_path / "key", BestAvailableEncryption(b"right"))

    with pytest.raises(CliError, match="3 wrong"):
        read_key(path, ask=lambda _: "wrong")


def test_takes_the_passphrase_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "key", BestAvailableEncryption(b"right"))
    monkeypatch.setenv("SANQIAN_KEY_PASSPHRASE", "right")

    assert read_key(path, ask=no_question)[1] == "right"

    monkeypatch.setenv("SANQIAN_KEY_PASSPHRASE", "wrong")
    with pytest.raises(CliError, match="SANQIAN_KEY_PASSPHRASE is wrong"):
        read_key(path, ask=no_question)


def test_says_how_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "key", BestAvailableEncryption(b"right"))
    monkeypatch.setattr("sys.stdin", (tmp_path / "key").open())

    with pytest.raises(CliError, match="set SANQIAN_KEY_PASSPHRASE, or run on a terminal"):
        read_key(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ssh-ed25519 AAAA me", "public key"),
        (b"hello", "no private key"),
        (b"\xff\xfe", "no private key"),
        (b"x" * 70_000, "too large"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "broken"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "broken"),
    ],
)
def test_says_what_is_wrong_with_a_key(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)

    with pytest.raises(CliError, match=message):
        read_key(path, ask=no_question)


def test_home_is_expanded_and_the_path_kept_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = written(tmp_path / "id", NoEncryption())

    assert read_keys("privateKeyPath: ~/id", "conf").private_keys == {"~/id": path.read_text()}


def test_names_every_missing_key_with_its_line() -> None:
    text = "privateKeyPath: /none/a\nprivateKeyPath: /none/b\n"

    with pytest.raises(CliError) as error:
        read_keys(text, "my.conf")

    assert "my.conf, line 1: privateKeyPath /none/a: there is no file" in error.value.message
    assert "my.conf, line 2: privateKeyPath /none/b" in error.value.message
    assert "--private-key" in error.value.hint


def test_one_key_instead_of_all() -> None:
    keys = one_key(GUIDE, "PEM", "right")

    assert keys.private_keys == {"/root/.ssh/id_rsa": "PEM"}
    assert keys.passphrases == {"/root/.ssh/id_rsa": "right"}
    assert one_key(GUIDE, "PEM", "").passphrases == {}
