"""Detached jobs that are ended, die, or are cleaned away."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tasks.remote import Pool, Remote, errors, job
from tests.tasks.remote.following import alive, keeper, read_all
from tests.tasks.remote.servers import Sshd, needs_sudo, until

pytestmark = pytest.mark.lab


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

    def test_both_ends_are_kept_of_a_log_beyond_its_limit(self, remote: Remote, jobs: str) -> None:
        job.start(remote, "one", "head -c 5000000 /dev/zero; echo after >&2; exit 4", root=jobs, log_limit=65536)
        progress, data = read_all(remote, "one", jobs)
        assert (progress.exit_code, progress.log) == (4, "cut")
        assert data[:65536] == b"\0" * 65536
        mark = b"\n[the log limit of 65536 bytes is reached; of what follows only the last 65536 bytes are kept]\n"
        assert data[65536:] == mark + b"\0" * (65536 - 6) + b"after\n"

    def test_many_short_lines_are_not_cut(self, remote: Remote, jobs: str) -> None:
        script = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done"
        job.start(remote, "one", script, root=jobs, log_limit=1 << 20)
        progress, data = read_all(remote, "one", jobs)
        assert progress.log == "whole"
        assert data == b"".join(b"%d\n" % i for i in range(20000))
