"""Uploads: checked, atomic, resumed; downloads."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.remote import Pool, Remote, errors, exchange, files
from tests.tasks.remote.servers import Proxy, Sshd, needs_sudo

pytestmark = pytest.mark.lab


def test_small_file_and_again(remote: Remote, tmp_path: Path) -> None:
    data = b"a\0b\xff\n"
    told: list[tuple[int, int]] = []
    first = files.upload(
        remote, data, f"{tmp_path}/new/dir/it's a file", mode=0o640, on_progress=lambda *n: told.append(n)
    )
    path = tmp_path / "new/dir/it's a file"
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o640
    assert first == files.Uploaded(False, hashlib.sha256(data).hexdigest(), 5, 5)
    assert told[-1] == (5, 5)
    before = path.stat()
    second = files.upload(remote, data, str(path), mode=0o600)
    assert second.skipped
    assert second.sent == 0
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("size", [0, 1, files.AT_ONCE, files.AT_ONCE + 1, 9_000_001])
def test_sizes(remote: Remote, tmp_path: Path, size: int) -> None:
    local = tmp_path / "local"
    local.write_bytes(os.urandom(size))
    told: list[int] = []
    done = files.upload(remote, local, f"{tmp_path}/there", on_progress=lambda there, total: told.append(there))
    assert (tmp_path / "there").read_bytes() == local.read_bytes()
    assert (done.bytes, done.sent) == (size, size)
    assert told == sorted(told)
    assert told[-1:] == ([size] if size else told[-1:])
    assert files.upload(remote, local, f"{tmp_path}/there").skipped
    assert sorted(p.name for p in tmp_path.iterdir()) == ["local", "there"]


def test_same_size_other_content(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    assert not files.upload(remote, b"new", f"{tmp_path}/file").skipped
    assert (tmp_path / "file").read_bytes() == b"new"


def test_resumes_after_a_cut(sshd: Sshd, pool: Pool, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(os.urandom(24 << 20))

    def cut_once(there: int, total: int) -> None:
        if there > total // 2 and not cut.is_set():
            cut.set()
            sshd.cut()

    cut = threading.Event()
    (tmp_path / "there").write_bytes(b"the old file")
    with pytest.raises(errors.Unreachable), pool.connection(sshd.target()) as remote:
        files.upload(remote, local, f"{tmp_path}/there", on_progress=cut_once)
    assert (tmp_path / "there").read_bytes() == b"the old file"
    with pool.connection(sshd.target()) as remote:
        done = files.upload(remote, local, f"{tmp_path}/there")
    assert (tmp_path / "there").read_bytes() == local.read_bytes()
    assert 0 < done.sent < 20 << 20


class Stop(Exception):
    """Raised by a progress callback: the slice is over."""


def test_stopped_by_the_callback_and_continued(remote: Remote, tmp_path: Path) -> None:
    data = os.urandom(8 << 20)
    (tmp_path / "there").write_bytes(b"the old file")
    starts: list[int] = []
    slices = 0
    while True:
        slices += 1
        first: list[int] = []

        def stop(there: int, total: int, first: list[int] = first) -> None:
            first.append(there)
            if there - first[0] >= 3 << 20 and there < total:
                raise Stop

        try:
            files.upload(remote, data, f"{tmp_path}/there", on_progress=stop)
            break
        except Stop:
            assert (tmp_path / "there").read_bytes() == b"the old file"
        finally:
            starts.append(first[0])
    assert (tmp_path / "there").read_bytes() == data
    assert 2 <= slices <= 4
    assert starts == sorted(starts)
    assert starts[-1] > 0, "the last slice went on where the one before had stopped"


def test_large_files_are_summed_by_a_job(
    remote: Remote, jobs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SUM_AT_ONCE", files.AT_ONCE)
    data = os.urandom(3 << 20)
    done = files.upload(remote, data, f"{tmp_path}/a file", job_root=jobs)
    assert (tmp_path / "a file").read_bytes() == data
    assert not done.skipped
    assert files.upload(remote, data, f"{tmp_path}/a file", job_root=jobs).skipped
    changed = bytes([data[0] ^ 1]) + data[1:]
    assert not files.upload(remote, changed, f"{tmp_path}/a file", job_root=jobs).skipped
    assert (tmp_path / "a file").read_bytes() == changed
    assert list(Path(jobs).iterdir()) == []


def test_stopped_while_the_host_sums(
    servers: Callable[..., Sshd], pool: Pool, jobs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SUM_AT_ONCE", files.AT_ONCE)
    tool = tmp_path / "sha256sum"
    tool.write_text(f"#!/bin/sh\necho sum >>{tmp_path}/sums\ncat {tmp_path}/gate\nexec {tmp_path}/real\n")
    tool.chmod(0o755)
    os.mkfifo(tmp_path / "gate")
    server = servers(
        setup=f"cp /usr/bin/sha256sum {tmp_path}/real; mount --bind {tool} /usr/bin/sha256sum",
    )
    data = os.urandom(2 << 20)
    there: list[int] = []

    def stop(count: int, total: int) -> None:
        there.append(count)
        if there.count(total) > 2:
            raise Stop

    with pool.connection(server.target()) as remote:
        with pytest.raises(Stop):
            files.upload(remote, data, f"{tmp_path}/there", job_root=jobs, on_progress=stop)
        assert not (tmp_path / "there").exists()
        threading.Thread(target=lambda: (tmp_path / "gate").write_text("")).start()
        done = files.upload(remote, data, f"{tmp_path}/there", job_root=jobs)
    assert done.sent == 0, "all had arrived before"
    assert (tmp_path / "there").read_bytes() == data
    assert (tmp_path / "sums").read_text() == "sum\n", "the second call found the first one's sum"


def test_known_sum_is_taken_and_checked(remote: Remote, tmp_path: Path) -> None:
    data = b"some content"
    right, wrong = hashlib.sha256(data).hexdigest(), hashlib.sha256(b"other").hexdigest()
    with pytest.raises(errors.ChecksumMismatch):
        files.upload(remote, data, f"{tmp_path}/file", sha256=wrong)
    assert list(tmp_path.iterdir()) == []
    assert files.upload(remote, data, f"{tmp_path}/file", sha256=right).sha256 == right


def test_damaged_part_is_sent_anew(remote: Remote, tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    files.upload(remote, data, f"{tmp_path}/file")
    digest = hashlib.sha256(data).hexdigest()
    place = hashlib.sha256(f"{tmp_path}/file".encode()).hexdigest()[:8]
    (tmp_path / "file").unlink()
    (tmp_path / f".sanqian-{digest[:32]}-{place}.part").write_bytes(b"x" * 1000)
    assert not files.upload(remote, data, f"{tmp_path}/file").skipped
    assert (tmp_path / "file").read_bytes() == data


def test_two_senders_at_once(pool: Pool, shared: Sshd, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(os.urandom(6 << 20))
    outcomes: list[object] = []

    def send() -> None:
        with pool.connection(shared.target()) as remote:
            try:
                outcomes.append(files.upload(remote, local, f"{tmp_path}/there"))
            except errors.RemoteError as error:
                outcomes.append(error)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert (tmp_path / "there").read_bytes() == local.read_bytes()
    assert any(isinstance(outcome, files.Uploaded) for outcome in outcomes)


@needs_sudo
def test_owner_and_sudo(pool: Pool, shared: Sshd) -> None:
    with pool.connection(shared.target("ops")) as remote:
        path = str(shared.dir / "home/guest/file")
        files.upload(remote, b"data", path, mode=0o644, owner="guest:guest")
        assert remote.run(f"stat -c '%U:%G %a' {path}").text == "guest:guest 644"
        with pytest.raises(errors.PathError, match="nobody-such"):
            files.upload(remote, b"other", path, owner="nobody-such")
        with pytest.raises(errors.NotPermitted):
            files.upload(remote, b"data", "/root/x/y", sudo=False)


def test_symbolic_link_is_replaced_not_followed(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.upload(remote, b"new", f"{tmp_path}/link")
    assert (tmp_path / "real").read_bytes() == b"real"
    assert not (tmp_path / "link").is_symlink()


def test_destination_is_a_directory(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(errors.PathError, match="is a directory"):
        files.upload(remote, b"x", str(tmp_path))


@pytest.mark.parametrize("size", [200_000, 3 << 20])
def test_disk_full(servers: Callable[..., Sshd], pool: Pool, tmp_path: Path, size: int) -> None:
    server = servers(setup=f"mkdir -p {tmp_path}/small; mount -t tmpfs -o size=64k none {tmp_path}/small")
    with pool.connection(server.target()) as remote:
        with pytest.raises(errors.DiskFull, match="df -h"):
            files.upload(remote, os.urandom(size), f"{tmp_path}/small/file")
        assert remote.run(f"ls -A {tmp_path}/small").text == "", "the space is given back"


def test_read_only(servers: Callable[..., Sshd], pool: Pool, tmp_path: Path) -> None:
    server = servers(setup=f"mkdir -p {tmp_path}/ro; mount -t tmpfs -o ro none {tmp_path}/ro")
    with pool.connection(server.target()) as remote:
        for path in (f"{tmp_path}/ro/file", f"{tmp_path}/ro/dir/file"):
            with pytest.raises(errors.ReadOnly):
                files.upload(remote, b"x", path)


def test_missing_sha256sum(servers: Callable[..., Sshd], pool: Pool, tmp_path: Path) -> None:
    server = servers(setup="mount --bind /dev/null /usr/bin/sha256sum")
    with pool.connection(server.target()) as remote, pytest.raises(errors.MissingTool) as caught:
        files.upload(remote, b"x", f"{tmp_path}/file")
    assert caught.value.tool == "sha256sum"


def test_stalled_connection(pool: Pool, shared: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PROOF_OF_LIFE", 1.0)
    proxy = Proxy(shared.host, shared.port)
    target = shared.target(key="stalled", host=proxy.host, port=proxy.port)
    with pytest.raises(errors.Unreachable) as caught, pool.connection(target) as remote:
        files.upload(
            remote,
            os.urandom(30 << 20),
            f"{tmp_path}/file",
            stall=1,
            on_progress=lambda there, total: proxy.freeze() if there > total // 3 else None,
        )
    assert caught.value.kind == "no-answer"
    proxy.close()


def test_download(remote: Remote, tmp_path: Path) -> None:
    data = os.urandom(100_000)
    (tmp_path / "file").write_bytes(data)
    assert files.download(remote, f"{tmp_path}/file", 100_000) == data
    with pytest.raises(errors.OutputTooLarge):
        files.download(remote, f"{tmp_path}/file", 99_999)
    with pytest.raises(errors.NoSuchFile) as caught:
        files.download(remote, f"{tmp_path}/missing", 10)
    assert caught.value.path == f"{tmp_path}/missing"
    with pytest.raises(errors.PathError, match="directory"):
        files.download(remote, str(tmp_path), 10)
