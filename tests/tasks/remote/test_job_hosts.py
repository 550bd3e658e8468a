"""Detached jobs on hosts that lack something."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.remote import Credential, Pool, Remote, errors, job
from tasks.remote.quote import quote
from tests.tasks.remote.following import alive, read_all
from tests.tasks.remote.servers import PASSWORD, Sshd, needs_sudo, until

pytestmark = pytest.mark.lab


class TestHosts:
    @needs_sudo
    def test_sudo_with_a_password(self, pool: Pool, shared: Sshd, jobs: str) -> None:
        credential = Credential(private_key=shared.private_key, sudo_password=PASSWORD)
        with pool.connection(shared.target("deploy", credential=credential)) as remote:
            job.start(remote, "one", 'id -un; printf %s "$TOKEN"', env={"TOKEN": "t"}, root=jobs)
            assert read_all(remote, "one", jobs)[1] == b"root\nt"
            assert job.kill(remote, "one", root=jobs).outcome == "exited"

    @needs_sudo
    def test_wrong_sudo_password(self, pool: Pool, shared: Sshd, jobs: str) -> None:
        credential = Credential(private_key=shared.private_key, sudo_password="not the password")
        with (
            pool.connection(shared.target("deploy", credential=credential)) as remote,
            pytest.raises(errors.SudoFailed) as caught,
        ):
            job.start(remote, "one", "true", root=jobs)
        assert caught.value.kind == "sudo-wrong-password"
        assert not Path(jobs).exists()

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
            os.killpg(int(group), signal.SIGHUP)
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

    def test_read_only_var(self, servers: Callable[..., Sshd], pool: Pool) -> None:
        server = servers(setup="mount -t tmpfs -o ro none /var")
        with pool.connection(server.target()) as remote, pytest.raises(errors.ReadOnly) as caught:
            job.start(remote, "one", "echo x")
        assert caught.value.path == job.ROOT

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
