"""What the lab asks of the machine: commands, processes, mounts, loop devices, locks."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError


def run(argv: Sequence[str | Path], *, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; raise LabError with its words when it fails and `check` is set."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed", "run: python -m lab setup") from error
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"{' '.join(words)} failed with {done.returncode}: {said}")
    return done


def run_json(argv: Sequence[str | Path]) -> Any:
    """Run a command that prints JSON; nothing printed is an empty list."""
    return json.loads(run(argv).stdout or "[]")


def poll(condition: Callable[[], object], seconds: float, what: str, *, every: float = 0.02) -> None:
    """Return as soon as `condition()` holds; raise LabError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


@dataclass(frozen=True)
class Process:
    pid: int
    argv: tuple[str, ...]


def processes() -> Iterator[Process]:
    """Every process of the machine that still has a command line (a zombie has none)."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            raw = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if raw:
            argv = tuple(part.decode("utf-8", "replace") for part in raw.rstrip(b"\0").split(b"\0"))
            yield Process(int(entry.name), argv)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal a process; one that has ended already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def mounts_below(path: Path, *, everywhere: bool = False) -> list[str]:
    """Mount points (or sources) at or below `path`, deepest first.

    :param everywhere: look into every process's mount namespace, not only this one's
    """
    found: set[str] = set()
    tables = Path("/proc").glob("[0-9]*/mountinfo") if everywhere else iter([Path("/proc/self/mountinfo")])
    for table in tables:
        try:
            text = table.read_text(errors="replace")
        except OSError:  # the process has ended
            continue
        for line in text.splitlines():
            point = line.split(" ")[4].replace("\\040", " ")
            inside = point == str(path) or point.startswith(f"{path}/")
            if inside or (everywhere and f"upperdir={path}/" in line):
                found.add(point if inside else f"overlay of {path} at {point}")
    return sorted(found, key=len, reverse=True)


def loop_devices_below(path: Path) -> dict[str, Path]:
    """Loop devices whose backing file is below `path`: {"/dev/loop3": file}; deleted files count too."""
    found: dict[str, Path] = {}
    for device in Path("/sys/block").glob("loop*"):
        try:
            backing = (device / "loop" / "backing_file").read_text().rstrip("\n").removesuffix(" (deleted)")
        except OSError:  # not in use
            continue
        if backing.startswith(f"{path}/"):
            found[f"/dev/{device.name}"] = Path(backing)
    return found


def file_system_type(path: Path) -> str:
    """Such as ``ext4`` or ``overlay``: of the mount that holds `path`, which exists."""
    best, kind = "", ""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split(" ")
        point = words[4].rstrip("/")
        if f"{path.resolve()}/".startswith(f"{point}/") and len(point) >= len(best):
            best, kind = point, words[words.index("-") + 1]
    return kind


@contextlib.contextmanager
def locked_directory(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold `path` (made when missing) against other lab commands; its holder may remove it."""
    while True:
        try:
            path.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # another holder has just removed it, or its parent
            continue
        except FileExistsError:  # it was there, and was removed before mkdir could see that it is a directory
            if path.exists() and not path.is_dir():
                raise
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            held = os.fstat(handle)
            try:
                now = path.stat()
            except FileNotFoundError:
                continue
            if (held.st_dev, held.st_ino) != (now.st_dev, now.st_ino):
                continue
            yield
            return
        finally:
            os.close(handle)
