"""Modules and faults of kk, on this machine alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.toolchain.common import faults
from lab.toolchain.kk.certs import table
from lab.toolchain.kk.config import Config, Host
from lab.toolchain.kk.pipeline import Machine, Module, Pipeline, PipelineFailed, Skip, Task
from lab.toolchain.kk.remote import File, RemoteFailed, tar_of

MASTER = Host("master1", "192.0.2.1", "192.0.2.1")
CONFIG = Config(Path("cluster.yaml"), "demo", (MASTER,), {"etcd": ("master1",), "control-plane": ("master1",)})


@pytest.fixture(autouse=True)
def struck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "STRUCK_FILE", tmp_path / "struck.json")
    monkeypatch.setattr(faults, "FAULTS_FILE", tmp_path / "faults.json")


def ask_for(monkeypatch: pytest.MonkeyPatch, **fault: object) -> None:
    monkeypatch.setenv("LAB_FAULTS", json.dumps({"faults": [fault]}))


def run(*tasks: Task) -> None:
    Pipeline("TestPipeline", CONFIG).run([Module("TestModule", tasks)])


def test_it_prints_what_kk_prints(capsys: pytest.CaptureFixture[str]) -> None:
    def skip(_machine: Machine) -> None:
        raise Skip

    run(Task("Say", lambda _machine: "hello"), Task("Leave", skip))
    said = capsys.readouterr().out
    for words in ("[TestModule] Say", "message: [LocalHost]\nhello", "success: [LocalHost]", "skipped: [LocalHost]"):
        assert words in said
    assert said.rstrip().endswith("Pipeline[TestPipeline] execute successfully")


def test_what_fails_is_named_and_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    done = []

    def fail(_machine: Machine) -> None:
        raise RemoteFailed("no room")

    with pytest.raises(PipelineFailed, match=r"Module\[TestModule\] exec failed: \nfailed: \[LocalHost\] \[Break\]"):
        run(Task("Break", fail), Task("Later", lambda _machine: done.append(1)))
    assert not done
    assert "failed: [LocalHost]" in capsys.readouterr().out


def test_a_fault_strikes_as_often_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    ask_for(monkeypatch, at="kk:TestModule", do="fail", times=1, message="as asked for")
    with pytest.raises(PipelineFailed, match="as asked for"):
        run(Task("Do"))
    run(Task("Do"))


def test_a_fault_elsewhere_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ask_for(monkeypatch, at="kk:OtherModule", do="fail")
    run(Task("Do"))


def test_unreadable_faults_are_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    ask_for(monkeypatch, at="kk:TestModule", do="fail", tiems=1)
    with pytest.raises(faults.BadFaults, match="tiems"):
        run(Task("Do"))


def test_the_same_files_make_the_same_stream() -> None:
    files = {"/etc/a": File.text("x", 0o600), "/etc/b": File(b"y")}
    assert tar_of(files) == tar_of(dict(files))


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(("A", "B"), [("wide", "x")]) == "A      B\nwide   x"
