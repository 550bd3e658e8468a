"""`deploy install ceph-csi-cephfs`: which Ceph, and how its key travels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService
from tests.cli.test_deploy import DONE, GOOD

KEY = "AQBSdFhcAAAAABAAbGFiIGV4YW1wbGUga2V5IQ=="
FSID = "6f0a3c1e-11f0-4b2c-9d5e-0242ac120002"
ASKED = (
    "deploy",
    "install",
    "ceph-csi-cephfs",
    "--fsid",
    FSID,
    "--monitor",
    "10.0.9.1,10.0.9.2",
    "--monitor",
    "10.0.9.3",
)
PARAMS = {"cluster_id": FSID, "monitors": ["10.0.9.1", "10.0.9.2", "10.0.9.3"], "filesystem": "fs", "user": "csi"}


@pytest.fixture(autouse=True)
def cluster(service: PlayedService, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("SANQIAN_CEPH_KEY", raising=False)
    service.events, service.final = GOOD, DONE
    return str(service.add_cluster("demo")["id"])


def test_the_key_is_stored_before_the_operation_which_does_not_hold_it(
    run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANQIAN_CEPH_KEY", KEY)
    result = run(*ASKED, "--filesystem", "fs", "--ceph-user", "csi", "--not-default", "--plan")
    assert result.code == 0, result.err
    assert service.bodies("PATCH", "") == [{"ceph_key": KEY}]
    (asked,) = service.bodies("POST", "operations")
    assert asked == {"kind": "ceph-csi-cephfs", "params": {**PARAMS, "make_default": False}, "dry_run": True}
    assert KEY not in result.out + result.err


def test_a_keyring_is_read_and_the_stored_key_is_used_without_one(
    run: Run, service: PlayedService, tmp_path: Path
) -> None:
    keyring = tmp_path / "keyring"
    keyring.write_text(f'[client.csi]\n\tkey = {KEY}\n\tcaps mon = "allow r"\n')
    assert run(*ASKED, "--key-file", str(keyring)).code == 0
    assert run(*ASKED).code == 0
    assert service.bodies("PATCH", "") == [{"ceph_key": KEY}]
    assert len(service.bodies("POST", "operations")) == 2


def test_what_cannot_be_a_key_file_or_belongs_elsewhere_is_refused(
    run: Run, service: PlayedService, tmp_path: Path
) -> None:
    two = tmp_path / "two"
    two.write_text(f"{KEY} {KEY}")
    refused = run(*ASKED, "--key-file", str(two))
    assert refused.code == 2 and "holds 2 keys" in refused.err and KEY not in refused.err
    assert run(*ASKED, "--key-file", str(tmp_path / "none")).code == 2
    elsewhere = run("deploy", "install", "ceph", "--monitor", "10.0.9.1")
    assert elsewhere.code == 2 and "--monitor goes with" in elsewhere.err
    assert not service.bodies("POST", "operations")
