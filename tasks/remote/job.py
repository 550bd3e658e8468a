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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tasks.remote.command import Remote
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


def begin(
    remote: Remote,
    job_id: str,
    script: str,
    *,
    env: Mapping[str, str] | None = None,
    wait: float = 10.0,
    limit: int = 1 << 20,
    linger: float = 0.2,
    sudo: bool = True,
    root: str = ROOT,
    log_limit: int = LOG_LIMIT,
) -> tuple[Started, Progress]:
    """:func:`start`, and the first :func:`follow` from byte 0 on, in one command.

    Raises what they do; and :class:`Interrupted`, after which the job may have been started or not: call again.
    """
    call = f"{_starting(script, env, log_limit)}\n{_following(0, wait, linger, limit)}"
    words, body = _ask(
        remote,
        job_id,
        call,
        sudo=sudo,
        root=root,
        timeout=max(wait, 0) + linger + MARGIN,
        limit=limit + 65536,
        interruptible=True,
    )
    line, _, data = body.partition(b"\n")
    seen = line.decode(errors="replace").split()
    if seen[:1] != ["ok"]:
        said = f"the job program said {line[:200]!r}."
        raise RemoteError(said, "check that sh works on the host.", host=remote.name, kind="job-program")
    return Started(words[0] == "yes", words[1]), _progress(remote, job_id, 0, root, seen[1:], data)


def _starting(script: str, env: Mapping[str, str] | None, log_limit: int) -> str:
    files = {"script": script, "env": exports(env or {}), "run": host_program("keeper.sh")}
    writers = "".join(f"put_{name}() {{ printf '%s\\n#' {quote(text)}; }}\n" for name, text in files.items())
    return f"{writers}LIMIT={log_limit:d}\nstart"


def _following(offset: int, wait: float, linger: float, limit: int) -> str:
    pause = f"{wait:.2f}" if wait > 0 else "0"
    return f"OFFSET={offset:d} WAIT={pause} LINGER={max(0, round(linger * 5)):d} MAX={limit:d}\nfollow"


def follow(
    remote: Remote,
    job_id: str,
    offset: int,
    *,
    wait: float = 10.0,
    limit: int = 1 << 20,
    linger: float = 0.2,
    interruptible: bool = False,
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
        _following(offset, wait, linger, limit),
        sudo=sudo,
        root=root,
        timeout=max(wait, 0) + linger + MARGIN,
        limit=limit + 65536,
        interruptible=interruptible,
    )
    return _progress(remote, job_id, offset, root, words, data)


def _progress(remote: Remote, job_id: str, offset: int, root: str, words: list[str], data: bytes) -> Progress:
    state, code, reason, size, count, log, boot_id = words
    if len(data) != int(count):
        raise JobGone(
            f"the log of job {job_id} gave {len(data)} of {count} bytes: it was changed by something else.",
            "nothing but the job may write below " + root,
            host=remote.name,
        )
    if int(size) < offset:
        return Progress("gone", None, b"", offset, int(size), boot_id, "no-directory", log)
    settled, exit_code, why = _state(state, code, reason)
    return Progress(settled, exit_code, data, offset + len(data), int(size), boot_id, why, log)


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
    interruptible: bool = False,
) -> tuple[list[str], bytes]:
    """Run one verb of ``job.sh``: the words of its first line, and the bytes after it."""
    if not _ID.match(job_id):
        raise ValueError(f"{job_id!r} is not a job id: letters, digits, '.', '_' and '-', at most 128")
    if not root.startswith("/") or root.rstrip("/") == "":
        raise ValueError("the job root is an absolute path below /")
    root = root.rstrip("/")
    names = f"ROOT={quote(root)} ID={quote(job_id)} NONCE={secrets.token_hex(8)}\nJOB=$ROOT/$ID\n"
    result = remote.run(
        f"{host_program('job.sh')}{names}{call}", sudo=sudo, timeout=timeout, limit=limit, interruptible=interruptible
    )
    line, _, body = result.stdout.partition(b"\n")
    words = line.decode(errors="replace").split()
    if result.exit_code == 0 and words[:1] == ["ok"]:
        return words[1:], body
    if result.exit_code == 0 and words[:1] == ["removed"]:
        return [], result.stdout
    if words[:1] == ["error"] and len(words) >= 3:
        what = line.decode(errors="replace").split(" ", 2)[2]
        raise _error(words[1], what, job_id, body.decode(errors="replace").strip(), remote.name)
    said = result.error_text or result.text
    raise RemoteError(
        f"the job program ended with exit code {result.exit_code}: {said[-500:] or 'no message'}",
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
