"""Keeps one host: its child becomes process 1 in namespaces of its own, and is started again when it reboots.

Run as ``python -m lab.keeper START STATE HOST``, one process a host. The host's mounts exist only in its own mount
namespace and end with its processes; the host ends when its keeper does. So whatever is killed, nothing stays behind
but files, loop devices and the lab's network, which `lab.hosts.Lab.down` finds by their names.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from lab import hostfs, kernel

INIT = "/usr/lib/lab/init"


def keep(start: str, state: Path, name: str) -> int:
    """Boot the host, and again as often as it reboots; return 0 when it powers itself off, 1 when it is killed.

    `state`/hosts/`name`/host.json holds what `lab.hosts.Lab` decided: start, namespace, port, mac, address, neighbours,
    bridge, lower, disks. Another `start`, or no file, is for a keeper whose `up` was killed as it was about to begin:
    it returns 2.
    """
    home = state / "hosts" / name
    try:
        settings = json.loads((home / "host.json").read_text())
    except FileNotFoundError:
        return 2
    if settings["start"] != start:
        return 2
    while True:
        status = _boot_and_wait(state, home, settings)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGHUP:
            continue
        return 0 if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT else 1


def _boot_and_wait(state: Path, home: Path, settings: dict[str, Any]) -> int:
    kernel.unshare(kernel.CLONE_NEWPID)
    own_clock = _unshare_clock()
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        _become_host(state, home, settings, ready)
    os.close(ready)
    kernel.rejoin_own(kernel.CLONE_NEWPID, "pid")
    if own_clock:
        kernel.rejoin_own(kernel.CLONE_NEWTIME, "time")
    os.write(go, b"go")
    os.close(go)
    return os.waitpid(pid, 0)[1]


def _unshare_clock() -> bool:
    """Let the host's uptime begin at 0, where the kernel has time namespaces."""
    try:
        kernel.unshare(kernel.CLONE_NEWTIME)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return False
        raise
    uptime = int(time.clock_gettime(time.CLOCK_BOOTTIME))
    Path("/proc/self/timens_offsets").write_text(f"boottime -{uptime} 0\n")
    return True


def _become_host(state: Path, home: Path, settings: dict[str, Any], ready: int) -> NoReturn:
    try:
        kernel.die_with_parent()
        if os.read(ready, 2) != b"go":  # the keeper ended before it could take this process with it
            os._exit(1)
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNET)
        kernel.make_private()
        kernel.set_hostname(home.name)
        _plug_in(home, settings)
        hostfs.enter(home, settings)
        os.execve(INIT, [INIT, str(state), home.name], {})  # noqa: S606
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _plug_in(home: Path, settings: dict[str, Any]) -> None:
    """Lay a cable from this network namespace's eth0 to the host's port on the lab's bridge."""
    namespace, port = settings["namespace"], settings["port"]
    # The last boot's cable goes with its namespace, which the kernel ends in its own time.
    subprocess.run(["ip", "-n", namespace, "link", "del", port], stderr=subprocess.DEVNULL, check=False)
    own = [
        "link set lo up",
        f"link add eth0 address {settings['mac']} type veth peer name {port} netns {namespace}",
        "link set eth0 addrgenmode none up",
        f"addr add {settings['address']}/24 dev eth0",
        *settings["neighbours"],
    ]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(own), text=True, check=True)
    plug = ["link", "set", port, "addrgenmode", "none", "master", settings["bridge"], "up"]
    subprocess.run(["ip", "-n", namespace, *plug], check=True)
    if (home / "cut").exists():
        subprocess.run(["bridge", "-n", namespace, "link", "set", "dev", port, "state", "0"], check=True)


if __name__ == "__main__":
    if os.fork():
        os._exit(0)
    sys.exit(keep(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
