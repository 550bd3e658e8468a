"""Detached jobs: started once, followed byte by byte, ended as a whole."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.remote import Credential, Pool, Remote, errors, job
from tasks.remote.quote import quote
from tests.tasks.remote.servers import PASSWORD, Sshd, needs_sudo, until

pytestmark = pytest.mark.lab


def read_all(remote: Remote, job_id: str, root: str, offset: int = 0, **options: object) -> tuple[job.Progress, bytes]:
    """Follow to the end."""
    data = b""
    deadline = time.monotonic() + 40
    while True:
        progress = job.follow(remote, job_id, offset, wait=5, root=root, **options)  # type: ignore[arg-type]
        data += progress.data
        offset = progress.offset
        if progress.complete:
            return progress, data
        assert time.monotonic() < deadline, progress


def keeper(root: str, job_id: str) -> int:
    return int(str(Path(root, job_id, "claim").readlink()).split()[0])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


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
    everything = b"\n".join(p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.parent.exists())
    assert b"of two lines" not in everything
    assert b"printf %s" not in everything
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


class TestKill:
    def test_whole_group_with_a_stubborn_child(self, remote: Remote, jobs: str, tmp_path: Path) -> None:
        script = f"""
            sh -c 'trap "" TERM; echo $$ >>{tmp_path}/pids; while :; do sleep 0.1; done' &
            sh -c 'echo $$ >>{tmp_path}/pids; exec sleep 300' &
            echo $$ >>{tmp_path}/pids; echo ready; wait
        """
        job.start(remote, "one", script, root=jobs)
        until(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text().split()) == 3)
        killed = job.kill(remote, "one", grace=1, root=jobs)
        assert killed
        assert killed.outcome == "killed"
        assert not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split())
        assert not alive(keeper(jobs, "one"))
        progress, data = read_all(remote, "one", jobs)
        assert (progress.state, progress.exit_code) == ("exited", killed.exit_code)
        assert killed.exit_code in (137, 143)
        assert data.startswith(b"ready\n")

    def test_term_lets_the_script_say_goodbye(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done", root=jobs)
        job.follow(remote, "one", 0, wait=10, root=jobs)
        killed = job.kill(remote, "one", grace=5, root=jobs)
        assert (killed.outcome, killed.exit_code) == ("terminated", 5)
        data = read_all(remote, "one", jobs)[1]
        assert data.startswith(b"ready\n")
        assert data.endswith(b"bye\n")

    def test_twice_after_the_end_and_without_a_job(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "exit 3", root=jobs)
        read_all(remote, "one", jobs)
        for _ in range(2):
            assert job.kill(remote, "one", root=jobs) == job.Killed("exited", 3)
        assert job.kill(remote, "never", root=jobs) == job.Killed("absent", None)

    @needs_sudo
    def test_children_of_sudo_with_a_session_of_their_own_tty(
        self, pool: Pool, shared: Sshd, jobs: str, tmp_path: Path
    ) -> None:
        with pool.connection(shared.target()) as remote:
            job.start(remote, "one", f"sudo -n sh -c 'echo $$ >{tmp_path}/pid; sleep 300; :'", root=jobs)
            until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
            assert job.kill(remote, "one", grace=2, root=jobs)
            assert not alive(int((tmp_path / "pid").read_text()))

    def test_background_children_of_a_script_that_ended(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "sleep 300 & echo $!", root=jobs)
        progress, data = read_all(remote, "one", jobs)
        assert progress.exit_code == 0
        assert alive(int(data))
        assert job.kill(remote, "one", grace=1, root=jobs)
        assert not alive(int(data))

    def test_before_the_launch_prevents_it(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "echo done", root=jobs)
        read_all(remote, "one", jobs)
        directory = Path(jobs) / "one"
        (directory / "claim").unlink()
        (directory / "exit").rename(directory / "exit.next")
        assert job.kill(remote, "one", root=jobs) == job.Killed("not-started", 143)
        job.start(remote, "one", "echo done", root=jobs)
        progress = job.follow(remote, "one", 5, wait=0, root=jobs)
        assert (progress.state, progress.exit_code, progress.reason) == ("exited", 143, "killed")

    def test_a_stranger_with_the_old_number_is_spared(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "sleep 300", root=jobs)
        os.kill(keeper(jobs, "one"), signal.SIGKILL)
        claim = Path(jobs) / "one/claim"
        words = str(claim.readlink()).split()
        stranger = os.posix_spawn("/bin/sleep", ["sleep", "60"], {}, setsid=True)
        job_group = int(words[2])
        os.killpg(job_group, signal.SIGKILL)
        claim.unlink()
        claim.symlink_to(" ".join([str(stranger), str(int(words[1]) - 1), str(stranger), str(stranger), *words[4:]]))
        try:
            assert job.follow(remote, "one", 0, wait=0, root=jobs).reason == "killed"
            assert job.kill(remote, "one", grace=0, root=jobs)
            assert alive(stranger)
        finally:
            os.kill(stranger, signal.SIGKILL)
            os.waitpid(stranger, 0)


class TestGone:
    def test_keeper_killed(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "echo here; sleep 300", root=jobs)
        job.follow(remote, "one", 0, wait=10, root=jobs)
        os.killpg(keeper(jobs, "one"), signal.SIGKILL)
        progress = job.follow(remote, "one", 0, wait=10, root=jobs)
        assert (progress.state, progress.exit_code, progress.reason) == ("gone", None, "killed")
        assert progress.data == b"here\n"

    def test_killed_during_the_wait(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "sleep 300", root=jobs)
        threading.Timer(0.5, os.killpg, (keeper(jobs, "one"), signal.SIGKILL)).start()
        assert job.follow(remote, "one", 0, wait=25, root=jobs).reason == "killed"

    def test_script_goes_on_without_its_keeper(self, remote: Remote, jobs: str, tmp_path: Path) -> None:
        job.start(remote, "one", f"echo $$ >{tmp_path}/pid; sleep 300; :", root=jobs)
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        os.kill(keeper(jobs, "one"), signal.SIGKILL)
        assert job.follow(remote, "one", 0, wait=5, root=jobs).reason == "killed"
        with pytest.raises(errors.JobRunning):
            job.remove(remote, "one", root=jobs)
        assert job.clean(remote, 0, root=jobs) == []
        assert job.kill(remote, "one", grace=1, root=jobs)
        assert not alive(int((tmp_path / "pid").read_text()))
        assert job.clean(remote, 0, root=jobs) == ["one"]

    def test_reboot(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "sleep 300", root=jobs)
        claim = Path(jobs) / "one/claim"
        words = str(claim.readlink()).split()
        os.killpg(int(words[2]), signal.SIGKILL)
        claim.unlink()
        claim.symlink_to(" ".join([*words[:4], "0000-another-boot.1", words[5]]))
        assert job.follow(remote, "one", 0, wait=0, root=jobs).reason == "reboot"
        assert job.kill(remote, "one", root=jobs).outcome == "gone"

    def test_directory_deleted(self, remote: Remote, jobs: str, tmp_path: Path) -> None:
        job.start(remote, "one", f"echo $$ >{tmp_path}/pid; sleep 300; :", root=jobs)
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        remote.run(f"rm -rf {jobs}/one", check=True)
        progress = job.follow(remote, "one", 0, wait=5, root=jobs)
        assert (progress.state, progress.reason) == ("gone", "no-directory")
        killed = job.kill(remote, "one", grace=2, root=jobs)
        assert killed.outcome == "terminated"
        assert not alive(int((tmp_path / "pid").read_text()))

    def test_never_started(self, remote: Remote, jobs: str) -> None:
        assert job.follow(remote, "nothing", 0, wait=0, root=jobs).reason == "no-directory"


class TestRemains:
    def test_collect_and_remove(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "echo x; exit 2", root=jobs)
        read_all(remote, "one", jobs)
        found = job.collect(remote, "one", root=jobs)
        assert (found.state, found.exit_code, found.size, found.log) == ("exited", 2, 2, "whole")
        assert found.started_at is not None
        assert found.ended_at is not None
        assert found.started_at <= found.ended_at
        job.remove(remote, "one", root=jobs)
        job.remove(remote, "one", root=jobs)
        assert list(Path(jobs).iterdir()) == []

    def test_running_jobs_stay(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "busy", "sleep 300", root=jobs)
        job.start(remote, "done", "true", root=jobs)
        read_all(remote, "done", jobs)
        with pytest.raises(errors.JobRunning):
            job.remove(remote, "busy", root=jobs)
        assert job.clean(remote, 3600, root=jobs) == []
        assert job.clean(remote, 0, root=jobs) == ["done"]
        assert job.collect(remote, "busy", root=jobs).state == "running"

    def test_old_staging_goes_and_strangers_stay(self, remote: Remote, jobs: str) -> None:
        root = Path(jobs)
        for name in (".new.old.1", ".new.fresh.2", "not-a-job"):
            (root / name).mkdir(parents=True)
        os.utime(root / ".new.old.1", (1, 1))
        assert job.clean(remote, 0, root=jobs) == []
        assert sorted(p.name for p in root.iterdir()) == [".new.fresh.2", "not-a-job"]

    def test_log_limit(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "head -c 5000000 /dev/zero; echo after >&2; exit 4", root=jobs, log_limit=65536)
        progress, data = read_all(remote, "one", jobs)
        assert (progress.exit_code, progress.log) == (4, "cut")
        assert data[:65536] == b"\0" * 65536
        assert data[65536:] == b"\n[the log limit of 65536 bytes is reached; further output is dropped]\n"

    def test_many_short_lines_are_not_cut(self, remote: Remote, jobs: str) -> None:
        script = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done"
        job.start(remote, "one", script, root=jobs, log_limit=1 << 20)
        progress, data = read_all(remote, "one", jobs)
        assert progress.log == "whole"
        assert data == b"".join(b"%d\n" % i for i in range(20000))


class TestHosts:
    @needs_sudo
    def test_sudo_with_a_password(self, pool: Pool, shared: Sshd, jobs: str) -> None:
        credential = Credential(private_key=shared.private_key, sudo_password=PASSWORD)
        with pool.connection(shared.target("deploy", credential=credential)) as remote:
            job.start(remote, "one", 'id -un; printf %s "$TOKEN"', env={"TOKEN": "t"}, root=jobs)
            assert read_all(remote, "one", jobs)[1] == b"root\nt"
            assert job.kill(remote, "one", root=jobs).outcome == "exited"

    def test_unprivileged_user_without_sudo(self, pool: Pool, shared: Sshd) -> None:
        root = str(shared.dir / "home/guest/jobs")
        with pool.connection(shared.target("guest")) as remote:
            job.start(remote, "one", "id -un", sudo=False, root=root)
            assert read_all(remote, "one", root, sudo=False)[1] == b"guest\n"
            with pytest.raises(errors.NotPermitted):
                job.start(remote, "one", "id -un", sudo=False, root="/root/sanqian-test")
            assert job.remove(remote, "one", sudo=False, root=root) is None

    @pytest.mark.parametrize("user", ["root", pytest.param("ops", marks=needs_sudo)])
    def test_without_setsid(self, servers: Callable[..., Sshd], pool: Pool, jobs: str, user: str) -> None:
        server = servers(setup="mount --bind /dev/null /usr/bin/setsid")
        with pool.connection(server.target(user)) as remote:
            assert not remote.run("setsid true").ok
            job.start(remote, "one", "echo begin; sleep 300", root=jobs)
            pid, _, group, session, *_ = str(Path(jobs, "one/claim").readlink()).split()
            assert group == session
            assert group != pid
            assert job.follow(remote, "one", 0, wait=10, root=jobs).data == b"begin\n"
        pool.forget(server.target(user))
        until(lambda: not server.sessions())
        assert alive(int(pid))
        with pool.connection(server.target(user)) as remote:
            assert job.kill(remote, "one", grace=1, root=jobs).outcome == "terminated"
        assert not alive(int(pid))

    def test_without_setsid_and_without_a_session_of_its_own(
        self, servers: Callable[..., Sshd], pool: Pool, jobs: str
    ) -> None:
        # As under an SSH server that makes no session per command: the shell is not its session's leader.
        server = servers(setup="mount --bind /dev/null /usr/bin/setsid")
        with pool.connection(server.target()) as remote, pytest.raises(errors.MissingTool) as caught:
            job.start(_Nested(remote), "one", "true", root=jobs)  # type: ignore[arg-type]
        assert caught.value.tool == "setsid"
        assert "util-linux" in caught.value.fix

    def test_full_disk(self, servers: Callable[..., Sshd], pool: Pool, tmp_path: Path) -> None:
        server = servers(setup=f"mkdir -p {tmp_path}/small; mount -t tmpfs -o size=64k none {tmp_path}/small")
        root = f"{tmp_path}/small/jobs"
        with pool.connection(server.target()) as remote:
            remote.run(f"head -c 65536 /dev/zero >{tmp_path}/small/filler; :")
            with pytest.raises(errors.DiskFull, match=f"{tmp_path}/small/jobs.*df -h") as caught:
                job.start(remote, "one", "echo x", root=root)
            assert caught.value.path == root
            assert remote.run(f"ls -A {root}").text == ""

    def test_disk_that_fills_up_while_the_job_runs(
        self, servers: Callable[..., Sshd], pool: Pool, tmp_path: Path
    ) -> None:
        server = servers(setup=f"mkdir -p {tmp_path}/small; mount -t tmpfs -o size=128k none {tmp_path}/small")
        root = f"{tmp_path}/small/jobs"
        with pool.connection(server.target()) as remote:
            job.start(remote, "one", "head -c 1000000 /dev/zero; exit 6", root=root)
            progress, data = read_all(remote, "one", root)
        assert (progress.state, progress.exit_code, progress.log) == ("exited", 6, "lost")
        assert 0 < len(data) < 128 * 1024

    def test_read_only_file_system(self, servers: Callable[..., Sshd], pool: Pool, tmp_path: Path) -> None:
        server = servers(setup=f"mkdir -p {tmp_path}/ro; mount -t tmpfs -o ro none {tmp_path}/ro")
        with (
            pool.connection(server.target()) as remote,
            pytest.raises(errors.ReadOnly, match="remount") as caught,
        ):
            job.start(remote, "one", "echo x", root=f"{tmp_path}/ro/jobs")
        assert caught.value.path == f"{tmp_path}/ro/jobs"

    def test_without_gnu_tail(self, servers: Callable[..., Sshd], pool: Pool, jobs: str) -> None:
        busybox = Path("/usr/bin/busybox")
        if not busybox.exists():
            pytest.skip("busybox is not installed")
        server = servers(
            setup="".join(f"mount --bind /usr/bin/busybox /usr/bin/{tool}\n" for tool in ("tail", "timeout"))
        )
        with pool.connection(server.target()) as remote:
            job.start(remote, "one", "sleep 0.5; echo a; sleep 0.5; echo b", root=jobs)
            assert read_all(remote, "one", jobs)[1] == b"a\nb\n"


class _Nested:
    """A remote whose scripts run in a process group that is not their session's."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.name = remote.name

    def run(self, script: str, **options: object) -> object:
        return self._remote.run(f"bash -c 'set -m; sh -c \"$1\"; exit $?' sh {quote(script)}", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["", "../x", "a/b", ".hidden", "a b", "x" * 129])
def test_bad_ids_are_refused(remote: Remote, bad: str) -> None:
    with pytest.raises(ValueError, match="not a job id"):
        job.start(remote, bad, "true")
