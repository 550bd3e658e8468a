"""Faults on request: ``LAB_FAULTS`` or /etc/lab/faults.json, described in lab/README.md."""

from __future__ import annotations

import fcntl
import fnmatch
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

FAULTS_FILE = Path(os.environ.get("LAB_FAULTS_FILE", "/etc/lab/faults.json"))
STRUCK_FILE = Path(os.environ.get("LAB_FAULTS_STRUCK", "/var/lib/lab/faults-struck.json"))

FOREVER = 1e6  # seconds


class FaultStruck(Exception):
    """A fault with ``"do": "fail"``; the program fails with this message."""


@dataclass(frozen=True)
class Fault:
    at: str
    do: str
    match: str = "*"
    host: str = ""
    times: int | None = None
    seconds: float = 10.0
    message: str = "fault on request"

    @property
    def key(self) -> str:
        return "|".join((self.at, self.do, self.match, self.host, str(self.times), self.message))


class BadFaults(Exception):
    """The faults cannot be read; a fault that is silently ignored would make a test lie."""


def load() -> list[Fault]:
    """The faults of the environment, then those of the file. Raises `BadFaults`."""
    found: list[Fault] = []
    sources = [("LAB_FAULTS", os.environ.get("LAB_FAULTS", ""))]
    if FAULTS_FILE.is_file():
        sources.append((str(FAULTS_FILE), FAULTS_FILE.read_text()))
    for name, text in sources:
        if not text.strip():
            continue
        try:
            found += [Fault(**entry) for entry in json.loads(text)["faults"]]
        except (ValueError, TypeError, KeyError) as error:
            raise BadFaults(f"{name}: not a list of faults: {error}") from error
    return found


def matching(at: str, subject: str = "", host: str = "") -> Iterator[Fault]:
    """The faults for a place such as ``kk:PullModule`` or ``pod``, whether they have struck or not."""
    for fault in load():
        if not fnmatch.fnmatchcase(at, fault.at):
            continue
        if not fnmatch.fnmatchcase(subject, fault.match):
            continue
        if fault.host and host != fault.host:
            continue
        yield fault


def take(fault: Fault) -> bool:
    """Count one strike; False when the fault has struck as often as it may."""
    if fault.times is None:
        return True
    STRUCK_FILE.parent.mkdir(parents=True, exist_ok=True)
    with STRUCK_FILE.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        struck: dict[str, int] = json.loads(handle.read() or "{}")
        if struck.get(fault.key, 0) >= fault.times:
            return False
        struck[fault.key] = struck.get(fault.key, 0) + 1
        handle.seek(0)
        handle.truncate()
        json.dump(struck, handle)
    return True


def die() -> NoReturn:
    """End as a process that was killed with SIGKILL ends: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def strike(at: str, subject: str = "", host: str = "", only: tuple[str, ...] = ()) -> Fault | None:
    """Let the first matching fault strike: sleep, hang, cut the network or raise `FaultStruck`.

    ``half`` and ``kill`` need the program's help: they are returned, and the caller ends with `die`.
    """
    for fault in matching(at, subject, host):
        if only and fault.do not in only:
            continue
        if not take(fault):
            continue
        if fault.do == "fail":
            raise FaultStruck(fault.message)
        if fault.do == "slow":
            time.sleep(fault.seconds)
        elif fault.do == "hang":
            time.sleep(FOREVER)
        elif fault.do == "drop":
            drop_network(fault.seconds)
        return fault
    return None


def drop_network(seconds: float) -> None:
    """Take every network device but lo down, and up again after `seconds`, whatever happens to this process."""
    subprocess.run(["/bin/sh", "-c", drop_script(seconds)], check=True)


def drop_script(seconds: float) -> str:
    """Shell text that does the same on the host where it runs, and returns at once."""
    return (
        "devices=$(ls /sys/class/net | grep -vx lo); "
        "setsid sh -c 'sleep 0.2; for d in $0; do ip link set $d down; done; "
        f'sleep {seconds}; for d in $0; do ip link set $d up; done\' "$devices" >/dev/null 2>&1 </dev/null &'
    )
