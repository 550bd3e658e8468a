"""``apt-source``: what the nginx container of the package source does, a real HTTP server of a directory."""

from __future__ import annotations

import argparse
import functools
import os
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Files(SimpleHTTPRequestHandler):
    server_version = "SIMULATED-nginx"

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("apt-source", description="SIMULATED web server container")
    parser.add_argument("--directory", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid-file", type=Path)
    options = parser.parse_args(argv)
    handler = functools.partial(Files, directory=options.directory)
    with ThreadingHTTPServer(("", options.port), handler) as server:
        if options.pid_file:
            options.pid_file.write_text(f"{os.getpid()}\n")
        print(f"SIMULATED container serves {options.directory} on port {options.port}", flush=True)
        server.serve_forever()
    return 0
