"""``python -m lab.realceph setup|capture``: install Ceph's packages; record what a real Ceph says in many states."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.errors import LabError
from lab.realceph.cluster import RealCeph
from lab.realceph.states import drive
from lab.system import run

PACKAGES = ("ceph-common", "ceph-mgr", "ceph-mon", "ceph-osd")
TOOLS = ("ceph", "ceph-authtool", "ceph-mgr", "ceph-mon", "ceph-osd", "monmaptool", "rados", "ip", "setpriv", "unshare")
CAPTURED = Path("tests/clusters/ceph/captured")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m lab.realceph", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help=f"install Debian's packages {', '.join(PACKAGES)} on this machine")
    for name, text in (("capture", "record all states (a few minutes)"), ("inside", argparse.SUPPRESS)):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("--to", type=Path, default=CAPTURED, help=f"directory for the answers (default {CAPTURED})")
        if name == "inside":
            sub.add_argument("directory", type=Path)
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "setup":
            return _setup()
        if arguments.command == "capture":
            return _capture(arguments.to)
        return _inside(arguments.to, arguments.directory)
    except LabError as error:
        print(f"realceph: {error}", file=sys.stderr)
        return 1


def _setup() -> int:
    print(f"installing {', '.join(PACKAGES)} with apt-get; `apt-get remove` takes them away again", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    argv = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    return subprocess.run(argv, env=environment, check=False).returncode


def _capture(to: Path) -> int:
    """In namespaces of its own: no port of the machine is used, and no daemon can outlive this process."""
    if os.geteuid():
        raise LabError("namespaces need root", "run it as root")
    if missing := [name for name in TOOLS if shutil.which(name) is None]:
        raise LabError(f"not installed: {', '.join(missing)}", "python -m lab.realceph setup")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    alone = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with tempfile.TemporaryDirectory(prefix="realceph-", dir="/var/tmp") as directory:
        inside = [sys.executable, "-m", "lab.realceph", "inside", "--to", str(to), directory]
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *alone, *inside])
        try:
            return process.wait()
        finally:
            # Its first process takes all others of the namespace with it.
            process.kill()
            process.wait()


def _inside(to: Path, directory: Path) -> int:
    if os.getpid() != 1:
        raise LabError("this is the inner half of `capture`", "python -m lab.realceph capture")
    run(["ip", "link", "set", "lo", "up"])
    run(["hostname", "realceph"])
    ceph = RealCeph(directory, lambda line: print(line, flush=True))
    try:
        ceph.start()
        drive(ceph, to)
    finally:
        ceph.stop()
    (to / "VERSION").write_text(run(["ceph", "--version"]).stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
