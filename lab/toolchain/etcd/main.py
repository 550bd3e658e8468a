"""``etcd``: one member. It knows the list of members and ends when it is taken out of it."""

from __future__ import annotations

import argparse
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab.toolchain.etcd.member import PORT

DATA = Path("/var/lib/etcd/member/members.json")
JOURNAL = DATA.with_name("journal.jsonl")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("etcd", description="SIMULATED etcd")
    parser.add_argument("--pid-file", type=Path)
    options = parser.parse_args(argv)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing: health is asked for all the time."""

        def do_GET(self) -> None:
            file, nothing = (JOURNAL, b"") if self.path == "/journal" else (DATA, b"[]")
            data = file.read_bytes() if file.is_file() else nothing
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_PUT(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            DATA.write_text(json.dumps(given))
            self.do_GET()

        def do_DELETE(self) -> None:
            DATA.unlink(missing_ok=True)
            self.do_GET()
            threading.Thread(target=server.shutdown).start()

    server = ThreadingHTTPServer(("", PORT), Handler)
    server.daemon_threads = True
    if options.pid_file:
        options.pid_file.write_text(f"{os.getpid()}\n")
    print(f"SIMULATED etcd on port {PORT}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    print("SIMULATED etcd: the member was removed from the cluster", flush=True)
    return 0
