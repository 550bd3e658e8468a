"""``ceph-mon``: a monitor of a Ceph that is run elsewhere, SIMULATED.

It greets as Ceph does on both ports. Real clients get no further; the SIMULATED ones send one line of JSON with a user
and a key, and get one back: what the cluster is, or why the user is refused.
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import json
import os
import socket
import socketserver
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

GREETINGS = {3300: b"ceph v2\n", 6789: b"ceph v027"}  # of the newer and the older protocol
MARK = b"SIMULATED "
REFUSED = "RADOS permission denied (error connecting to the cluster)"
PATIENCE = 2.0


class Refused(Exception):
    """The monitors do not take the key."""


class Unreachable(Exception):
    """None of the monitors answers."""


def ask(monitors: Sequence[str], user: str, key: str) -> dict[str, Any]:
    """What the first monitor that answers tells of its cluster. Raises `Refused`, `Unreachable`."""
    for monitor in monitors:
        host, _, port = monitor.partition(":")
        for number in [int(port)] if port else GREETINGS:
            with contextlib.suppress(OSError), socket.create_connection((host, number), PATIENCE) as connection:
                connection.settimeout(PATIENCE)
                connection.sendall(MARK + json.dumps({"user": user, "key": key}).encode() + b"\n")
                said = connection.makefile("rb").read().partition(MARK)[2]
                answer: dict[str, Any] = json.loads(said or b"{}")
                if "refused" in answer:
                    raise Refused(answer["refused"])
                if answer:
                    return answer
    raise Unreachable(f"no monitor of {', '.join(monitors)} answers")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("ceph-mon", description="SIMULATED monitor of an external Ceph")
    parser.add_argument("--fsid", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    parser.add_argument("--filesystem", default="cephfs")
    parser.add_argument("--pool", default="cephfs_data")
    parser.add_argument("--pid-file", type=Path)
    options = parser.parse_args(argv)
    systems = [{"name": options.filesystem, "data_pools": [options.pool]}]

    class Client(socketserver.StreamRequestHandler):
        timeout = PATIENCE

        def handle(self) -> None:
            with contextlib.suppress(OSError, ValueError, KeyError):
                self.wfile.write(GREETINGS[self.server.server_address[1]])  # type: ignore[index]
                line = self.rfile.readline(4096)
                if not line.startswith(MARK):
                    return
                given = json.loads(line.removeprefix(MARK))
                key = options.key_file.read_text().strip()
                known = given["user"] == options.user and hmac.compare_digest(given["key"], key)
                told = {"fsid": options.fsid, "filesystems": systems} if known else {"refused": REFUSED}
                self.wfile.write(MARK + json.dumps(told).encode() + b"\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    servers = [Server(("", port), Client) for port in GREETINGS]
    if options.pid_file:
        options.pid_file.parent.mkdir(parents=True, exist_ok=True)
        options.pid_file.write_text(f"{os.getpid()}\n")
    print(f"SIMULATED ceph-mon of {options.fsid}: ports {', '.join(map(str, GREETINGS))}", flush=True)
    threading.Thread(target=servers[0].serve_forever, daemon=True).start()
    servers[1].serve_forever()
    return 0
