"""Jobs that are watched by nobody who waits, on a real SSH server."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.remote import Credential, Pool, Remote, errors, job
from tests.tasks.remote.following import read_all
from tests.tasks.remote.servers import PASSWORD, Sshd, needs_sudo, until

pytestmark = pytest.mark.lab


class Ear:
    """What a watch tells, as it comes."""

    def __init__(self, remote: Remote, jobs: str, offset: int = 0, **options: object) -> None:
        self.news = threading.Event()
        self.seen: list[job.Progress] = []
        self.watch = job.watch(remote, "one", offset, self.news.set, root=jobs, linger=0, **options)  # type: ignore[arg-type]

    def hear(self) -> None:
        assert self.news.wait(30), "nothing came"
        self.news.clear()
        self.seen += self.watch.take()

    def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.hear()

    @property
    def data(self) -> bytes:
        return b"".join(one.data for one in self.seen)

    @property
    def ended(self) -> bool:
        return bool(self.seen) and self.seen[-1].complete


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    made = tmp_path / "gate"
    os.mkfifo(made)
    return made


def test_one_command_starts_tells_and_removes(remote: Remote, jobs: str, gate: Path) -> None:
    ear = Ear(remote, jobs, script=f"echo first; echo $MARK; cat {gate}; exit 3", env={"MARK": "it's"})
    ear.until(lambda: ear.data == b"first\nit's\n")
    assert ear.watch.started is not None and ear.watch.started.created
    assert not ear.ended
    gate.write_text("last\n")
    ear.until(lambda: ear.ended)
    assert (ear.data, ear.seen[-1].exit_code) == (b"first\nit's\nlast\n", 3)
    assert not ear.watch.over and (Path(jobs) / "one").exists()
    ear.watch.remove()
    ear.until(lambda: ear.watch.over)
    assert ear.watch.removed and not list(Path(jobs).iterdir())


def test_it_goes_on_from_an_offset_and_takes_up_what_runs(remote: Remote, jobs: str, gate: Path) -> None:
    job.start(remote, "one", f"echo first; cat {gate}", root=jobs)
    ear = Ear(remote, jobs, 6, script="echo another")
    gate.write_text("last\n")
    ear.until(lambda: ear.ended)
    assert ear.watch.started is not None and not ear.watch.started.created
    assert ear.data == b"last\n"
    ear.watch.close()
    assert (Path(jobs) / "one").exists(), "nobody had it removed"


def test_a_silent_host_says_that_it_is_there(remote: Remote, jobs: str, gate: Path) -> None:
    ear = Ear(remote, jobs, script=f"cat {gate}", wait=0.3)
    ear.until(lambda: len(ear.seen) >= 3)
    assert {(one.state, one.data) for one in ear.seen} == {("running", b"")}
    gate.write_text("")
    ear.until(lambda: ear.ended)


def test_much_output_comes_in_pieces_and_whole(remote: Remote, jobs: str) -> None:
    lines = b"".join(b"%d\n" % i for i in range(20000))
    ear = Ear(remote, jobs, script="seq 0 19999", limit=7777)
    ear.until(lambda: ear.ended)
    assert ear.data == lines
    assert max(len(one.data) for one in ear.seen) == 7777


def test_who_no_longer_listens_leaves_nothing_but_the_job(remote: Remote, jobs: str, gate: Path) -> None:
    ear = Ear(remote, jobs, script=f"cat {gate}; echo done", wait=0.3)
    ear.until(lambda: bool(ear.seen))
    ear.watch.close()
    until(lambda: not _watchers(jobs), 20)
    gate.write_text("")
    assert read_all(remote, "one", jobs)[1] == b"done\n"


def test_a_job_that_was_never_claimed_is_told_as_not_started(remote: Remote, jobs: str) -> None:
    (Path(jobs) / "one").mkdir(parents=True)
    ear = Ear(remote, jobs)
    ear.until(lambda: ear.watch.over)
    assert [(one.state, one.reason) for one in ear.seen] == [("gone", "not-started")]


def test_what_keeps_a_job_from_starting_is_raised(remote: Remote, jobs: str) -> None:
    Path(jobs).parent.mkdir(exist_ok=True)
    Path(jobs).write_text("in the way")
    try:
        ear = Ear(remote, jobs, script="true")
        with pytest.raises(errors.RemoteError) as caught:
            ear.until(lambda: ear.watch.over)
        assert jobs in str(caught.value)
    finally:
        Path(jobs).unlink()


def test_a_cut_connection_is_news_and_costs_no_byte(sshd: Sshd, pool: Pool, jobs: str, gate: Path) -> None:
    with pool.connection(sshd.target()) as remote:
        ear = Ear(remote, jobs, script=f"echo first; cat {gate}; echo last")
        ear.until(lambda: ear.data == b"first\n")
        sshd.cut()
        with pytest.raises(errors.Unreachable) as caught:
            ear.until(lambda: ear.watch.over)
        assert caught.value.kind == "dropped"
    gate.write_text("")
    with pool.connection(sshd.target()) as remote:
        again = Ear(remote, jobs, ear.watch.offset)
        again.until(lambda: again.ended)
    assert again.data == b"last\n"


@needs_sudo
def test_sudo_asks_for_a_password_first(shared: Sshd, pool: Pool, jobs: str) -> None:
    credential = Credential(private_key=shared.private_key, sudo_password=PASSWORD)
    with pool.connection(shared.target("deploy", credential=credential)) as remote:
        ear = Ear(remote, jobs, script="id -un", wait=5)
        ear.until(lambda: ear.ended)
        assert ear.data == b"root\n"
        ear.watch.remove()
        ear.until(lambda: ear.watch.over)
        assert ear.watch.removed


def test_a_removal_that_is_refused_is_raised(remote: Remote, jobs: str, gate: Path) -> None:
    """As when something of the job was started anew between its end and its removal."""
    ear = Ear(remote, jobs, script="true")
    ear.until(lambda: ear.ended)
    claim = Path(jobs) / "one" / "claim"
    pid, start = os.getpid(), Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
    words = str(claim.readlink()).split()
    claim.unlink()
    claim.symlink_to(" ".join([str(pid), start, *words[2:]]))
    (Path(jobs) / "one" / "exit").unlink()
    ear.watch.remove()
    with pytest.raises(errors.JobRunning):
        ear.until(lambda: ear.watch.over)
    claim.unlink()
    claim.symlink_to(" ".join(words))


def _watchers(jobs: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_text()
            if "tail" in line and jobs in line:
                found.append(line)
    return found
