#!/usr/bin/python3 -I
"""Process 1 of a lab host: adopts orphans, runs sshd and the boot scripts, and ends the host on request.

SIGUSR1 powers the host off, SIGUSR2 reboots it. Every executable in /etc/lab/boot.d is started at boot, in the
order of their names and without waiting; its output goes to /var/log/lab-boot.log.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

# reboot(2): in a pid namespace it ends only that namespace, and its parent sees SIGHUP or SIGINT.
REBOOT, POWER_OFF = 0x01234567, 0x4321FEDC
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


def start(argv: list[str], log: str) -> int:
    return os.posix_spawn(
        argv[0],
        argv,
        ENVIRONMENT,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


def start_sshd() -> int:
    return start(["/usr/sbin/sshd", "-D", "-e"], "/var/log/sshd.log")


def start_boot_scripts(directory: Path) -> None:
    for script in sorted(directory.iterdir()) if directory.is_dir() else []:
        if os.access(script, os.X_OK):
            try:
                start([str(script)], "/var/log/lab-boot.log")
            except OSError as error:
                with Path("/var/log/lab-boot.log").open("a") as log:
                    log.write(f"{script} does not start: {error}\n")


def end_host(number: int, _frame: object) -> None:
    for blow, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 1.0)):
        try:
            os.kill(-1, blow)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    time.sleep(0.02)
        except ChildProcessError:
            break
    os.sync()
    ctypes.CDLL(None).reboot(ctypes.c_int(REBOOT if number == signal.SIGUSR2 else POWER_OFF))


def main() -> None:
    if os.getpid() != 1:
        raise SystemExit("this is process 1 of a lab host and nothing else")
    signal.signal(signal.SIGUSR1, end_host)
    signal.signal(signal.SIGUSR2, end_host)
    os.umask(0o022)
    Path("/run/sshd").mkdir(mode=0o755, parents=True, exist_ok=True)
    sshd = start_sshd()
    start_boot_scripts(Path("/etc/lab/boot.d"))
    while True:
        pid, _status = os.waitpid(-1, 0)
        if pid == sshd:
            time.sleep(0.2)
            sshd = start_sshd()


main()
