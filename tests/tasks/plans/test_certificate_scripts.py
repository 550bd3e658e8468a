"""Certificates signed anew by the scripts, with a real openssl."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.toolchain.common import pki
from tasks.plans.scripting import FILES

HEAD = f"{FILES['common']}\n{FILES['signing']}\n"


def run(directory: Path, script: str, days: int = 30) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "ARTIFACT": "/nonexistent", "SSL": str(directory), "DAYS": str(days)}
    words = ["sh", "-eu", "-c", HEAD + script]
    return subprocess.run(words, env={**env, "SANQIAN_HOST": "m1"}, capture_output=True, text=True, timeout=30)


def said(path: Path, *what: str) -> str:
    done = subprocess.run(["openssl", "x509", "-noout", *what, "-in", path], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def ssl(tmp_path: Path) -> Path:
    """An authority, a member's certificate that ends in ten days, and one that lasts."""
    ca = (tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    pki.authority(*ca, "etcd-ca")
    for name, days in (("member-m1", 10), ("admin-m1", 400)):
        key = tmp_path / f"{name}-key.pem"
        pki.leaf(tmp_path / f"{name}.pem", key, ca, f"etcd-{name}", hosts=["m1", "10.0.0.1", "fd00::1"], days=days)
    return tmp_path


def test_what_ends_is_signed_anew_with_its_key_and_names(ssl: Path) -> None:
    leaf, other = ssl / "member-m1.pem", ssl / "admin-m1.pem"
    leaf.chmod(0o640)
    same = ("-subject", "-pubkey", "-ext", "subjectAltName,extendedKeyUsage")
    before, lasting = said(leaf, *same), other.read_text()
    assert run(ssl, "ending").stdout.split() == [str(leaf)]

    done = run(ssl, "sign_ending")

    assert done.returncode == 0, done.stderr
    assert said(leaf, *same) == before
    assert other.read_text() == lasting
    assert leaf.stat().st_mode & 0o777 == 0o640
    assert (ssl / "member-m1.pem.before").exists()
    assert run(ssl, "ending", days=360).stdout == ""
    subprocess.run(["openssl", "verify", "-CAfile", ssl / "ca.pem", leaf], check=True, capture_output=True)


def test_an_authority_that_ends_is_signed_anew_and_old_and_new_trust_each_other(ssl: Path) -> None:
    old, leaf = ssl / "old.crt", ssl / "member-m1.pem"
    short = ["-signkey", ssl / "ca-key.pem", "-days", "20", "-set_serial", "7", "-out", ssl / "short"]
    subprocess.run(["openssl", "x509", "-in", ssl / "ca.pem", *short], check=True, capture_output=True)
    (ssl / "short").rename(ssl / "ca.pem")
    old.write_bytes((ssl / "ca.pem").read_bytes())

    done = run(ssl, "sign_ending")

    assert done.returncode == 0, done.stderr
    assert said(old, "-subject", "-pubkey") == said(ssl / "ca.pem", "-subject", "-pubkey")
    assert "CA:TRUE" in said(ssl / "ca.pem", "-ext", "basicConstraints")
    for authority in (old, ssl / "ca.pem"):
        subprocess.run(["openssl", "verify", "-CAfile", authority, leaf], check=True, capture_output=True)
    assert run(ssl, "holds $SSL/ca.pem 3600 && holds $SSL/member-m1.pem 3600").returncode == 0


def test_no_certificate_outlives_its_authority(ssl: Path) -> None:
    short = ["-signkey", ssl / "ca-key.pem", "-days", "100", "-set_serial", "7", "-out", ssl / "short"]
    subprocess.run(["openssl", "x509", "-in", ssl / "ca.pem", *short], check=True, capture_output=True)
    (ssl / "short").rename(ssl / "ca.pem")
    assert run(ssl, "sign_ending").returncode == 0
    assert run(ssl, "holds $SSL/member-m1.pem 98 && ! holds $SSL/member-m1.pem 101").returncode == 0


def test_without_the_authoritys_key_nothing_is_replaced(ssl: Path) -> None:
    (ssl / "ca-key.pem").unlink()
    before = (ssl / "member-m1.pem").read_text()
    done = run(ssl, "sign_ending")
    assert done.returncode == 1
    assert "ca-key.pem does not exist on m1" in done.stderr
    assert (ssl / "member-m1.pem").read_text() == before


def test_another_authoritys_key_is_noticed(ssl: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    pki.authority(other / "ca.pem", other / "ca-key.pem", "etcd-ca")
    (other / "ca-key.pem").rename(ssl / "ca-key.pem")
    before = (ssl / "member-m1.pem").read_text()
    assert run(ssl, "sign_ending").returncode != 0
    assert (ssl / "member-m1.pem").read_text() == before
