from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab import system
from lab.errors import LabError


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(LabError, match=r"^sh -c echo broken >&2; exit 3 failed with 3: broken$"):
        system.run(["sh", "-c", "echo broken >&2; exit 3"])


def test_a_command_that_is_missing_names_the_fix() -> None:
    with pytest.raises(LabError, match="no-such-command is not installed\n  fix: run: python -m lab setup"):
        system.run(["no-such-command"])


def test_this_process_is_among_the_processes() -> None:
    mine = [process for process in system.processes() if process.pid == os.getpid()]
    assert [Path(process.argv[0]).name for process in mine] == [Path(sys.orig_argv[0]).name]


def test_killing_a_process_that_has_ended_is_no_error() -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    system.kill(done.pid)


def test_a_condition_that_never_holds_is_named() -> None:
    with pytest.raises(LabError, match=r"ending it: not within 0 s"):
        system.poll(lambda: False, 0, "ending it")


def test_a_locked_directory_keeps_others_out_until_its_holder_has_removed_it(tmp_path: Path) -> None:
    place = tmp_path / "a" / "lab"
    entered, order = threading.Event(), []

    def second() -> None:
        entered.set()
        with system.locked_directory(place):
            order.append("second")
            assert place.is_dir()

    with system.locked_directory(place):
        other = threading.Thread(target=second)
        other.start()
        entered.wait()
        order.append("first")
        place.rmdir()
    other.join()
    assert order == ["first", "second"]


def test_a_directory_that_others_make_and_remove_all_the_time_is_locked_in_the_end(tmp_path: Path) -> None:
    place, stop = tmp_path / "lab", threading.Event()

    def churn() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                place.mkdir()
                place.rmdir()

    others = [threading.Thread(target=churn) for _ in range(2)]
    for other in others:
        other.start()
    try:
        for _ in range(300):
            with system.locked_directory(place, shared=True):
                pass
    finally:
        stop.set()
        for other in others:
            other.join()


def test_a_file_in_the_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lab").touch()
    with pytest.raises(FileExistsError), system.locked_directory(tmp_path / "lab"):
        pass


def test_holders_may_share_a_directory(tmp_path: Path) -> None:
    with system.locked_directory(tmp_path, shared=True), system.locked_directory(tmp_path, shared=True):
        pass


def test_the_type_of_a_file_system() -> None:
    assert system.file_system_type(Path("/proc/self")) == "proc"
