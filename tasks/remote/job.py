"""Detached jobs: a script that goes on running on the host whatever becomes of the connection.

The host's part is ``job.sh`` and ``keeper.sh``: POSIX sh and coreutils. A job is a directory
``/var/lib/sanqian/jobs/<job id>`` (mode 0700); its script is run at most once, however often :func:`start` is
called, by however many callers. Commands, environment and secrets travel over standard input into files of
mode 0600; the environment's file is removed as soon as the script has read it.

Output is bytes, addressed by offset: whoever asks with the offset reached so far gets each byte once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tasks.remote.command import Remote, Running
from tasks.remote.errors import JobGone, JobRunning, MissingTool, RemoteError, of_errno_text
from tasks.remote.quote import exports, quote
from tasks.remote.source import host_program

ROOT = "/var/lib/sanqian/jobs"
LOG_LIMIT = 256 << 20  # bytes of log a job may leave on the customer's disk
MARGIN = 30.0  # seconds a host may take over the bookkeeping itself

State = Literal["running", "exited", "gone"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


@dataclass(frozen=True)
class Started:
    """``created`` is False when the job was there before: then this call has attached to it.

    ``boot_id`` changes with every boot of the host (or restart of the container).
    """

    created: bool
    boot_id: str


@dataclass(frozen=True)
class Progress:
    """What a job has done since ``offset - len(data)``.

    ``state``: running; exited (``exit_code`` is known); gone (it will never have one), with ``reason``
    no-directory, reboot, killed (its processes died without an exit code) or not-started (start() was
    interrupted: call it again). ``size`` is the log's present length. ``log`` is whole, cut (the log limit
    was reached) or lost (the host could not write it, mostly a full disk).
    """

    state: State
    exit_code: int | None
    data: bytes = field(repr=False)
    offset: int
    size: int
    boot_id: str
    reason: str = ""
    log: str = "whole"

    @property
    def complete(self) -> bool:
        """The job has ended and all of its output has been read."""
        return self.state != "running" and self.offset >= self.size


@dataclass(frozen=True)
class Killed:
    """``outcome``: terminated (TERM was enough), killed (KILL was needed), exited (it had ended before),
    not-started (and never will be), absent (no such job), gone (the host was rebooted since).

    True when no process of the job is left; ``survivors`` are the process ids that even KILL did not end.
    """

    outcome: str
    exit_code: int | None
    survivors: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return not self.survivors


@dataclass(frozen=True)
class Collected:
    """A job's state without its output. Times are the host's clock, in seconds since the epoch."""

    state: State
    exit_code: int | None
    reason: str
    size: int
    log: str
    started_at: int | None
    ended_at: int | None
    boot_id: str


def start(
    remote: Remote,
    job_id: str,
    script: str,
    *,
    env: Mapping[str, str] | None = None,
    sudo: bool = True,
    root: str = ROOT,
    log_limit: int = LOG_LIMIT,
) -> Started:
    """Start ``script`` (POSIX sh, working directory ``/``, no input) as a detached job, or attach to it.

    ``env`` may hold secrets. Of output beyond ``log_limit`` bytes only
    the end is kept, behind a mark; the job goes on.
    Raises :class:`DiskFull`, :class:`ReadOnly`, :class:`NotPermitted`, :class:`MissingTool`,
    :class:`SudoFailed`, :class:`Unreachable` (then the job may have been started: call again), ValueError for
    a bad id.
    """
    words, _ = _ask(remote, job_id, _starting(script, env, log_limit), sudo=sudo, root=root)
    return Started(words[0] == "yes", words[1])


def _starting(script: str, env: Mapping[str, str] | None, log_limit: int) -> str:
    files = {"script": script, "env": exports(env or {}), "run": host_program("keeper.sh")}
    writers = "".join(f"put_{name}() {{ printf '%s\\n#' {quote(text)}; }}\n" for name, text in files.items())
    return f"{writers}LIMIT={log_limit:d}\nstart"


def _following(offset: int, wait: float, linger: float, limit: int) -> str:
    pause = f"{wait:.2f}" if wait > 0 else "0"
    return f"OFFSET={offset:d} WAIT={pause} LINGER={max(0, round(linger * 5)):d} MAX={limit:d}"


def follow(
    remote: Remote,
    job_id: str,
    offset: int,
    *,
    wait: float = 10.0,
    limit: int = 1 << 20,
    linger: float = 0.2,
    sudo: bool = True,
    root: str = ROOT,
) -> Progress:
    """The output after ``offset``, at most ``limit`` bytes; waits up to ``wait`` seconds on the host for
    some.

    Returns as soon as there is output or the job has ended; ``linger`` seconds are given to a job that is
    writing, so that a chatty one is read in pieces, not in lines. Never raises for a job that is gone: that
    is a state.
    """
    if offset < 0:
        raise ValueError("an offset is not negative")
    words, data = _ask(
        remote,
        job_id,
        f"{_following(offset, wait, linger, limit)}\nfollow",
        sudo=sudo,
        root=root,
        timeout=max(wait, 0) + linger + MARGIN,
        limit=limit + 65536,
    )
    if len(data) != int(words[4]):
        raise _changed(remote, job_id, root, len(data), words[4])
    return _progress(offset, words, data)


def _changed(remote: Remote, job_id: str, root: str, came: int, told: str) -> JobGone:
    return JobGone(
        f"the log of job {job_id} gave {came} of {told} bytes: it was changed by something else.",
        "nothing but the job may write below " + root,
        host=remote.name,
    )


def _progress(offset: int, words: list[str], data: bytes) -> Progress:
    state, code, reason, size, _, log, boot_id = words
    if int(size) < offset:
        return Progress("gone", None, b"", offset, int(size), boot_id, "no-directory", log)
    settled, exit_code, why = _state(state, code, reason)
    return Progress(settled, exit_code, data, offset + len(data), int(size), boot_id, why, log)


class Watch:
    """A job that is followed without a thread that waits for it; from :func:`watch`. One thread uses it at a time."""

    def __init__(self, remote: Remote, job_id: str, running: Running, offset: int, root: str, starting: bool) -> None:
        self._remote, self._job_id, self._root = remote, job_id, root
        self._running = running
        self._starting = starting
        self._held = bytearray()
        self._goes_on = True
        self.offset = offset
        self.started: Started | None = None  # known after the first :meth:`take` that gives something
        self.removed = False  # the job's directory, after :meth:`remove`

    @property
    def over(self) -> bool:
        """Nothing more will come."""
        return self._running.ended

    @property
    def late(self) -> bool:
        """The host has said nothing for too long: then :meth:`doubt`."""
        return self._running.late

    def doubt(self) -> RemoteError:
        """Ask the host, for up to five seconds, whether it lives: what is to be raised. The watch is over then."""
        return self._running.doubt()

    def take(self) -> list[Progress]:
        """What the job has done since the last call, without waiting. Raises as :func:`start` and :func:`follow`."""
        self._held += self._running.take()
        found = []
        while (seen := self._next()) is not None:
            found.append(seen)
        if self.over and self._held:
            raise self._said(bytes(self._held))
        if self.over and (self._running.exit_code or self._goes_on):
            raise _failure(self._remote, self._job_id, b"", self._running.exit_code, self._running.error_text)
        return found

    def _next(self) -> Progress | None:
        end = self._held.find(b"\n")
        if end < 0:
            return None
        words = self._held[:end].decode(errors="replace").split()
        if words == ["ok"]:
            self.removed = True
            del self._held[: end + 1]
            return None
        if self._starting and words[:1] == ["ok"] and len(words) == 3:
            self.started, self._starting = Started(words[1] == "yes", words[2]), False
            del self._held[: end + 1]
            return self._next()
        if words[:1] != ["ok"] or len(words) != 8:
            return None  # an error, whose text goes on to the end
        size = int(words[5])
        if len(self._held) <= end + size:
            return None
        data = bytes(self._held[end + 1 : end + 1 + size])
        del self._held[: end + 1 + size]
        seen = _progress(self.offset, words[1:], data)
        self.offset, self._goes_on = seen.offset, seen.state == "running"
        return seen

    def _said(self, text: bytes) -> RemoteError:
        line, _, rest = text.partition(b"\n")
        if len(words := line.split()) == 8 and words[0] == b"ok":
            return _changed(self._remote, self._job_id, self._root, len(rest), words[5].decode())
        return _failure(self._remote, self._job_id, text, self._running.exit_code, text.decode(errors="replace"))

    def remove(self) -> None:
        """The ended job's output has been stored: have the host delete its directory. Nothing is waited for."""
        self._running.say(b"remove\n")

    def close(self) -> None:
        """Hear no more of it; the job goes on."""
        self._running.close()


