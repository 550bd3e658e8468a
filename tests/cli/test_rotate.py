from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService


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
