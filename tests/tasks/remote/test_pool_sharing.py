"""Connections shared by threads, and not by processes."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from tasks.remote import Credential, Limits, Pool, Target, Timing, errors, get_pool
from tests.tasks.remote.servers import Sshd, until

pytestmark = pytest.mark.lab


def failure(pool: Pool, target: Target) -> errors.RemoteError:
    with pytest.raises(errors.RemoteError) as caught, pool.connection(target) as remote:
        remote.run("true")
    assert caught.value.host == target.name
    assert caught.value.fix
    return caught.value


class TestSharing:
    def test_sixty_four_threads_on_one_host(self, shared: Sshd) -> None:
        pool = Pool(Limits(wait=30))
        barrier = threading.Barrier(64)
        results: list[str] = []

        def work(number: int) -> None:
            barrier.wait(30)
            for turn in range(3):
                with pool.connection(shared.target()) as remote:
                    results.append(remote.run(f"echo {number} {turn}").text)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(results) == sorted(f"{n} {t}" for n in range(64) for t in range(3))
        assert pool.size <= 8
        pool.close()

    def test_a_second_user_takes_the_same_connection(self, pool: Pool, shared: Sshd) -> None:
        with pool.connection(shared.target()) as one, pool.connection(shared.target()) as two:
            assert one.link is two.link
        assert pool.size == 1

    def test_bound_in_all(self, shared: Sshd) -> None:
        pool = Pool(Limits(links=1, wait=0.3))
        with pool.connection(shared.target()):
            with pytest.raises(errors.PoolBusy) as caught, pool.connection(shared.target("ops")):
                pass
            assert isinstance(caught.value, errors.Unreachable)
        with pool.connection(shared.target("ops")) as remote:
            assert remote.run("id -un").text == "ops", "the unused connection made room"
        assert pool.size == 1
        pool.close()

    def test_waiting_for_a_slot(self, shared: Sshd) -> None:
        pool = Pool(Limits(links=1, wait=20))
        free = threading.Event()
        got: list[str] = []

        def second() -> None:
            with pool.connection(shared.target("ops")) as remote:
                got.append(remote.run("id -un").text)

        with pool.connection(shared.target()):
            thread = threading.Thread(target=second)
            thread.start()
            free.wait(0.2)
            assert got == []
        thread.join(20)
        assert got == ["ops"]
        pool.close()

    def test_one_failure_for_all_who_wait(self, shared: Sshd) -> None:
        with socket.create_server(("127.0.1.19", 0)) as silent:
            pool = Pool(timing=Timing(connect=1))
            target = shared.target(host="127.0.1.19", port=silent.getsockname()[1])
            kinds: list[str] = []
            threads = [threading.Thread(target=lambda: kinds.append(failure(pool, target).kind)) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert kinds == ["no-banner"] * 6
            silent.settimeout(0.1)
            attempts = 0
            with pytest.raises(TimeoutError):
                while True:
                    silent.accept()
                    attempts += 1
            assert attempts < 6, "they did not queue up to fail one after the other"

    def test_idle_connections_are_closed(self, sshd: Sshd) -> None:
        pool = Pool(Limits(idle=0.2))
        with pool.connection(sshd.target()) as remote:
            remote.run("true")
        until(lambda: pool.size == 0)
        until(lambda: not sshd.sessions())

    def test_changed_credential_is_not_served_by_the_old_connection(self, pool: Pool, shared: Sshd, sshd: Sshd) -> None:
        with pool.connection(shared.target()) as remote:
            remote.run("true")
        bad = shared.target(credential=Credential(private_key=sshd.private_key))
        assert isinstance(failure(pool, bad), errors.AuthFailed)

    def test_close_ends_commands(self, shared: Sshd) -> None:
        pool = Pool()
        with pool.connection(shared.target()) as remote:
            threading.Timer(0.3, pool.close).start()
            with pytest.raises(errors.Unreachable):
                remote.run("sleep 20")
        with pytest.raises(errors.PoolBusy), pool.connection(shared.target()):
            pass

    def test_fork(self, shared: Sshd) -> None:
        pool = Pool()
        with pool.connection(shared.target()) as remote:
            remote.run("true")
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    with pool.connection(shared.target()) as own:
                        os.write(write, own.run("echo child").stdout)
                finally:
                    os._exit(0)
            os.close(write)
            assert os.read(read, 100) == b"child\n"
            os.close(read)
            os.waitpid(child, 0)
            assert remote.run("echo parent").text == "parent"
        pool.close()

    def test_one_pool_a_process(self) -> None:
        assert get_pool() is get_pool()