def watch(
    remote: Remote,
    job_id: str,
    offset: int,
    on_news: Callable[[], None],
    *,
    script: str | None = None,
    env: Mapping[str, str] | None = None,
    wait: float = 30.0,
    limit: int = 1 << 20,
    linger: float = 0.2,
    sudo: bool = True,
    root: str = ROOT,
    log_limit: int = LOG_LIMIT,
) -> Watch:
    """Follow a job from ``offset`` on; with ``script`` it is started first, as by :func:`start`.

    ``on_news`` is called, from the connection's thread, whenever :meth:`Watch.take` may have something. The host says
    something at least every ``wait`` seconds, and gives a job that is writing ``linger`` seconds to write more.
    Raises what :func:`start` does, Unreachable among them: then the job may have been started, so call again.
    """
    # What runs already is looked at once: how long it has been silent is known only then.
    first = _following(offset, 0 if script is None else wait, linger, limit)
    call = f"{first}\nNEXT={wait:.2f}\nwatch"
    if script is not None:
        call = f"{_starting(script, env, log_limit)}\n{call}"
    running = remote.begin(
        _program(job_id, call, root), sudo=sudo, silence=wait + linger + MARGIN, limit=2 * limit, on_news=on_news
    )
    return Watch(remote, job_id, running, offset, root, script is not None)


