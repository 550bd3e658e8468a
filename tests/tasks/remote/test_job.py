"""Detached jobs: started once, followed byte by byte."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tasks.remote import Pool, Remote, errors, job
from tests.tasks.remote.following import alive, keeper, read_all
from tests.tasks.remote.servers import Sshd, arguments, children, until

pytestmark = pytest.mark.lab


def test_start_follow_exit(remote: Remote, jobs: str) -> None:
    started = job.start(remote, "one", "echo out; echo err >&2; exit 9", root=jobs)
    progress, data = read_all(remote, "one", jobs)
    assert started.created
    assert started.boot_id == progress.boot_id
    assert (progress.state, progress.exit_code, data, progress.log) == ("exited", 9, b"out\nerr\n", "whole")


def test_directory_and_files_are_private(remote: Remote, jobs: str) -> None:
    job.start(remote, "one", "true", env={"A": "b"}, root=jobs)
    read_all(remote, "one", jobs)
    assert Path(jobs).stat().st_mode & 0o777 == 0o700
    assert (Path(jobs) / "one").stat().st_mode & 0o777 == 0o700
    assert all(
        f.stat(follow_symlinks=False).st_mode & 0o077 == 0 for f in (Path(jobs) / "one").iterdir() if not f.is_symlink()
    )


def test_environment_arrives_and_its_file_goes(remote: Remote, jobs: str, tmp_path: Path) -> None:
    value = 'it\'s $a "secret"\nof two lines \\'
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    job.start(remote, "one", f'printf %s "$TOKEN"; cat {gate}', env={"TOKEN": value}, root=jobs)
    until(lambda: (Path(jobs) / "one/log").read_bytes() == value.encode())
    assert not (Path(jobs) / "one/env").exists()
    everything = b"\n".join(arguments())
    assert b"of two lines" not in everything
    assert b"cat " + bytes(gate) not in everything
    gate.write_text("")
    assert read_all(remote, "one", jobs)[1] == value.encode()


def test_second_start_attaches(remote: Remote, jobs: str, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f"echo run >>{count}; sleep 0.3"
    assert job.start(remote, "one", script, root=jobs).created
    assert not job.start(remote, "one", script, root=jobs).created
    read_all(remote, "one", jobs)
    assert not job.start(remote, "one", script, root=jobs).created
    assert count.read_text() == "run\n"


def test_concurrent_starts_run_once(pool: Pool, shared: Sshd, jobs: str, tmp_path: Path) -> None:
    count = tmp_path / "count"
    barrier = threading.Barrier(6)
    created: list[bool] = []

    def begin() -> None:
        with pool.connection(shared.target()) as remote:
            barrier.wait(20)
            created.append(job.start(remote, "one", f"echo run >>{count}", root=jobs).created)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with pool.connection(shared.target()) as remote:
        read_all(remote, "one", jobs)
    assert sorted(created) == [False] * 5 + [True]
    assert count.read_text() == "run\n"
    assert [p.name for p in Path(jobs).iterdir()] == ["one"]


def test_start_continues_one_interrupted_before_the_launch(remote: Remote, jobs: str) -> None:
    job.start(remote, "one", "echo done", root=jobs)
    read_all(remote, "one", jobs)
    # As the first starter leaves it when it dies between the rename and the launch.
    directory = Path(jobs) / "one"
    (directory / "claim").unlink()
    (directory / "exit").rename(directory / "exit.next")
    (directory / "log").write_bytes(b"")
    (directory / "env").write_text("#")
    os.mkfifo(directory / "pipe")
    assert job.follow(remote, "one", 0, wait=0, root=jobs).reason == "not-started"
    assert not job.start(remote, "one", "echo another", root=jobs).created
    assert read_all(remote, "one", jobs)[1] == b"done\n"


def test_start_ignores_a_half_written_staging_directory(remote: Remote, jobs: str) -> None:
    (Path(jobs) / ".new.one.0123").mkdir(parents=True)
    assert job.start(remote, "one", "echo done", root=jobs).created
    assert read_all(remote, "one", jobs)[1] == b"done\n"


def test_binary_output_and_a_line_of_a_megabyte(remote: Remote, jobs: str, tmp_path: Path) -> None:
    blob = random.Random(7).randbytes(1 << 20).replace(b"\n", b"\0") + b"\xff\xfe\n\0"
    (tmp_path / "blob").write_bytes(blob)
    job.start(remote, "one", f"cat {tmp_path}/blob", root=jobs)
    assert read_all(remote, "one", jobs, limit=100_000)[1] == blob


def test_output_comes_while_the_job_runs(remote: Remote, jobs: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    job.start(remote, "one", f"echo first; cat {gate}; echo last", root=jobs)
    first = job.follow(remote, "one", 0, wait=10, root=jobs)
    assert (first.state, first.data) == ("running", b"first\n")
    nothing = job.follow(remote, "one", first.offset, wait=0.3, root=jobs)
    assert (nothing.state, nothing.data, nothing.offset) == ("running", b"", 6)
    got: list[job.Progress] = []
    began = time.monotonic()
    thread = threading.Thread(target=lambda: got.append(job.follow(remote, "one", 6, wait=30, root=jobs)))
    thread.start()
    gate.write_text("")
    thread.join(40)
    assert got[0].data == b"last\n"
    assert time.monotonic() - began < 25, "the wait did not end with the news"


def test_offsets_give_each_byte_once(remote: Remote, jobs: str) -> None:
    lines = b"".join(b"%d\n" % i for i in range(3000))
    job.start(remote, "one", "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done", root=jobs)
    assert read_all(remote, "one", jobs, limit=777, linger=0)[1] == lines


def test_cut_in_the_middle_of_follow(sshd: Sshd, pool: Pool, jobs: str) -> None:
    script = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.05; done"
    data, offset, cuts = b"", 0, 0
    with pool.connection(sshd.target()) as remote:
        job.start(remote, "one", script, root=jobs)
    while True:
        try:
            with pool.connection(sshd.target()) as remote:
                if cuts < 3:
                    timer = threading.Timer(0.3, sshd.cut)
                    timer.start()
                progress = job.follow(remote, "one", offset, wait=5, linger=1, root=jobs)
        except errors.Unreachable as error:
            assert error.kind in ("dropped", "no-banner")
            cuts += 1
            continue
        data += progress.data
        offset = progress.offset
        if progress.complete:
            break
    assert cuts >= 2
    assert data == b"".join(b"line %d\n" % i for i in range(40))
    assert progress.exit_code == 0


def test_survives_the_death_of_the_server(sshd: Sshd, pool: Pool, jobs: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with pool.connection(sshd.target()) as remote:
        job.start(remote, "one", f"echo begin; cat {gate}; echo end", root=jobs)
    sshd.stop()
    with pytest.raises(errors.Unreachable) as caught, pool.connection(sshd.target()) as remote:
        remote.run("true")
    assert caught.value.kind in ("refused", "dropped")
    assert alive(keeper(jobs, "one"))
    sshd.start()
    gate.write_text("")
    with pool.connection(sshd.target()) as remote:
        progress, data = read_all(remote, "one", jobs)
    assert (progress.exit_code, data) == (0, b"begin\nend\n")


def test_hangup_of_the_whole_connection(sshd: Sshd, pool: Pool, jobs: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with pool.connection(sshd.target()) as remote:
        job.start(remote, "one", f"echo begin; cat {gate}; echo end", root=jobs)
        for session in sshd.sessions():
            for pid in [*children(session), session]:
                os.kill(pid, signal.SIGHUP)
        until(lambda: not sshd.sessions())
    gate.write_text("")
    with pool.connection(sshd.target()) as remote:
        progress, data = read_all(remote, "one", jobs)
    assert (progress.exit_code, data) == (0, b"begin\nend\n")


@pytest.mark.parametrize("bad", ["", "../x", "a/b", ".hidden", "a b", "x" * 129])
def test_bad_ids_are_refused(remote: Remote, bad: str) -> None:
    with pytest.raises(ValueError, match="not a job id"):
        job.start(remote, bad, "true")
