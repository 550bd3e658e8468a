"""``kube-apiserver-relay``: port 6443 of a further control-plane host, SIMULATED by passing bytes to the first one."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import socketserver
import threading
from pathlib import Path


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("kube-apiserver-relay", description="SIMULATED kube-apiserver")
    parser.add_argument("--to", required=True, help="address of the first control-plane host")
    parser.add_argument("--secure-port", type=int, default=6443)
    parser.add_argument("--pid-file", type=Path)
    options = parser.parse_args(argv)

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), socket.create_connection((options.to, 6443), 5) as there:
                there.settimeout(None)
                back = threading.Thread(target=_pass, args=(there, self.request), daemon=True)
                back.start()
                _pass(self.request, there)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("", options.secure_port), Relay) as server:
        if options.pid_file:
            options.pid_file.write_text(f"{os.getpid()}\n")
        print(f"SIMULATED kube-apiserver: port {options.secure_port} leads to {options.to}", flush=True)
        server.serve_forever()
    return 0


def _pass(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        with source.makefile("rb", buffering=0) as reader, target.makefile("wb", buffering=0) as writer:
            shutil.copyfileobj(reader, writer)
        target.shutdown(socket.SHUT_WR)