def kill(remote: Remote, job_id: str, *, grace: float = 5, sudo: bool = True, root: str = ROOT) -> Killed:
    """End every process of the job: TERM, after ``grace`` seconds KILL. Idempotent.

    Takes the job's session and process group, children that sudo started included. A job that was not started
    yet never will be. A job whose directory was deleted is found by the mark in its processes' environment.
    """
    seconds = max(0, round(grace))
    words, _ = _ask(remote, job_id, f"GRACE={seconds}\nstop", sudo=sudo, root=root, timeout=seconds + 10 + MARGIN)
    outcome, code, *survivors = words
    return Killed(outcome, _number(code), tuple(int(pid) for pid in survivors if pid != "-"))


def collect(remote: Remote, job_id: str, *, sudo: bool = True, root: str = ROOT) -> Collected:
    """State, exit code, times and log size, without waiting."""
    words, _ = _ask(remote, job_id, "collect", sudo=sudo, root=root)
    state, code, reason, size, log, started, ended, boot_id = words
    settled, exit_code, why = _state(state, code, reason)
    return Collected(settled, exit_code, why, int(size), log, _number(started), _number(ended), boot_id)


def remove(remote: Remote, job_id: str, *, sudo: bool = True, root: str = ROOT) -> None:
    """Delete an ended job's directory; no error when there is none. Raises :class:`JobRunning`."""
    _ask(remote, job_id, "remove", sudo=sudo, root=root)


def clean(remote: Remote, older_than: float, *, sudo: bool = True, root: str = ROOT) -> list[str]:
    """Delete the directories of jobs that ended more than ``older_than`` seconds ago, and what interrupted
    starts left behind. Running jobs are never touched. Returns the job ids."""
    _, body = _ask(remote, "clean", f"AGE={max(0, int(older_than))}\nclean", sudo=sudo, root=root, timeout=300)
    return [line.split()[1] for line in body.decode(errors="replace").splitlines() if line.startswith("removed ")]


def _ask(
    remote: Remote,
    job_id: str,
    call: str,
    *,
    sudo: bool,
    root: str,
    timeout: float = MARGIN,
    limit: int = 1 << 20,
) -> tuple[list[str], bytes]:
    """Run one verb of ``job.sh``: the words of its first line, and the bytes after it."""
    result = remote.run(_program(job_id, call, root), sudo=sudo, timeout=timeout, limit=limit)
    line, _, body = result.stdout.partition(b"\n")
    words = line.decode(errors="replace").split()
    if result.exit_code == 0 and words[:1] == ["ok"]:
        return words[1:], body
    if result.exit_code == 0 and words[:1] == ["removed"]:
        return [], result.stdout
    raise _failure(remote, job_id, result.stdout, result.exit_code, result.error_text or result.text)


def _program(job_id: str, call: str, root: str) -> str:
    if not _ID.match(job_id):
        raise ValueError(f"{job_id!r} is not a job id: letters, digits, '.', '_' and '-', at most 128")
    if not root.startswith("/") or root.rstrip("/") == "":
        raise ValueError("the job root is an absolute path below /")
    root = root.rstrip("/")
    names = f"ROOT={quote(root)} ID={quote(job_id)} NONCE={secrets.token_hex(8)}\nJOB=$ROOT/$ID\n"
    return f"{host_program('job.sh')}{names}{call}"


def _failure(remote: Remote, job_id: str, output: bytes, exit_code: int, said: str) -> RemoteError:
    """For `output` that is no answer: an error that ``job.sh`` tells, or whatever was `said`."""
    line, _, rest = output.partition(b"\n")
    words = line.decode(errors="replace").split(" ", 2)
    if words[0] == "error" and len(words) == 3:
        return _error(words[1], words[2], job_id, rest.decode(errors="replace").strip(), remote.name)
    return RemoteError(
        f"the job program ended with exit code {exit_code}: {said[-500:] or 'no message'}",
        "check that sh and coreutils on the host work.",
        host=remote.name,
        kind="job-program",
    )


def _error(kind: str, what: str, job_id: str, said: str, host: str) -> RemoteError:
    if kind == "missing-tool":
        return MissingTool(
            what,
            f"{what} is missing and no other way was found to give the job a process group of its own.",
            "install util-linux, which holds setsid.",
            host=host,
        )
    if kind == "running":
        return JobRunning(f"job {job_id} is still running.", "kill it first, or wait for its end.", host=host)
    return of_errno_text(what, said, host=host)


def _state(state: str, code: str, why: str) -> tuple[State, int | None, str]:
    if state == "prepared":
        return "gone", None, "not-started"
    if state == "running":
        return "running", None, ""
    return ("exited" if state == "exited" else "gone"), _number(code), "" if why in ("-", "exit") else why


def _number(word: str) -> int | None:
    return int(word) if word.lstrip("-").isdigit() else None
