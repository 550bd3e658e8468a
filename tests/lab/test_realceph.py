"""The recorder of a real Ceph, as far as it can be tried without Ceph's packages."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.realceph import __main__ as realceph


def test_without_the_packages_the_setup_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid():
        pytest.skip("it asks for root first")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert realceph.main(["capture", "--to", str(tmp_path / "to")]) == 1
    said = capsys.readouterr().err
    assert "ceph-mon" in said
    assert "fix: python -m lab.realceph setup" in said
    assert not (tmp_path / "to").exists()


def test_the_inner_half_does_not_run_on_the_machine_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert realceph.main(["inside", "--to", str(tmp_path), str(tmp_path)]) == 1
    assert "python -m lab.realceph capture" in capsys.readouterr().err


def test_files_of_a_killed_run_are_removed_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realceph, "FILES", tmp_path)
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"realceph-{ended.pid}", f"realceph-{os.getpid()}", "other"):
        (tmp_path / name).mkdir()
    realceph._clear_stale()
    assert {path.name for path in tmp_path.iterdir()} == {f"realceph-{os.getpid()}", "other"}
