"""Connections: what is told apart when they fail, and how they are carried."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.remote import Credential, Limits, Pool, Target, Timing, errors, fingerprint
from tests.tasks.remote.servers import PASSWORD, Proxy, Sshd, until

pytestmark = pytest.mark.lab

FAST = Timing(connect=3, keepalive=0.5, silence=1.5)


def failure(pool: Pool, target: Target) -> errors.RemoteError:
    with pytest.raises(errors.RemoteError) as caught, pool.connection(target) as remote:
        remote.run("true")
    assert caught.value.host == target.name
    assert caught.value.fix
    return caught.value


class TestFailures:
    def test_refused(self, pool: Pool, shared: Sshd) -> None:
        error = failure(pool, shared.target(port=1))
        assert isinstance(error, errors.Unreachable)
        assert error.kind == "refused"

    def test_timed_out(self, shared: Sshd) -> None:
        with socket.create_server(("127.0.1.19", 0), backlog=0) as full:
            hold = [socket.socket() for _ in range(3)]
            for sock in hold:
                sock.setblocking(False)
                sock.connect_ex(full.getsockname())
            pool = Pool(timing=Timing(connect=1))
            error = failure(pool, shared.target(host="127.0.1.19", port=full.getsockname()[1]))
            assert error.kind == "timeout"
            for sock in hold:
                sock.close()

    def test_name_without_address(self, pool: Pool, shared: Sshd) -> None:
        assert failure(pool, shared.target(host="no-such-host.invalid")).kind == "dns"

    def test_no_banner(self, shared: Sshd) -> None:
        pool = Pool(timing=Timing(connect=1))
        with socket.create_server(("127.0.1.19", 0)) as silent:
            error = failure(pool, shared.target(host="127.0.1.19", port=silent.getsockname()[1]))
        assert isinstance(error, errors.Unreachable)
        assert error.kind == "no-banner"

    def test_connection_closed_at_once(self, pool: Pool, shared: Sshd) -> None:
        with socket.create_server(("127.0.1.19", 0)) as rude:
            threading.Thread(target=lambda: rude.accept()[0].close(), daemon=True).start()
            error = failure(pool, shared.target(host="127.0.1.19", port=rude.getsockname()[1]))
        assert isinstance(error, errors.Unreachable)
        assert error.kind in ("no-banner", "dropped")

    def test_key_refused(self, pool: Pool, shared: Sshd, sshd: Sshd) -> None:
        error = failure(pool, shared.target(credential=Credential(private_key=sshd.private_key)))
        assert isinstance(error, errors.AuthFailed)
        assert "private key" in error.message

    def test_no_credential(self, pool: Pool, shared: Sshd) -> None:
        assert isinstance(failure(pool, shared.target(credential=Credential())), errors.RemoteError)

    def test_unusable_key(self, pool: Pool, shared: Sshd) -> None:
        for text in (
            "ssh-ed25519 AAAA me",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        ):
            error = failure(pool, shared.target(credential=Credential(private_key=text)))
            assert isinstance(error, errors.CredentialInvalid)

    def test_host_key_not_pinned(self, pool: Pool, shared: Sshd) -> None:
        assert isinstance(failure(pool, shared.target(host_key=None)), errors.HostKeyUnknown)
        assert isinstance(failure(pool, shared.target(host_key="rubbish")), errors.HostKeyUnknown)

    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
    def test_host_key_changed(self, pool: Pool, sshd: Sshd, kind: str) -> None:
        target, old = sshd.target(), sshd.host_key
        with pool.connection(target) as remote:
            assert remote.run("true").ok
        sshd.stop()
        sshd.new_host_key()
        if kind == "ecdsa":
            sshd._key("host", "-t", "ecdsa")
            sshd.host_key = " ".join((sshd.dir / "host.pub").read_text().split()[:2])
        sshd.start()
        until(lambda: not any(link.alive for host in pool._hosts.values() for link in host.links))
        error = failure(pool, target)
        assert isinstance(error, errors.HostKeyChanged)
        assert (error.expected, error.found) == (fingerprint(old), fingerprint(sshd.host_key))
        assert error.expected in str(error)
        assert error.found in str(error)

    def test_fingerprint_is_that_of_ssh_keygen(self, shared: Sshd) -> None:
        said = subprocess.run(
            ["ssh-keygen", "-lf", shared.dir / "host.pub"], capture_output=True, text=True, check=True
        )
        assert fingerprint(shared.host_key) == said.stdout.split()[1]


class TestLogin:
    def test_key_with_passphrase(self, pool: Pool, sshd: Sshd) -> None:
        key = sshd._key("locked-key")
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", str(key)], check=True, capture_output=True)
        with (sshd.dir / "authorized").open("a") as authorized:
            authorized.write(key.with_suffix(".pub").read_text())
        text = key.read_text()
        good = sshd.target(credential=Credential(private_key=text, passphrase="open sesame"))
        with pool.connection(good) as remote:
            assert remote.run("echo in").text == "in"
        for passphrase in (None, "wrong"):
            bad = sshd.target(key="other", credential=Credential(private_key=text, passphrase=passphrase))
            error = failure(pool, bad)
            assert isinstance(error, errors.CredentialInvalid)
            assert "passphrase" in error.message

    @pytest.mark.parametrize(("kind", "bits"), [("rsa", "2048"), ("ecdsa", "256"), ("ed25519", "256")])
    @pytest.mark.parametrize("form", ["RFC4716", "PEM"])
    def test_kinds_of_keys(self, pool: Pool, shared: Sshd, kind: str, bits: str, form: str) -> None:
        key = shared._key(f"key-{kind}-{form}", "-t", kind, "-b", bits, "-m", form)
        with (shared.dir / "authorized").open("a") as authorized:
            authorized.write(key.with_suffix(".pub").read_text())
        target = shared.target(key=str(key), credential=Credential(private_key=key.read_text()))
        with pool.connection(target) as remote:
            assert remote.run("true").ok

    @pytest.mark.parametrize(
        "options",
        [
            "PasswordAuthentication yes",
            "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes",
        ],
        ids=["password", "keyboard-interactive"],
    )
    def test_password(self, pool: Pool, servers: Callable[..., Sshd], options: str) -> None:
        server = servers(options)
        with pool.connection(server.target("guest", credential=Credential(password=PASSWORD))) as remote:
            assert remote.run("id -un").text == "guest"
        error = failure(pool, server.target("guest", key="bad", credential=Credential(password="wrong one")))
        assert isinstance(error, errors.AuthFailed)
        assert "wrong one" not in str(error)

    def test_users_own_ssh_files_are_not_read(
        self, shared: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh/config").write_text("Host *\n  Port 1\n  ProxyCommand false\n")
        (tmp_path / ".fabric.yaml").write_text("gateway: nowhere\nport: 1\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        pool = Pool()
        with pool.connection(shared.target()) as remote:
            assert remote.run("true").ok
        pool.close()


class TestFirstContact:
    def test_shows_the_key_and_sends_no_credential(self, pool: Pool, sshd: Sshd) -> None:
        assert pool.first_contact(sshd.target(host_key=None)) == sshd.host_key
        assert pool.size == 0
        assert "Accepted" not in (sshd.dir / "log").read_text()

    def test_through_a_jump_host(self, pool: Pool, shared: Sshd, sshd: Sshd) -> None:
        assert pool.first_contact(sshd.target(host_key=None, jump=shared.target())) == sshd.host_key

    def test_nobody_there(self, pool: Pool, shared: Sshd) -> None:
        with pytest.raises(errors.Unreachable) as caught:
            pool.first_contact(shared.target(port=1))
        assert caught.value.kind == "refused"


class TestJump:
    def test_commands_and_sharing(self, pool: Pool, shared: Sshd, sshd: Sshd) -> None:
        jump = shared.target()
        near, far = sshd.target(key="a", jump=jump), sshd.target("ops", key="b", jump=jump)
        with pool.connection(near) as one, pool.connection(far) as two:
            assert one.run("echo $SSH_CLIENT").text.split()[0].startswith("127.")
            assert two.run("id -un").text == "ops"
            assert pool.size == 3, "one connection carries both"

    def test_failures_name_the_right_host(self, pool: Pool, shared: Sshd, sshd: Sshd) -> None:
        jump = shared.target()
        assert failure(pool, sshd.target(port=1, jump=jump)).kind == "refused"
        target = sshd.target(jump=replace(jump, key="dead", name="the-jump", port=1))
        with pytest.raises(errors.Unreachable) as caught, pool.connection(target):
            pass
        assert caught.value.host == "the-jump"

    def test_forwarding_switched_off(self, pool: Pool, servers: Callable[..., Sshd], shared: Sshd) -> None:
        jump = servers("AllowTcpForwarding no")
        error = failure(pool, shared.target(jump=jump.target()))
        assert isinstance(error, errors.SessionRefused)
        assert "AllowTcpForwarding" in error.fix

    def test_cut_jump_host(self, pool: Pool, shared: Sshd, sshd: Sshd) -> None:
        target = shared.target(key="carried", jump=sshd.target())
        with pool.connection(target) as remote:
            threading.Timer(0.3, sshd.cut).start()
            with pytest.raises(errors.Unreachable):
                remote.run("sleep 20")
        with pool.connection(target) as remote:
            assert remote.run("echo again").text == "again"

    def test_carrier_outlives_its_idle_time_while_it_carries(self, shared: Sshd, sshd: Sshd) -> None:
        pool = Pool(Limits(idle=0.2))
        with pool.connection(sshd.target(jump=shared.target())) as remote:
            assert remote.run("sleep 1; echo there").text == "there"
        until(lambda: pool.size == 0)
        pool.close()


class TestBrokenConnections:
    def test_cut_in_the_middle_of_a_command(self, pool: Pool, sshd: Sshd) -> None:
        with pool.connection(sshd.target()) as remote:
            threading.Timer(0.3, sshd.cut).start()
            with pytest.raises(errors.Unreachable) as caught:
                remote.run("sleep 20")
            assert caught.value.kind == "dropped"
        with pool.connection(sshd.target()) as remote:
            assert remote.run("echo again").text == "again"
        assert pool.size == 1

    def test_cut_while_idle_is_not_noticed_by_the_next_user(self, pool: Pool, sshd: Sshd) -> None:
        with pool.connection(sshd.target()) as remote:
            remote.run("true")
        sshd.cut()
        until(lambda: not any(link.alive for host in pool._hosts.values() for link in host.links))
        with pool.connection(sshd.target()) as remote:
            assert remote.run("echo again").text == "again"

    def test_half_open_is_noticed_by_silence(self, sshd: Sshd) -> None:
        pool = Pool(timing=FAST)
        proxy = Proxy(sshd.host, sshd.port)
        with pool.connection(sshd.target(host=proxy.host, port=proxy.port)) as remote:
            threading.Timer(0.2, proxy.freeze).start()
            began = time.monotonic()
            with pytest.raises(errors.Unreachable) as caught:
                remote.run("sleep 60", timeout=60)
            assert caught.value.kind == "no-answer"
            assert time.monotonic() - began < 20, "silence ends it, not the command's own deadline"
        assert pool.size == 0
        proxy.close()

    def test_half_open_is_noticed_at_the_deadline(self, sshd: Sshd) -> None:
        pool = Pool(timing=Timing(connect=3))
        proxy = Proxy(sshd.host, sshd.port)
        with pool.connection(sshd.target(host=proxy.host, port=proxy.port)) as remote:
            proxy.freeze()
            with pytest.raises(errors.Unreachable) as caught:
                remote.run("true", timeout=1)
            assert caught.value.kind == "no-answer"
        assert pool.size == 0
        proxy.close()

    def test_half_open_with_a_full_send_buffer(self, sshd: Sshd) -> None:
        pool = Pool(timing=FAST)
        proxy = Proxy(sshd.host, sshd.port)
        with pool.connection(sshd.target(host=proxy.host, port=proxy.port)) as remote:
            proxy.freeze()
            with pytest.raises(errors.Unreachable) as caught:
                remote.run("cat >/dev/null", stdin=b"x" * (30 << 20), timeout=60)
            assert caught.value.kind == "no-answer"
        proxy.close()

    def test_a_quiet_command_on_a_living_host_is_left_alone(self, sshd: Sshd) -> None:
        pool = Pool(timing=FAST)
        with pool.connection(sshd.target()) as remote:
            assert remote.run("sleep 2.5; echo done").text == "done"
        pool.close()


def test_nothing_secret_is_shown(shared: Sshd) -> None:
    target = shared.target(credential=Credential("KEY-secret", "PHRASE-secret", "PASS-secret", "SUDO-secret"))
    assert "secret" not in repr(target) + str(target) + repr(target.credential)
