"""Small commands: exit codes, streams, secrets, sudo, deadlines."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tasks.remote import Credential, Limits, Pool, Remote, Timing, errors
from tests.tasks.remote.servers import PASSWORD, Sshd, arguments, needs_sudo, until

pytestmark = pytest.mark.lab


def test_exit_code_and_both_streams(remote: Remote) -> None:
    result = remote.run("echo out; echo err >&2; exit 7")
    assert (result.exit_code, result.stdout, result.stderr) == (7, b"out\n", b"err\n")


def test_output_is_bytes_and_large(remote: Remote) -> None:
    result = remote.run("head -c 3000000 /dev/zero | tr '\\0' '\\377'; printf '\\0\\200\\n'")
    assert result.stdout == b"\xff" * 3000000 + b"\0\x80\n"


def test_input_and_output_larger_than_both_windows(remote: Remote) -> None:
    data = os.urandom(9 << 20)
    assert remote.run("cat", stdin=data).stdout == data


def test_script_is_not_read_beyond_its_end(remote: Remote) -> None:
    assert (
        remote.run("IFS= read -r first; echo [$first]; cat", stdin=b"one\ntwo\n\0three").stdout
        == b"[one]\ntwo\n\0three"
    )


def test_input_is_empty_unless_given(remote: Remote) -> None:
    assert remote.run("cat; echo done").stdout == b"done\n"


def test_a_syntax_error_is_an_exit_code(remote: Remote) -> None:
    result = remote.run("if true; then")
    assert result.exit_code != 0
    assert result.stderr


@pytest.mark.parametrize("value", ["plain", 'it\'s "quoted" $HOME `id` \\n', "two\nlines\n", "密码\udcff", "'" * 9])
def test_environment_arrives_exactly(remote: Remote, value: str) -> None:
    got = remote.run('printf %s "$SECRET"', env={"SECRET": value}).stdout
    assert got == value.encode(errors="surrogateescape")


def test_nothing_secret_in_any_argument(remote: Remote, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    done: list[bytes] = []
    thread = threading.Thread(
        target=lambda: done.append(
            remote.run(
                f"echo $TOKEN >/dev/null; : script-secret; cat {gate}; cat",
                env={"TOKEN": "env-secret"},
                stdin=b"in",
            ).stdout
        )
    )
    thread.start()
    until(lambda: any(b"cat" in line and str(gate).encode() in line for line in arguments()))
    everything = b"\n".join(arguments())
    assert b"env-secret" not in everything
    assert b"script-secret" not in everything
    gate.write_bytes(b"go ")
    thread.join(10)
    assert done == [b"go in"]


def test_check_raises_without_the_secret(remote: Remote) -> None:
    with pytest.raises(errors.CommandFailed) as caught:
        remote.run("echo failed with $TOKEN >&2; exit 3", env={"TOKEN": "hunter2-long"}, check=True)
    assert caught.value.exit_code == 3
    assert "failed with [hidden]" in str(caught.value)
    assert "hunter2-long" not in repr(caught.value)


def test_bad_environment_name_and_nul(remote: Remote) -> None:
    with pytest.raises(ValueError, match="not a name"):
        remote.run("true", env={"A B": "x"})
    with pytest.raises(ValueError, match="NUL"):
        remote.run("true", env={"A": "x\0y"})


def test_late_command_on_a_living_host(remote: Remote) -> None:
    with pytest.raises(errors.RemoteTimeout, match="the host itself answers"):
        remote.run("sleep 30", timeout=0.5)
    assert remote.run("echo still here").text == "still here"


def test_background_process_does_not_hold_the_command(remote: Remote) -> None:
    assert remote.run("sleep 20 & echo $!; exit 4", timeout=15).exit_code == 4


def test_killed_shell(remote: Remote) -> None:
    with pytest.raises(errors.CommandKilled):
        remote.run("kill -9 $$")
    assert remote.run("echo next").ok


def test_too_much_output(remote: Remote) -> None:
    with pytest.raises(errors.OutputTooLarge):
        remote.run("cat /dev/zero", limit=100_000)
    assert remote.run("echo next").ok


def test_idle_timeout_counts_from_the_last_output(remote: Remote) -> None:
    assert remote.run("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done", timeout=1.2, idle=True).ok


def test_path_has_sbin_and_the_locale_is_fixed(remote: Remote) -> None:
    out = remote.run('echo "$PATH"; echo "$LC_ALL"').text
    assert "/usr/sbin" in out
    assert out.endswith("\nC")


def test_noise_of_login_scripts_is_not_output(pool: Pool, shared: Sshd) -> None:
    with pool.connection(shared.target("ops")) as remote:
        result = remote.run("echo word; id -un")
        assert (result.stdout, result.stderr) == (b"word\nops\n", b"")


def test_account_without_a_shell(pool: Pool, shared: Sshd) -> None:
    with (
        pool.connection(shared.target("locked")) as remote,
        pytest.raises(errors.ShellFailed, match="not available"),
    ):
        remote.run("true")


def test_forced_command(pool: Pool, servers) -> None:  # type: ignore[no-untyped-def]
    server = servers("ForceCommand echo only this")
    with pool.connection(server.target()) as remote, pytest.raises(errors.ShellFailed, match="only this"):
        remote.run("true")


@needs_sudo
class TestSudo:
    def test_without_a_password(self, pool: Pool, shared: Sshd) -> None:
        with pool.connection(shared.target("ops")) as remote:
            assert remote.run("id -un", sudo=True).text == "root"
            assert remote.run("id -un; cat", sudo=True, stdin=b"in").stdout == b"root\nin"
            assert remote.run("id -un").text == "ops"

    @pytest.mark.parametrize("stdin", [b"", b"line\n\0binary\xff"])
    def test_with_a_password(self, pool: Pool, shared: Sshd, stdin: bytes) -> None:
        credential = Credential(private_key=shared.private_key, sudo_password=PASSWORD)
        with pool.connection(shared.target("deploy", credential=credential)) as remote:
            result = remote.run('id -un; printf %s "$TOKEN"; cat', sudo=True, env={"TOKEN": "t"}, stdin=stdin)
            assert (result.exit_code, result.stdout, result.stderr) == (0, b"root\nt" + stdin, b"")

    def test_password_given_but_not_asked_for(self, pool: Pool, shared: Sshd) -> None:
        credential = Credential(private_key=shared.private_key, sudo_password=PASSWORD)
        with pool.connection(shared.target("ops", credential=credential)) as remote:
            result = remote.run("cat", sudo=True, stdin=b"x")
            assert (result.stdout, result.stderr) == (b"x", b"")

    def test_wrong_password(self, pool: Pool, shared: Sshd) -> None:
        credential = Credential(private_key=shared.private_key, sudo_password="not the password")
        with (
            pool.connection(shared.target("deploy", credential=credential)) as remote,
            pytest.raises(errors.SudoFailed) as caught,
        ):
            remote.run("id", sudo=True)
        assert caught.value.kind == "sudo-wrong-password"
        assert "not the password" not in str(caught.value)

    @pytest.mark.parametrize(
        ("user", "kind"),
        [
            ("deploy", "sudo-password-required"),
            ("guest", "sudo-password-required"),
            ("terminal", "sudo-requiretty"),
        ],
    )
    def test_refused_without_a_password(self, pool: Pool, shared: Sshd, user: str, kind: str) -> None:
        with pool.connection(shared.target(user)) as remote, pytest.raises(errors.SudoFailed) as caught:
            remote.run("id", sudo=True)
        assert caught.value.kind == kind
        assert caught.value.fix

    def test_user_not_in_sudoers(self, pool: Pool, shared: Sshd) -> None:
        credential = Credential(private_key=shared.private_key, sudo_password=PASSWORD)
        with (
            pool.connection(shared.target("guest", credential=credential)) as remote,
            pytest.raises(errors.SudoFailed) as caught,
        ):
            remote.run("id", sudo=True)
        assert caught.value.kind == "sudo-not-allowed"

    def test_missing_sudo(self, pool: Pool, servers) -> None:  # type: ignore[no-untyped-def]
        server = servers(setup="mount --bind /dev/null /usr/bin/sudo")
        with pool.connection(server.target("ops")) as remote, pytest.raises(errors.RemoteError) as caught:
            remote.run("id", sudo=True)
        assert isinstance(caught.value, errors.MissingTool)
        assert caught.value.tool == "sudo"


def test_session_limit_is_learnt(servers) -> None:  # type: ignore[no-untyped-def]
    server = servers("MaxSessions 2")
    pool = Pool(Limits(wait=20), Timing(connect=10))
    results: list[str] = []
    barrier = threading.Barrier(6)

    def work() -> None:
        with pool.connection(server.target()) as remote:
            barrier.wait(20)
            results.append(remote.run("sleep 0.5; echo yes").text)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == ["yes"] * 6
    assert pool.size >= 3
    pool.close()


def test_no_session_at_all(pool: Pool, servers) -> None:  # type: ignore[no-untyped-def]
    server = servers("MaxSessions 0")
    with pool.connection(server.target()) as remote, pytest.raises(errors.SessionRefused):
        remote.run("true")
